import concurrent.futures
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfast.export.images import export_image_classifier
from tfast.vision.images import ImageFolder
from tfast.vision.preprocessing import ImagePreprocessing
from tfast.vision.xresnet import xresnet

PREPROCESSING = ImagePreprocessing(mean=0.4, standard_deviation=(0.2, 0.25, 0.3))
CLASS_NAMES = ["ant", "bee", "cow"]

FRESH_PROCESS = """
import json, pathlib, sys
import tensorflow as tf
folder, *files = sys.argv[1:]
serve = tf.saved_model.load(folder).signatures["serving_default"]
contents = tf.constant([pathlib.Path(file).read_bytes() for file in files])
outputs = serve(image_bytes=contents)
assert "tfast" not in sys.modules
print(json.dumps({
    "probabilities": outputs["probabilities"].numpy().tolist(),
    "labels": [label.decode() for label in outputs["labels"].numpy()],
    "class_names": [name.decode() for name in outputs["class_names"].numpy()[-1]],
}))
"""


def tiny_model(*, input_shape=(24, 24, 3), activation=None):
    """A classifier whose batch norm has seen data, so that training mode would differ."""
    model = keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Conv2D(4, 3, strides=2),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3, activation=activation),
        ]
    )
    random = np.random.RandomState(0)
    model.set_weights([0.5 * abs(random.standard_normal(w.shape)) for w in model.get_weights()])
    return model


@pytest.fixture
def images(tmp_path):
    """Images of several kinds and sizes, in a folder a class."""
    random = np.random.RandomState(0)
    for i, ending in enumerate(["jpg", "png", "gif", "bmp", "jpg", "png"]):
        folder = tmp_path / "images" / CLASS_NAMES[i % 3]
        folder.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(random.randint(0, 256, (6, 5, 3), "uint8"))
        coarse.resize((30 + 7 * i, 40)).save(folder / f"{i}.{ending}")
    return tmp_path / "images"


def validation(images, size=24):
    return ImageFolder.read(images).validation_batches(
        image_size=size, batch_size=4, preprocessing=PREPROCESSING
    )


def load(folder, signature="serving_default"):
    loaded = tf.saved_model.load(str(folder))
    serve = loaded.signatures[signature]
    serve.keep = loaded  # the signature does not keep the weights alive by itself
    return serve


def contents(paths):
    return tf.stack([tf.io.read_file(path) for path in paths])


def test_a_fresh_process_with_tensorflow_alone_serves_what_validation_predicts(images, tmp_path):
    dataset, model = validation(images), tiny_model()
    export_image_classifier(model, tmp_path / "served", CLASS_NAMES, PREPROCESSING)
    command = [
        sys.executable,
        "-c",
        FRESH_PROCESS,
        tmp_path / "served",
        *ImageFolder.read(images).file_paths,
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    served = json.loads(result.stdout.splitlines()[-1])
    expected = keras.ops.softmax(model.predict(dataset, verbose=0)).numpy()
    np.testing.assert_allclose(served["probabilities"], expected, rtol=0, atol=1e-5)
    assert served["labels"] == [CLASS_NAMES[i] for i in expected.argmax(1)]
    assert served["class_names"] == CLASS_NAMES
    assert np.ptp(expected, axis=0).max() > 1e-3, "images too alike to tell anything"


def test_pixels_are_served_as_their_files_are(images, tmp_path):
    export_image_classifier(tiny_model(), tmp_path / "served", CLASS_NAMES, PREPROCESSING)
    path = str(images / "bee" / "1.png")
    by_bytes = load(tmp_path / "served")(image_bytes=contents([path, path]))
    pixels = np.stack([np.asarray(Image.open(path))] * 2)
    by_pixels = load(tmp_path / "served", "serve_pixels")(pixels=tf.constant(pixels))
    for name, expected in by_bytes.items():
        assert by_pixels[name].shape == expected.shape
    np.testing.assert_allclose(by_pixels["probabilities"], by_bytes["probabilities"], atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_serves_float32_probabilities(images, tmp_path, policy):
    keras.mixed_precision.set_dtype_policy(policy)
    dataset, model = validation(images), tiny_model(activation="softmax")
    export_image_classifier(model, tmp_path / "served", CLASS_NAMES, PREPROCESSING)
    served = load(tmp_path / "served")(image_bytes=contents(ImageFolder.read(images).file_paths))
    assert served["probabilities"].dtype == tf.float32
    # The model ends in probabilities: no second softmax. Half precision rounds them.
    expected = model.predict(dataset, verbose=0).astype("float32")
    np.testing.assert_allclose(served["probabilities"], expected, rtol=0, atol=5e-3)


def test_an_open_input_needs_the_size_of_validation(images, tmp_path):
    model = tiny_model(input_shape=(None, None, 3))
    with pytest.raises(ValueError, match="the size that validation used, got None"):
        export_image_classifier(model, tmp_path / "served", CLASS_NAMES, PREPROCESSING)
    dataset = validation(images, size=16)
    export_image_classifier(model, tmp_path / "served", CLASS_NAMES, PREPROCESSING, image_size=16)
    served = load(tmp_path / "served")(image_bytes=contents(ImageFolder.read(images).file_paths))
    expected = keras.ops.softmax(model.predict(dataset, verbose=0))
    np.testing.assert_allclose(served["probabilities"], expected, rtol=0, atol=1e-5)


def test_a_broken_file_fails_alone_and_says_why(images, tmp_path):
    export_image_classifier(tiny_model(), tmp_path / "served", CLASS_NAMES, PREPROCESSING)
    serve, path = load(tmp_path / "served"), images / "ant" / "0.jpg"
    good, other = path.read_bytes(), (images / "bee" / "1.png").read_bytes()
    files = [b"no image", good, good[: len(good) // 2], other[:60], b"", other]
    served = {name: value.numpy() for name, value in serve(image_bytes=tf.constant(files)).items()}
    assert served["errors"].tolist() == [
        b"not a JPEG, PNG, GIF or BMP file",
        b"",
        b"a broken image file",
        b"a broken image file",
        b"not a JPEG, PNG, GIF or BMP file",
        b"",
    ]
    alone = serve(image_bytes=tf.constant([good, other]))
    assert alone["errors"].numpy().tolist() == [b"", b""]
    for name, expected in alone.items():
        np.testing.assert_array_equal(served[name][[1, 5]], expected, err_msg=name)
    for row in (0, 2, 3, 4):
        assert served["labels"][row] == b""
        assert not served["probabilities"][row].any()


def test_a_request_of_broken_files_alone_is_answered(tmp_path):
    export_image_classifier(tiny_model(), tmp_path / "served", CLASS_NAMES, PREPROCESSING)
    served = load(tmp_path / "served")(image_bytes=tf.constant([b"no image"]))
    assert served["errors"].numpy().tolist() == [b"not a JPEG, PNG, GIF or BMP file"]


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_batch_of_no_image_is_answered_with_none(tmp_path, multi_label):
    # As in an XResNet: TensorFlow's second convolution fails for an empty batch.
    model = xresnet(3, block_counts=(1,), expansion=1, input_shape=(24, 24, 3))
    export_image_classifier(
        model, tmp_path / "served", CLASS_NAMES, PREPROCESSING, multi_label=multi_label
    )
    by_bytes = load(tmp_path / "served")(image_bytes=tf.constant([], tf.string))
    empty = tf.zeros((0, 40, 50, 3), tf.uint8)
    by_pixels = load(tmp_path / "served", "serve_pixels")(pixels=empty)
    for answer in (by_bytes, by_pixels):
        assert answer["probabilities"].shape == answer["class_names"].shape == (0, 3)
        assert answer["errors"].shape == (0,)
        assert ("labels" in answer) != multi_label


def test_each_label_of_several_has_its_own_probability(images, tmp_path):
    dataset, model = validation(images), tiny_model()
    export_image_classifier(
        model, tmp_path / "served", CLASS_NAMES, PREPROCESSING, multi_label=True
    )
    served = load(tmp_path / "served")(image_bytes=contents(ImageFolder.read(images).file_paths))
    assert "labels" not in served
    expected = keras.ops.sigmoid(model.predict(dataset, verbose=0))
    np.testing.assert_allclose(served["probabilities"], expected, rtol=0, atol=1e-5)
    assert abs(served["probabilities"].numpy().sum(1) - 1).max() > 0.1


def test_sigmoids_are_served_as_they_are(images, tmp_path):
    dataset, model = validation(images), tiny_model(activation="sigmoid")
    export_image_classifier(
        model, tmp_path / "served", CLASS_NAMES, PREPROCESSING, multi_label=True
    )
    served = load(tmp_path / "served")(image_bytes=contents(ImageFolder.read(images).file_paths))
    expected = model.predict(dataset, verbose=0)
    np.testing.assert_allclose(served["probabilities"], expected, rtol=0, atol=1e-5)


def test_one_output_is_refused_unless_it_is_a_label_of_its_own(tmp_path):
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    with pytest.raises(ValueError, match=r"two classes or more, got 1: it is a regression"):
        export_image_classifier(model, tmp_path / "x", ["price"], PREPROCESSING)
    assert not list(tmp_path.iterdir())
    export_image_classifier(model, tmp_path / "x", ["cat"], PREPROCESSING, multi_label=True)


def test_threads_get_the_answers_that_one_gets(images, tmp_path):
    export_image_classifier(tiny_model(), tmp_path / "served", CLASS_NAMES, PREPROCESSING)
    serve = load(tmp_path / "served")
    files = [path.read_bytes() for path in sorted(images.rglob("*.*"))] + [b"no image"]
    requests = [[file] for file in files] + [files, files[::-1], files[:3]]

    def answer(request):
        return {name: v.numpy() for name, v in serve(image_bytes=tf.constant(request)).items()}

    expected = [answer(request) for request in requests]
    assert len({row["probabilities"][0].tobytes() for row in expected}) > 4
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, requests * 20))
    for number, given in enumerate(answers):
        for name, value in expected[number % len(requests)].items():
            np.testing.assert_array_equal(given[name], value, err_msg=name)


def test_an_existing_folder_is_replaced_only_when_asked(tmp_path):
    folder, model = tmp_path / "served", tiny_model()
    folder.mkdir()
    (folder / "mine").write_text("precious")
    with pytest.raises(ValueError, match="exists"):
        export_image_classifier(model, folder, CLASS_NAMES, PREPROCESSING)
    assert (folder / "mine").read_text() == "precious"
    export_image_classifier(model, folder, CLASS_NAMES, PREPROCESSING, overwrite=True)
    assert not (folder / "mine").exists()
    assert (folder / "saved_model.pb").exists()


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError("disk full")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        export_image_classifier(tiny_model(), tmp_path / "served", CLASS_NAMES, PREPROCESSING)
    assert not list(tmp_path.iterdir())


def test_wrong_names_and_sizes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="class_names must be 3 distinct names"):
        export_image_classifier(tiny_model(), tmp_path / "x", CLASS_NAMES[:2], PREPROCESSING)
    with pytest.raises(ValueError, match=r"the model's own, \(24, 24\), got \(32, 32\)"):
        export_image_classifier(
            tiny_model(), tmp_path / "x", CLASS_NAMES, PREPROCESSING, image_size=32
        )


def test_outputs_that_may_be_logits_or_sigmoids_are_refused_unless_told(images, tmp_path):
    model = tiny_model(activation="sigmoid")
    with pytest.raises(ValueError, match=r"from_logits must be given, got None: .* sum is not 1"):
        export_image_classifier(model, tmp_path / "served", CLASS_NAMES, PREPROCESSING)
    export_image_classifier(
        model, tmp_path / "served", CLASS_NAMES, PREPROCESSING, from_logits=True
    )
    dataset = validation(images)
    served = load(tmp_path / "served")(image_bytes=contents(ImageFolder.read(images).file_paths))
    expected = keras.ops.softmax(model.predict(dataset, verbose=0))
    np.testing.assert_allclose(served["probabilities"], expected, rtol=0, atol=1e-5)


def test_outputs_that_are_not_finite_are_refused(tmp_path):
    model = tiny_model()
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    with pytest.raises(ValueError, match="not finite"):
        export_image_classifier(model, tmp_path / "served", CLASS_NAMES, PREPROCESSING)


def test_a_model_of_grey_images_is_refused(tmp_path):
    model = tiny_model(input_shape=(24, 24, 1))
    with pytest.raises(ValueError, match=r"must take images of 3 channels, .* got 1"):
        export_image_classifier(model, tmp_path / "served", CLASS_NAMES, PREPROCESSING)
