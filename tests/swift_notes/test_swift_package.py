"""The Swift package: its own tests, and its answers beside Python's."""

import concurrent.futures
import importlib.util
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from swift_notes.command import ENVIRONMENT, Predict
from swift_notes.portable_folders import write_image_folder, write_text_folder

from tfast.export.images import export_image_classifier
from tfast.export.portable.onnx import onnx_bytes, onnx_runner
from tfast.export.portable.onnx_text_graph import onnx_text_core_bytes
from tfast.export.text import export_text_classifier
from tfast.text.documents import pad_documents
from tfast.text.models.classifier import TextClassifier
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary
from tfast.vision.preprocessing import ImagePreprocessing

pytestmark = pytest.mark.swift
TOLERANCE = 1e-6
TEXTS = ["It was GREAT, truly great fun.", "", "bad " * 30, "I don't know, it's é", "\0 \\n"]
TEXT_CLASSES = ["négative", "positive", 'neither "one"']
PREPROCESSING = ImagePreprocessing(mean=0.4, standard_deviation=(0.2, 0.25, 0.3), crop_ratio=1.0)
IMAGE_CLASSES = ["ant", "bee"]
IMAGES = np.random.RandomState(0).randint(0, 256, (4, 12, 10, 3)).astype("uint8")


class SmallTextClassifier:
    """A text classifier with answers that differ, and what belongs to it."""

    def __init__(self):
        keras.utils.set_random_seed(1)
        self.tokenizer = TextTokenizer()
        self.tokens = self.tokenizer(tf.constant(TEXTS))
        self.vocabulary = Vocabulary.from_tokens([self.tokens], min_frequency=1)
        self.model = TextClassifier(
            len(self.vocabulary), len(TEXT_CLASSES), embed_size=16, hidden_size=32, num_layers=2
        )
        self.model(pad_documents(self.vocabulary.encode(self.tokens)))
        for weight in self.model.trainable_weights:
            weight.assign(2 * weight)

    def answers(self, core, *, reverse=False, max_tokens=None):
        """What onnxruntime in Python answers, one text at a time."""
        rows = []
        for ids in self.vocabulary.encode(self.tokens):
            ids = ids if max_tokens is None else ids[-max_tokens:]
            inputs = pad_documents(
                tf.RaggedTensor.from_row_lengths(ids, [len(ids)]), reverse=reverse
            )
            rows.append(core(**{n: v.numpy() for n, v in inputs.items()})["probabilities"][0])
        return np.array(rows)

    def write_folder(self, folder, *, precision="float32", **options):
        """Writes a portable folder; returns the answers."""
        content = onnx_text_core_bytes(self.model, precision=precision)
        how = {name: options[name] for name in ("reverse", "max_tokens") if name in options}
        answers = self.answers(onnx_runner(content), **how)
        examples = zip(TEXTS, answers, strict=True)
        write_text_folder(
            folder, content, self.vocabulary, TEXT_CLASSES, examples, precision=precision, **options
        )
        return answers


@pytest.fixture(scope="module")
def predict(swift_package):
    return Predict(swift_package)


@pytest.fixture(scope="module")
def text_classifier():
    return SmallTextClassifier()


@pytest.fixture
def text_folder(text_classifier, tmp_path):
    text_classifier.write_folder(tmp_path / "text")
    return tmp_path / "text"


@pytest.fixture(scope="module")
def image_model():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            keras.layers.Conv2D(4, 3, strides=2),
            keras.layers.Flatten(),
            keras.layers.Dense(len(IMAGE_CLASSES)),
        ]
    )


def check_answers(found, expected, class_names):
    """Each a line of JSON, each row of `expected` probabilities."""
    np.testing.assert_allclose(
        [answer["probabilities"] for answer in found], expected, rtol=0, atol=TOLERANCE
    )
    labels = [class_names[row.argmax()] for row in np.asarray(expected)]
    assert [answer["label"] for answer in found] == labels
    assert np.ptp(expected, axis=0).min() > 0.01, "answers that are all alike would show nothing"


@pytest.mark.parametrize("target", ["TfastTextTests", "TfastRuntimeTests"])
@pytest.mark.parametrize(
    "configuration", ["release", pytest.param("debug", marks=pytest.mark.slow)]
)
def test_its_own_tests_pass(swift_tests, target, configuration):
    swift_tests(target, configuration)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"precision": "float16"},
        {"precision": "int8"},
        {"reverse": True},
        {"max_tokens": 5},
        {"max_tokens": 5, "reverse": True},
    ],
    ids=str,
)
def test_texts_are_answered_as_in_python(text_classifier, tmp_path, predict, options):
    expected = text_classifier.write_folder(tmp_path / "text", **options)
    found = predict("--check", tmp_path / "text", "--", *TEXTS[:4])
    check_answers(found, expected[:4], TEXT_CLASSES)
    assert found[0]["class_names"] == TEXT_CLASSES
    # Lines may hold anything but their end.
    check_answers(predict(tmp_path / "text", lines=TEXTS), expected, TEXT_CLASSES)


def test_a_batch_has_the_answers_of_its_texts(text_classifier, tmp_path, predict):
    expected = text_classifier.write_folder(tmp_path / "text")
    found = predict("--batch-size", 3, "--threads", 1, tmp_path / "text", lines=TEXTS * 3)
    check_answers(found, np.tile(expected, (3, 1)), TEXT_CLASSES)


def test_many_programs_answer_at_once(text_classifier, tmp_path, predict):
    expected = text_classifier.write_folder(tmp_path / "text")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: predict(tmp_path / "text", lines=TEXTS), range(8)))
    for found in answers:
        check_answers(found, expected, TEXT_CLASSES)


def test_images_are_answered_as_in_python(image_model, tmp_path, predict):
    def answer(pixels):
        return {"probabilities": tf.nn.softmax(image_model(PREPROCESSING.normalize(pixels)))}

    spec = tf.TensorSpec((None, 12, 10, 3), tf.uint8, name="pixels")
    content = onnx_bytes(answer, [spec], parts=[image_model])
    expected = onnx_runner(content)(pixels=IMAGES)["probabilities"]
    files = image_files(tmp_path, "ppm")
    examples = [(file.read_bytes(), row) for file, row in zip(files, expected, strict=True)]
    folder = tmp_path / "folder"
    write_image_folder(folder, content, IMAGE_CLASSES, examples, PREPROCESSING, (12, 10))
    check_answers(predict("--check", folder, *files), expected, IMAGE_CLASSES)


@pytest.mark.slow
def test_saved_models_are_answered_as_in_python(text_classifier, image_model, tmp_path, predict):
    export_image_classifier(image_model, tmp_path / "images", IMAGE_CLASSES, PREPROCESSING)
    files = image_files(tmp_path, "png")
    serve = tf.saved_model.load(tmp_path / "images").signatures["serving_default"]
    expected = serve(image_bytes=tf.constant([file.read_bytes() for file in files]))
    found = predict("--batch-size", 2, tmp_path / "images", *files)
    check_answers(found, expected["probabilities"], IMAGE_CLASSES)
    assert found[0]["class_names"] == IMAGE_CLASSES

    export_text_classifier(
        text_classifier.model, text_classifier.tokenizer, text_classifier.vocabulary,
        tmp_path / "texts", TEXT_CLASSES,
    )  # fmt: skip
    serve = tf.saved_model.load(tmp_path / "texts").signatures["serving_default"]
    expected = np.concatenate([serve(text=tf.constant([t]))["probabilities"] for t in TEXTS])
    check_answers(predict("--threads", 2, tmp_path / "texts", lines=TEXTS), expected, TEXT_CLASSES)


@pytest.mark.slow
def test_a_saved_model_that_cannot_be_served_is_refused(tmp_path, predict):
    module = tf.Module()
    spec = tf.TensorSpec([None], tf.float32, name="numbers")
    doubled = tf.function(lambda numbers: {"doubled": 2 * numbers}, input_signature=[spec])
    tf.saved_model.save(module, tmp_path / "other", signatures=doubled)
    assert "it takes" in predict.refusal(tmp_path / "other", "x")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "saved_model.pb").write_bytes(b"\xff" * 100)
    assert "tensorflow: " in predict.refusal(tmp_path / "broken", "x")
    missing = {"TFAST_TENSORFLOW_LIBRARY": "/nowhere/libtensorflow_cc.so.2"}
    assert "/nowhere" in predict.refusal(tmp_path / "other", "x", env=ENVIRONMENT | missing)


def test_wrong_arguments_are_refused(tmp_path, predict):
    assert "FOLDER must be given" in predict.refusal()
    assert "tfast.json" in predict.refusal(tmp_path / "nowhere", "a text")
    assert "--surprise" in predict.refusal("--surprise", tmp_path)
    assert "from 1 to 1024, got 0" in predict.refusal("--batch-size", "0", tmp_path)
    assert "must have a value" in predict.refusal(tmp_path, "--threads")


def test_a_damaged_folder_is_refused(text_folder, predict):
    model = text_folder / "model.onnx"
    content = model.read_bytes()
    model.write_bytes(content[:-1])
    assert "model.onnx is damaged" in predict.refusal(text_folder, "x")
    model.write_bytes(content)
    description = json.loads((text_folder / "tfast.json").read_text("utf-8"))
    description["tolerance"] = 0
    description["examples"][0]["probabilities"] = [1, 0, 0]
    (text_folder / "tfast.json").write_text(json.dumps(description), "utf-8")
    assert "example's probability differs" in predict.refusal("--check", text_folder, "x")
    (text_folder / "tfast.json").write_text("{", "utf-8")
    assert "tfast.json: it is not JSON" in predict.refusal(text_folder, "x")


def test_a_model_of_another_kind_is_refused(text_classifier, image_model, tmp_path, predict):
    def answer(pixels):
        return {"scores": image_model(PREPROCESSING.normalize(pixels))}

    spec = tf.TensorSpec((None, 12, 10, 3), tf.uint8, name="pixels")
    content = onnx_bytes(answer, [spec], parts=[image_model])
    write_image_folder(tmp_path / "images", content, IMAGE_CLASSES, [], PREPROCESSING, (12, 10))
    assert "gives scores" in predict.refusal(tmp_path / "images", "x.ppm")
    options = {"precision": "float32"}
    write_text_folder(
        tmp_path / "texts", b"no model", text_classifier.vocabulary, TEXT_CLASSES, [], **options
    )
    assert "onnxruntime: " in predict.refusal(tmp_path / "texts", "x")


def test_a_missing_library_is_named(text_folder, predict):
    missing = ENVIRONMENT | {"TFAST_ONNXRUNTIME_LIBRARY": "/nowhere/libonnxruntime.so"}
    assert "/nowhere/libonnxruntime.so" in predict.refusal(text_folder, "x", env=missing)
    no_python = {"PATH": "/nowhere"}
    assert "set TFAST_ONNXRUNTIME_LIBRARY" in predict.refusal(text_folder, "x", env=no_python)


def test_the_library_is_found_by_argument(text_classifier, tmp_path, predict):
    expected = text_classifier.write_folder(tmp_path / "text")
    spec = importlib.util.find_spec("onnxruntime")
    [library] = Path(spec.origin).parent.glob("capi/libonnxruntime.so.*")
    arguments = "--onnxruntime-library", library, tmp_path / "text"
    found = predict(*arguments, lines=TEXTS, env={"PATH": "/nowhere"})
    check_answers(found, expected, TEXT_CLASSES)


def image_files(folder, ending):
    """`IMAGES` as files without loss."""
    files = [folder / f"{number}.{ending}" for number in range(len(IMAGES))]
    for file, image in zip(files, IMAGES, strict=True):
        Image.fromarray(image).save(file)
    return files
