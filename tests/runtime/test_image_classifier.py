import numpy as np
import pytest
import tensorflow as tf

import tfast.runtime
from tfast.runtime import ImageError
from tfast.vision.decoding import decode_image
from tfast.vision.preprocessing import ImagePreprocessing


@pytest.fixture
def classifier(image_folder):
    return tfast.runtime.load(image_folder)


@pytest.fixture
def content(photograph):
    return tf.io.encode_png(photograph).numpy()


def test_files_and_contents_are_answered_as_the_model_does(
    classifier, image_model, content, tmp_path
):
    (tmp_path / "image.png").write_bytes(content)
    inputs = [str(tmp_path / "image.png"), tmp_path / "image.png", content, bytearray(content)]
    labels, probabilities = classifier.classify(inputs)
    pixels = ImagePreprocessing()(decode_image(tf.constant(content)), (12, 16))
    expected = tf.nn.softmax(image_model(pixels[None]))[0]
    np.testing.assert_allclose(probabilities, [expected] * 4, rtol=0, atol=0.01)
    assert labels == [classifier.class_names[np.argmax(expected)]] * 4


def test_more_images_than_a_batch_holds_are_answered(classifier, photograph):
    images = [tf.io.encode_png(np.roll(photograph, 5 * i, axis=1)).numpy() for i in range(70)]
    together = classifier.classify(images).probabilities
    np.testing.assert_allclose(together[::-1], classifier.classify(images[::-1]).probabilities,
                               atol=1e-6)  # fmt: skip
    assert np.ptp(together[:, 0]) > 0.01


def test_no_image_has_no_answer(classifier):
    assert classifier.classify([]).probabilities.shape == (0, 2)


def test_an_image_that_cannot_be_read_is_named(classifier, content, tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(
        ImageError, match=r"inputs\[1\] \(.*notes.txt\) must be a readable image, got"
    ):
        classifier.classify([content, tmp_path / "notes.txt"])
    with pytest.raises(
        ImageError, match=r"inputs\[0\] must be a readable image, got a broken image"
    ):
        classifier.classify([content[:100]])
    with pytest.raises(FileNotFoundError):
        classifier.classify([tmp_path / "nowhere.png"])


def test_one_image_is_no_list(classifier, content):
    for image in (content, "cat.jpg"):
        with pytest.raises(ValueError, match="inputs must be a list of paths or bytes, got"):
            classifier.classify(image)


def test_large_images_are_refused_where_it_was_said(image_folder, content):
    classifier = tfast.runtime.load(image_folder, most_pixels=60 * 90 - 1)
    with pytest.raises(ImageError, match="an image of 90 x 60 pixels; the most are 5,399"):
        classifier.classify([content])
    tfast.runtime.load(image_folder, most_pixels=60 * 90).classify([content])
