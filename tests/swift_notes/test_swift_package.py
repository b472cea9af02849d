"""The Swift package: its own tests, and its answers beside those of tfast.runtime."""

import concurrent.futures
import hashlib
import importlib.util
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from swift_notes.command import ENVIRONMENT, Predict

import tfast.runtime
from tfast.export.images import export_image_classifier
from tfast.export.portable.images import export_portable_image_classifier
from tfast.export.portable.litert import litert_bytes
from tfast.export.portable.onnx import onnx_bytes
from tfast.export.portable.text import export_portable_text_classifier
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
IMAGES = np.random.RandomState(0).randint(0, 256, (5, 12, 10, 3)).astype("uint8")
FORMATS = {"onnx": "model.onnx", "litert": "model.tflite"}


@pytest.fixture(scope="module")
def predict(swift_package):
    return Predict(swift_package)


class SmallTextClassifier:
    """A text classifier with answers that differ, and what belongs to it."""

    def __init__(self):
        keras.utils.set_random_seed(1)
        self.tokenizer = TextTokenizer()
        tokens = self.tokenizer(tf.constant(TEXTS))
        self.vocabulary = Vocabulary.from_tokens([tokens], min_frequency=1)
        self.model = TextClassifier(
            len(self.vocabulary), len(TEXT_CLASSES), embed_size=16, hidden_size=32, num_layers=2
        )
        self.model(pad_documents(self.vocabulary.encode(tokens)))
        for weight in self.model.trainable_weights:
            weight.assign(2 * weight)

    def export(self, folder, **options):
        # What rounding does to such weights is not asked here.
        export_portable_text_classifier(
            self.model, folder, TEXT_CLASSES, self.tokenizer, self.vocabulary,
            examples=TEXTS, tolerance=0.5, **options,
        )  # fmt: skip


@pytest.fixture(scope="module")
def text_classifier():
    return SmallTextClassifier()


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


@pytest.fixture(scope="module")
def text_folder(text_classifier, tmp_path_factory):
    """A portable folder of texts. Tests change copies of it."""
    folder = tmp_path_factory.mktemp("folder") / "texts"
    text_classifier.export(folder)
    return folder


@pytest.fixture(scope="module")
def image_folders(image_model, tmp_path_factory):
    """Portable folders of images, by format."""
    folders = {form: tmp_path_factory.mktemp("folder") / form for form in FORMATS}
    for form, folder in folders.items():
        export_portable_image_classifier(
            image_model, folder, IMAGE_CLASSES, PREPROCESSING,
            file_format=form, examples=list(IMAGES),
        )  # fmt: skip
    return folders


def answers(folder, inputs):
    """What tfast.runtime answers, one input at a time: int8 rounds by what else is in a batch."""
    classifier = tfast.runtime.load(folder)
    return np.concatenate([classifier.classify([one]).probabilities for one in inputs])


def check_answers(found, expected, class_names):
    """Each a line of JSON, each row of `expected` probabilities."""
    np.testing.assert_allclose(
        [answer["probabilities"] for answer in found], expected, rtol=0, atol=TOLERANCE
    )
    labels = [class_names[row.argmax()] for row in np.asarray(expected)]
    assert [answer["label"] for answer in found] == labels
    assert np.ptp(expected, axis=0).min() > 0.01, "answers that are all alike would show nothing"


def image_files(folder, ending):
    """`IMAGES` as files without loss."""
    files = [folder / f"{number}.{ending}" for number in range(len(IMAGES))]
    for file, image in zip(files, IMAGES, strict=True):
        Image.fromarray(image).save(file)
    return files


def replace_model(folder, content):
    """Writes another model into a portable folder, as if it belonged there."""
    file = folder / "tfast.json"
    description = json.loads(file.read_text("utf-8"))
    (folder / description["model"]).write_bytes(content)
    description["files"][description["model"]] = hashlib.sha256(content).hexdigest()
    file.write_text(json.dumps(description), "utf-8")


@pytest.mark.parametrize("target", ["TfastTextTests", "TfastRuntimeTests"])
@pytest.mark.parametrize(
    "configuration", ["release", pytest.param("debug", marks=pytest.mark.slow)]
)
def test_its_own_tests_pass(swift_tests, target, configuration):
    swift_tests(target, configuration)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"precision": "int8"},
        {"max_tokens": 5, "reverse": True},
        pytest.param({"precision": "float16"}, marks=pytest.mark.slow),
        pytest.param({"reverse": True}, marks=pytest.mark.slow),
        pytest.param({"max_tokens": 5}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_texts_are_answered_as_by_tfast_runtime(text_classifier, tmp_path, predict, form, options):
    folder = tmp_path / "text"
    text_classifier.export(folder, file_format=form, **options)
    assert (folder / FORMATS[form]).exists()
    expected = answers(folder, TEXTS)
    found = predict("--check", folder, "--", *TEXTS[:4])
    check_answers(found, expected[:4], TEXT_CLASSES)
    assert found[0]["class_names"] == TEXT_CLASSES
    # Lines may hold anything but their end.
    check_answers(predict(folder, lines=TEXTS), expected, TEXT_CLASSES)
    # Back and forth between lengths, several at a time and with other threads.
    if options.get("precision") != "int8":
        options = "--batch-size", 3, "--threads", 2
        found = predict(*options, folder, lines=[*TEXTS, *reversed(TEXTS)])
        check_answers(found, np.concatenate([expected, expected[::-1]]), TEXT_CLASSES)


def test_many_programs_answer_at_once(text_folder, predict):
    expected = answers(text_folder, TEXTS)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: predict(text_folder, lines=TEXTS), range(8)))
    for found in runs:
        check_answers(found, expected, TEXT_CLASSES)


@pytest.mark.parametrize("form", FORMATS)
def test_images_are_answered_as_by_tfast_runtime(image_folders, tmp_path, predict, form):
    folder, files = image_folders[form], image_files(tmp_path, "png")
    expected = answers(folder, files)
    check_answers(predict("--check", folder, *files), expected, IMAGE_CLASSES)
    ppm_files = image_files(tmp_path, "ppm")
    check_answers(predict("--batch-size", 3, folder, *ppm_files), expected, IMAGE_CLASSES)


@pytest.mark.slow
def test_saved_models_are_answered_as_in_python(text_classifier, image_model, tmp_path, predict):
    export_image_classifier(image_model, tmp_path / "images", IMAGE_CLASSES, PREPROCESSING)
    files = image_files(tmp_path, "png")
    serve = tf.saved_model.load(tmp_path / "images").signatures["serving_default"]
    expected = serve(image_bytes=tf.constant([file.read_bytes() for file in files]))
    found = predict("--batch-size", 2, tmp_path / "images", *files)
    check_answers(found, expected["probabilities"], IMAGE_CLASSES)
    assert found[0]["class_names"] == IMAGE_CLASSES

    broken = tmp_path / "broken.png"
    broken.write_bytes(files[0].read_bytes()[:-20])
    for batch_size in (1, 2):
        options = "--batch-size", batch_size, tmp_path / "images"
        assert "a broken image file" in predict.refusal(*options, broken, files[0])

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

    def not_finite(text):
        row = tf.constant([[float("nan"), 0.5]])
        return {"probabilities": tf.repeat(row, tf.size(text), 0), "labels": text}

    spec = tf.TensorSpec([None], tf.string, name="text")
    signature = tf.function(not_finite, input_signature=[spec])
    tf.saved_model.save(module, tmp_path / "not_finite", signatures=signature)
    assert "that are finite, got [nan, 0.5]" in predict.refusal(tmp_path / "not_finite", "x")
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


def test_a_damaged_folder_is_refused(text_folder, tmp_path, predict):
    folder = shutil.copytree(text_folder, tmp_path / "copy")
    model = folder / "model.onnx"
    content = model.read_bytes()
    model.write_bytes(content[:-1])
    assert "model.onnx is damaged" in predict.refusal(folder, "x")
    model.write_bytes(content)
    description = json.loads((folder / "tfast.json").read_text("utf-8"))
    description["tolerance"] = 0
    description["examples"][0]["probabilities"] = [1, 0, 0]
    (folder / "tfast.json").write_text(json.dumps(description), "utf-8")
    assert "example's probability differs" in predict.refusal("--check", folder, "x")
    (folder / "tfast.json").write_text("{", "utf-8")
    assert "tfast.json: it is not JSON" in predict.refusal(folder, "x")


def test_a_damaged_litert_model_is_refused_before_litert_sees_it(image_folders, tmp_path, predict):
    folder = shutil.copytree(image_folders["litert"], tmp_path / "copy")
    model = folder / "model.tflite"
    model.write_bytes(model.read_bytes()[:-100])
    assert "model.tflite is damaged" in predict.refusal(folder, "x.png")


def test_a_model_of_another_kind_is_refused(
    text_folder, image_model, image_folders, tmp_path, predict
):
    def answer(pixels):
        return {"scores": image_model(PREPROCESSING.normalize(pixels))}

    spec = tf.TensorSpec((None, 12, 10, 3), tf.uint8, name="pixels")
    folders = {form: shutil.copytree(image_folders[form], tmp_path / form) for form in FORMATS}
    replace_model(folders["onnx"], onnx_bytes(answer, [spec], parts=[image_model]))
    assert "gives scores" in predict.refusal(folders["onnx"], "x.png")
    replace_model(folders["litert"], litert_bytes(answer, [spec], parts=[image_model]))
    assert "gives scores" in predict.refusal(folders["litert"], "x.png")
    replace_model(folders["litert"], b"no model" * 100)
    assert "LiteRT: loading" in predict.refusal(folders["litert"], "x.png")
    texts = shutil.copytree(text_folder, tmp_path / "texts")
    replace_model(texts, b"no model")
    assert "onnxruntime: " in predict.refusal(texts, "x")


def test_ids_that_a_litert_model_does_not_have_are_refused(text_classifier, tmp_path, predict):
    folder = tmp_path / "texts"
    text_classifier.export(folder, file_format="litert")
    words = [*text_classifier.vocabulary.words, "unheard"]
    Vocabulary(words).save(folder / "vocabulary.txt")
    description = json.loads((folder / "tfast.json").read_text("utf-8"))
    digest = hashlib.sha256((folder / "vocabulary.txt").read_bytes()).hexdigest()
    description["files"]["vocabulary.txt"] = digest
    (folder / "tfast.json").write_text(json.dumps(description), "utf-8")
    assert "gather index out of bounds" in predict.refusal(folder, "unheard")


@pytest.mark.parametrize(
    ("form", "variable"),
    [("onnx", "TFAST_ONNXRUNTIME_LIBRARY"), ("litert", "TFAST_LITERT_LIBRARY")],
)
def test_a_missing_library_is_named(image_folders, predict, form, variable):
    folder = image_folders[form]
    missing = ENVIRONMENT | {variable: "/nowhere/library.so"}
    assert "/nowhere/library.so" in predict.refusal(folder, "x.png", env=missing)
    no_python = {"PATH": "/nowhere"}
    assert f"set {variable}" in predict.refusal(folder, "x.png", env=no_python)


@pytest.mark.parametrize(
    ("form", "option", "package", "pattern"),
    [
        ("onnx", "--onnxruntime-library", "onnxruntime", "capi/libonnxruntime.so.*"),
        ("litert", "--litert-library", "ai_edge_litert", "libLiteRt.so"),
    ],
)
def test_the_library_is_found_by_argument(
    image_folders, tmp_path, predict, form, option, package, pattern
):
    folder, files = image_folders[form], image_files(tmp_path, "png")
    spec = importlib.util.find_spec(package)
    [library] = Path(spec.origin).parent.glob(pattern)
    found = predict(option, library, folder, *files, env={"PATH": "/nowhere"})
    check_answers(found, answers(folder, files), IMAGE_CLASSES)
