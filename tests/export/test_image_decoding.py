import numpy as np
import pytest
import tensorflow as tf

from tfast.export.image_decoding import decode_images


def image(value):
    return tf.io.encode_png(tf.fill((4, 5, 3), tf.cast(value, tf.uint8))).numpy()


def prepare(pixels):
    return tf.image.resize(pixels, (2, 2))


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def decoded(files):
    return decode_images(files, prepare, (2, 2))


@pytest.mark.parametrize("run", [decoded, decoded.python_function], ids=["graph", "eager"])
def test_files_keep_their_order_whatever_is_broken(run):
    values = [7, None, 9, None, None, 1, *range(20, 40), None]
    files = tf.constant([b"BM" if value is None else image(value) for value in values])
    images, errors = run(files)
    assert images.shape == (len(values), 2, 2, 3)
    for row, value in enumerate(values):
        np.testing.assert_array_equal(images[row], np.full((2, 2, 3), value or 0, "float32"))
        assert (errors[row] == b"") == (value is not None)


def test_an_empty_batch_gives_one_row_of_zeros_and_no_error():
    images, errors = decoded(tf.constant([], tf.string))
    assert images.shape == (1, 2, 2, 3)
    assert not images.numpy().any()
    assert errors.shape == (0,)


def test_files_that_are_right_are_not_asked_what_is_wrong(monkeypatch):
    asked = []

    def describe(encoded):
        tf.py_function(lambda: asked.append(1), [], [])
        return tf.constant("odd")

    monkeypatch.setattr("tfast.export.image_decoding.describe_refusal", describe)
    run = tf.function(lambda files: decode_images(files, prepare, (2, 2)))
    run(tf.constant([image(1), image(2)]))
    assert not asked
    _, errors = run(tf.constant([image(1), b"x"]))
    assert errors.numpy().tolist() == [b"", b"odd"]
    assert asked
