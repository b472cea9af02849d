import base64
import dataclasses
import json
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfast.runtime
from tfast.export.images import export_image_classifier
from tfast.export.portable.formats import FORMATS
from tfast.export.portable.images import _BorderPooling, export_portable_image_classifier
from tfast.export.portable.onnx import onnx_bytes
from tfast.vision.decoding import decode_image
from tfast.vision.layers.residual_blocks import StemPooling
from tfast.vision.preprocessing import ImagePreprocessing
from tfast.vision.xresnet import xresnet

# An image of the wanted size keeps its very pixels.
PREPROCESSING = ImagePreprocessing(mean=0.4, standard_deviation=(0.2, 0.25, 0.3), crop_ratio=1.0)
CLASS_NAMES = ["ant", "bee", "cow"]
# An ONNX file says of each node in words what it is.
ONNX_GRAPH_BYTES = 20_000
# Darker and brighter ones: of noise alone a small model thinks the same.
PICTURES = np.random.RandomState(1).randint(0, 256, (5, 24, 24, 3))
PICTURES = (PICTURES * np.linspace(0.2, 1, 5)[:, None, None, None]).astype("uint8")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = xresnet(3, block_counts=(1, 1), expansion=1, stem_widths=(8,), input_shape=(24, 24, 3))
    random = np.random.RandomState(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "moving_variance")):
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
    # Logits of a fair size, and another answer for each picture: else nothing could differ.
    logits = np.array(model(PREPROCESSING.normalize(PICTURES), training=False))
    kernel, bias = model.layers[-1].get_weights()
    scale = 1 / logits.std(axis=0)
    model.layers[-1].set_weights([kernel * scale, (bias - logits.mean(axis=0)) * scale])
    assert np.ptp(probabilities(model), axis=0).min() > 0.3
    return model


def export(model, directory, **options):
    options = {"file_format": "litert"} | options
    return export_portable_image_classifier(model, directory, CLASS_NAMES, PREPROCESSING, **options)


def probabilities(model):
    return keras.ops.softmax(model(PREPROCESSING.normalize(PICTURES), training=False))


def run_litert(path):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(str(path))
    return interpreter.get_signature_runner()(pixels=PICTURES)["probabilities"]


def run_onnx(path):
    session = pytest.importorskip("onnxruntime").InferenceSession(str(path))
    return session.run(["probabilities"], {"pixels": PICTURES})[0]


@pytest.mark.parametrize(
    ("file_format", "precision", "examples", "tolerance"),
    [
        ("litert", "float32", None, 1e-5),
        ("litert", "float16", None, 1e-3),
        ("litert", "int8", None, 0.05),
        ("litert", "int8", PICTURES, 0.05),
        ("onnx", "float32", None, 1e-5),
        ("onnx", "float16", None, 1e-3),
        ("onnx", "int8", PICTURES, 0.05),
    ],
)
def test_a_file_gives_the_models_probabilities(
    model, tmp_path, file_format, precision, examples, tolerance
):
    pytest.importorskip({"litert": "ai_edge_litert", "onnx": "tf2onnx"}[file_format])
    options = {"precision": precision, "examples": examples}
    found = export(model, tmp_path / "served", file_format=file_format, **options)
    (file,) = (tmp_path / "served").glob("model.*")
    outputs = {"litert": run_litert, "onnx": run_onnx}[file_format](file)
    assert found <= tolerance
    np.testing.assert_allclose(outputs, probabilities(model), rtol=0, atol=tolerance)
    weights = model.count_params()
    limit = 1.3 * weights * {"float32": 4, "float16": 2, "int8": 1}[precision]
    assert file.stat().st_size < limit + {"litert": 0, "onnx": ONNX_GRAPH_BYTES}[file_format]


def test_normalisation_and_softmax_stay_exact_in_an_onnx_file(model, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("tf2onnx")
    options = {"file_format": "onnx", "precision": "int8", "examples": PICTURES}
    export(model, tmp_path / "served", **options)
    kinds = [n.op_type for n in onnx.load(tmp_path / "served" / "model.onnx").graph.node]
    assert kinds.index("QuantizeLinear") > kinds.index("Sub")
    assert kinds[-2:] == ["DequantizeLinear", "Softmax"]
    assert "Conv" not in kinds


def test_vectors_stay_exact_in_float16(tmp_path):
    pytest.importorskip("tf2onnx")
    # The scale 13/24, in float16, makes 12 columns of 24.
    resizing = layers.Resizing(17, 13)
    model = keras.Sequential([keras.Input((24, 24, 3)), resizing, layers.Flatten()])
    model.add(layers.Dense(3))
    assert export(model, tmp_path / "served", file_format="onnx", precision="float16") < 0.01


def test_nothing_to_multiply_is_no_error(tmp_path):
    pytest.importorskip("tf2onnx")
    model = keras.Sequential([keras.Input((24, 24, 3)), layers.GlobalAveragePooling2D()])
    options = {"file_format": "onnx", "precision": "int8", "examples": PICTURES}
    assert export(model, tmp_path / "served", **options) < 1e-5


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("file_format", ["litert", "onnx"])
def test_mixed_precision_is_written_in_float32(tmp_path, policy, file_format):
    pytest.importorskip({"litert": "ai_edge_litert", "onnx": "tf2onnx"}[file_format])
    hidden = layers.Conv2D(4, 3, activation="gelu", dtype=policy)
    model = keras.Sequential([keras.Input((24, 24, 3)), hidden, layers.Flatten()])
    model.add(layers.Dense(3, dtype="float32"))
    assert export(model, tmp_path / "served", file_format=file_format) < 1e-5


@pytest.mark.parametrize("sides", [(1, 2), (1, 1), (2, 3), (4, 5), (7, 6)])
def test_the_mirrored_border_has_the_same_maxima(sides):
    images = np.random.RandomState(2).normal(size=(2, *sides, 3)).astype("float32")
    np.testing.assert_array_equal(_BorderPooling()(images), StemPooling()(images))


def test_grouped_convolutions_and_exact_gelu_become_onnx(tmp_path):
    pytest.importorskip("tf2onnx")
    grouped = layers.Conv2D(4, 3, groups=2, activation="gelu")
    stack = [keras.Input((24, 24, 3)), layers.Conv2D(4, 3), grouped, layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(3)])
    export(model, tmp_path / "served", file_format="onnx")
    outputs = run_onnx(tmp_path / "served" / "model.onnx")
    np.testing.assert_allclose(outputs, probabilities(model), rtol=0, atol=1e-5)


def test_the_folder_says_all_that_a_reader_must_know(tmp_path):
    pytest.importorskip("ai_edge_litert")
    model = keras.Sequential(
        [keras.Input((4, 6, 3)), layers.Flatten(), layers.Dense(3, activation="softmax")]
    )
    export(model, tmp_path / "served")
    assert sorted(p.name for p in (tmp_path / "served").iterdir()) == ["model.tflite", "tfast.json"]
    description = json.loads((tmp_path / "served" / "tfast.json").read_text())
    assert description["kind"] == "image"
    assert description["class_names"] == CLASS_NAMES
    assert description["image"]["image_size"] == [4, 6]
    assert ImagePreprocessing.from_dict(description["image"]["preprocessing"]) == PREPROCESSING
    assert list(description["files"]) == ["model.tflite"]
    images = [base64.b64decode(example["image"]) for example in description["examples"]]
    prepared = [PREPROCESSING(decode_image(tf.constant(image)), (4, 6)) for image in images]
    answers = [example["probabilities"] for example in description["examples"]]
    np.testing.assert_allclose(answers, model(np.stack(prepared)), rtol=1e-5)
    assert len(answers) == 5


def test_examples_may_be_files_of_any_size(model, tmp_path):
    pytest.importorskip("onnxruntime")
    large = np.random.RandomState(3).randint(0, 256, (300, 200, 3)).astype("uint8")
    (tmp_path / "large.png").write_bytes(tf.io.encode_png(large).numpy())
    small = tf.io.encode_jpeg(PICTURES[0]).numpy()
    export(model, tmp_path / "served", file_format="onnx", examples=[tmp_path / "large.png", small])
    description = json.loads((tmp_path / "served" / "tfast.json").read_text())
    kept = [base64.b64decode(example["image"]) for example in description["examples"]]
    assert small in kept
    assert max(map(len, kept)) < 2**16
    assert tfast.runtime.load(tmp_path / "served").check() < 0.01


def test_int8_is_compared_on_images_that_no_range_was_measured_on(model, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    measured = []

    def spy(*arguments, representative, **options):
        measured.extend(representative)
        return onnx_bytes(*arguments, representative=representative, **options)

    spied = dataclasses.replace(FORMATS["onnx"], image_bytes=spy)
    monkeypatch.setitem(FORMATS, "onnx", spied)
    images = np.concatenate([PICTURES, PICTURES[::-1]])
    options = {"file_format": "onnx", "precision": "int8", "examples": images}
    export(model, tmp_path / "served", **options)
    assert len(measured) == 8
    images[5] = 255 - images[5]
    # One of the two that are compared on.
    assert export(model, tmp_path / "other", **options) > 1e-4
    assert len(measured) == 16
    np.testing.assert_array_equal(measured[:8], measured[8:])


def test_a_file_that_differs_too_much_is_not_written(model, tmp_path):
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(
        ValueError, match=r"litert file in float16 differs by .* tolerance is 1e-12"
    ):
        export(model, tmp_path / "served", precision="float16", tolerance=1e-12)
    assert not list(tmp_path.iterdir())


def test_bad_arguments_are_refused(model, tmp_path):
    with pytest.raises(ValueError, match=r"file_format must be one of .*, got 'tflite'"):
        export(model, tmp_path / "x", file_format="tflite")
    with pytest.raises(ValueError, match=r"precision must be one of .*, got 'half'"):
        export(model, tmp_path / "x", precision="half")
    with pytest.raises(ValueError, match=r"examples must be two images or more .* got None"):
        export(model, tmp_path / "x", file_format="onnx", precision="int8")
    with pytest.raises(ValueError, match=r"examples must be two images or more .* got 1"):
        export(model, tmp_path / "x", precision="int8", examples=PICTURES[:1])
    with pytest.raises(
        ValueError, match=r"examples\[1\] must be uint8 .*, got float32 \(2, 2, 3\)"
    ):
        export(model, tmp_path / "x", examples=[PICTURES[0], np.zeros((2, 2, 3), "float32")])
    with pytest.raises(ValueError, match=r"examples must be a list of images, got 'cat.jpg'"):
        export(model, tmp_path / "x", examples="cat.jpg")
    with pytest.raises(ValueError, match=r"examples\[1\] must be a readable image, got not a JPEG"):
        export(model, tmp_path / "x", examples=[PICTURES[0], b"RIFF"])
    pixels = keras.Sequential([keras.Input((24, 24, 3)), layers.Conv2D(2, 1)])
    with pytest.raises(ValueError, match=r"to \(batch, classes\), got shapes .* and"):
        export(pixels, tmp_path / "x")
    assert not list(tmp_path.iterdir())
    (tmp_path / "x").mkdir()
    with pytest.raises(ValueError, match="x exists; choose another path"):
        export(model, tmp_path / "x", examples=[b"never read"])


@pytest.mark.parametrize(
    ("file_format", "module", "packages"),
    [
        ("litert", "ai_edge_litert.interpreter", "ai-edge-litert"),
        ("onnx", "tf2onnx", "tf2onnx onnxruntime"),
    ],
)
def test_a_missing_runtime_is_named(model, tmp_path, monkeypatch, file_format, module, packages):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=f"pip install {packages}"):
        export(model, tmp_path / "x", file_format=file_format)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file_format", ["litert", "onnx"])
def test_bicubic_images_are_answered_the_same_everywhere(tmp_path, file_format):
    pytest.importorskip({"litert": "ai_edge_litert", "onnx": "tf2onnx"}[file_format])
    prepare = dataclasses.replace(
        PREPROCESSING, crop_ratio=1.1, interpolation="bicubic", rounding="torchvision"
    )
    # A mean for each corner: what would show a shift.
    stack = [keras.Input((24, 24, 3)), layers.AveragePooling2D(4), layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(3, kernel_initializer="he_normal")])
    noise = np.random.RandomState(4).randint(0, 256, (5, 90, 71, 3)).astype("uint8")
    export_portable_image_classifier(
        *(model, tmp_path / "folder", CLASS_NAMES, prepare), file_format=file_format, examples=noise
    )
    description = json.loads((tmp_path / "folder" / "tfast.json").read_text())
    # Readers that know format 1 alone would resize otherwise: they refuse it.
    assert description["format"] == 2
    files = [tf.io.encode_png(one).numpy() for one in noise]
    expected = keras.ops.softmax(model(np.stack([prepare(one, 24) for one in noise])))
    found = tfast.runtime.load(tmp_path / "folder").classify(files).probabilities
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)

    export_image_classifier(model, tmp_path / "saved", CLASS_NAMES, prepare, from_logits=True)
    serve = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"]
    served = serve(image_bytes=tf.constant(files))["probabilities"]
    np.testing.assert_allclose(served, expected, rtol=0, atol=1e-5)
