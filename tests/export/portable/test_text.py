import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_text_models import CLASSES, classifier, probabilities_of
from small_tfidf import as_keras, scikit_learn

import tfast.runtime
from tfast.export.portable.onnx import onnx_runner
from tfast.export.portable.text import export_portable_text_classifier
from tfast.text.models.blended import BlendedClassifier
from tfast.text.tfidf import TfidfSettings
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

TOKENIZER = TextTokenizer()
TEXTS = ["It was GREAT, truly great fun.", "", "bad " * 30, "I don't know \n it's é"]


@pytest.fixture(scope="module")
def model():
    return classifier(1, len(vocabulary_of_texts()))


def vocabulary_of_texts():
    return Vocabulary.from_tokens([TOKENIZER(tf.constant(TEXTS))], min_frequency=1)


def export(model, directory, **options):
    arguments = {"tokenizer": TOKENIZER, "vocabulary": vocabulary_of_texts()} | options
    return export_portable_text_classifier(model, directory, CLASSES, **arguments)


def answers_alone(model, *, last=None, reverse=False):
    """The model's answers to TEXTS, one at a time."""
    documents = vocabulary_of_texts().encode_all([TOKENIZER(tf.constant(TEXTS))]).to_list()
    answers = []
    for document in documents:
        document = document[-last:] if last else document
        ids = np.array([document[::-1] if reverse else document], "int32")
        answers += [probabilities_of(model, {"token_ids": ids, "lengths": np.array([ids.size])})]
    return np.concatenate(answers)


@pytest.mark.parametrize("file_format", ["onnx", "litert"])
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("int8", 0.08)])
def test_a_folder_answers_raw_texts(file_format, precision, tolerance, model, tmp_path):
    pytest.importorskip({"litert": "ai_edge_litert", "onnx": "onnxruntime"}[file_format])
    options = {"file_format": file_format, "precision": precision, "examples": TEXTS}
    assert export(model, tmp_path / "served", **options) <= tolerance
    labels, probabilities = tfast.runtime.load(tmp_path / "served").classify(TEXTS)
    expected = answers_alone(model)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=tolerance)
    assert labels == [CLASSES[row.argmax()] for row in probabilities]
    assert np.ptp(expected, axis=0).max() > 0.1


def test_the_folder_says_all_that_a_reader_must_know(model, tmp_path):
    pytest.importorskip("onnxruntime")
    export(model, tmp_path / "served", examples=["fun", *TEXTS, "more"], max_tokens=7)
    description = json.loads((tmp_path / "served" / "tfast.json").read_text("utf-8"))
    names = ["model.onnx", "tokenizer.json", "vocabulary.txt"]
    assert list(description.pop("files")) == names
    assert sorted(p.name for p in (tmp_path / "served").iterdir()) == [
        "model.onnx", "tfast.json", "tokenizer.json", "vocabulary.txt"
    ]  # fmt: skip
    examples = description.pop("examples")
    assert [example["text"] for example in examples] == ["fun", *TEXTS]
    answers = [example["probabilities"] for example in examples[1:]]
    np.testing.assert_allclose(answers, answers_alone(model, last=7), atol=1e-6)
    assert description == {
        "format": 1,
        "kind": "text",
        "model": "model.onnx",
        "precision": "float32",
        "class_names": CLASSES,
        "tolerance": 1e-4,
        "tokenizer": {
            "splitter": "english",
            "add_start": True,
            "add_end": False,
            "mark_fields": False,
            "split_mentions": False,
            "reverse": False,
            "max_tokens": 7,
        },
    }


@pytest.mark.parametrize("split", [False, True])
def test_folders_that_split_mentions_are_of_a_format_of_their_own(split, tmp_path):
    pytest.importorskip("onnxruntime")
    tokenizer = TextTokenizer(split_mentions=split)
    words = Vocabulary.from_tokens([tokenizer(tf.constant(["@ fun great"]))], min_frequency=1)
    export(classifier(1, len(words)), tmp_path / "served", tokenizer=tokenizer, vocabulary=words)
    description = json.loads((tmp_path / "served" / "tfast.json").read_text("utf-8"))
    assert description["format"] == (3 if split else 1)
    assert description["tokenizer"]["split_mentions"] == split
    answers = tfast.runtime.load(tmp_path / "served").classify(["@fun", "@ fun"]).probabilities
    assert (abs(answers[0] - answers[1]).max() < 1e-6) == split


@pytest.mark.parametrize("reverse", [False, True])
def test_long_texts_are_read_from_their_last_tokens(reverse, model, tmp_path):
    pytest.importorskip("onnxruntime")
    options = {"max_tokens": 5, "reverse": reverse}
    export(model, tmp_path / "served", **options)
    found = tfast.runtime.load(tmp_path / "served").classify(TEXTS).probabilities
    expected = answers_alone(model, last=5, reverse=reverse)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    export(model, tmp_path / "whole", reverse=reverse)
    whole = tfast.runtime.load(tmp_path / "whole").classify(TEXTS).probabilities
    assert abs(whole - found)[2:].max() > 1e-3


def test_without_examples_the_folder_has_five_of_its_own(model, tmp_path):
    pytest.importorskip("onnxruntime")
    export(model, tmp_path / "served")
    classifier = tfast.runtime.load(tmp_path / "served")
    assert len(classifier.folder.description["examples"]) == 5
    assert 0 <= classifier.check() < 1e-5


def test_another_splitter_is_a_saved_model_that_tfast_runtime_refuses(tmp_path):
    pytest.importorskip("onnxruntime")

    def split(texts):
        return tf.strings.split(texts)

    vocabulary = Vocabulary.from_tokens([split(TEXTS)], min_frequency=1)
    model = classifier(1, len(vocabulary))
    export(model, tmp_path / "served", tokenizer=split, vocabulary=vocabulary)
    with pytest.raises(
        tfast.runtime.FolderError, match="only TensorFlow reads: use the SavedModel"
    ):
        tfast.runtime.load(tmp_path / "served")
    read = tf.saved_model.load(tmp_path / "served" / "tokenizer").signatures["serving_default"]
    inputs = {name: value.numpy() for name, value in read(text=tf.constant(TEXTS[:1])).items()}
    assert inputs["token_ids"].tolist() == vocabulary.encode(split(TEXTS[:1])).to_list()
    answer = onnx_runner((tmp_path / "served" / "model.onnx").read_bytes())(**inputs)
    assert answer["probabilities"].shape == (1, 3)
    files = json.loads((tmp_path / "served" / "tfast.json").read_text())["files"]
    assert "tokenizer/saved_model.pb" in files


def test_answers_that_differ_too_much_are_not_written(model, tmp_path):
    pytest.importorskip("onnxruntime")
    with pytest.raises(ValueError, match=r"onnx file in int8 differs by .*tolerance is 1e-12"):
        export(model, tmp_path / "served", precision="int8", tolerance=1e-12)
    assert not list(tmp_path.iterdir())


def fitted_to_texts():
    """Scikit-learn's pipeline on the texts' ids, which are to be given to it, and the ids."""
    documents = vocabulary_of_texts().encode_all([TOKENIZER(tf.constant(TEXTS))])
    pipeline = scikit_learn(documents, [0, 1, 2, 1], TfidfSettings(1, 10.0))
    return pipeline, documents


@pytest.mark.parametrize("file_format", ["onnx", "litert"])
def test_tfidf_answers_raw_texts_as_scikit_learn_does(file_format, model, tmp_path):
    pytest.importorskip({"litert": "ai_edge_litert", "onnx": "onnxruntime"}[file_format])
    pipeline, documents = fitted_to_texts()
    blend = BlendedClassifier(model, as_keras(pipeline, 3), weight=0)
    export(blend, tmp_path / "served", file_format=file_format, examples=TEXTS)
    classifier = tfast.runtime.load(tmp_path / "served")
    expected = pipeline.predict_proba(documents.to_list())
    found = classifier.classify(TEXTS).probabilities
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert np.ptp(expected, axis=0).min() > 0.1
    assert classifier.check() < 1e-6


def test_a_blend_answers_from_a_folder_like_any_other(model, tmp_path):
    pytest.importorskip("onnxruntime")
    pipeline, _ = fitted_to_texts()
    blend = BlendedClassifier(model, as_keras(pipeline, 3), weight=0.6, sharpness=1.2)
    assert export(blend, tmp_path / "served", examples=TEXTS) < 1e-6
    names = sorted(path.name for path in (tmp_path / "served").iterdir())
    assert names == ["model.onnx", "tfast.json", "tokenizer.json", "vocabulary.txt"]
    found = tfast.runtime.load(tmp_path / "served").classify(TEXTS).probabilities
    np.testing.assert_allclose(found, answers_alone(blend), rtol=0, atol=1e-6)
    assert abs(found - answers_alone(model)).max() > 1e-2
    with pytest.raises(ValueError, match="reverse must be False for a BlendedClassifier"):
        export(blend, tmp_path / "reversed", reverse=True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model": keras.Sequential()}, "model must be a TextClassifier, Forward"),
        ({"precision": "int4"}, "precision must be one of .*, got 'int4'"),
        ({"file_format": "pmml"}, "file_format must be one of 'onnx', 'litert', got 'pmml'"),
        ({"class_names": ["a", "b"]}, "class_names must be 3"),
        ({"max_tokens": 0}, "max_tokens must be a whole number of at least 1, got 0"),
        ({"examples": "a text"}, "examples must be a list of texts, got 'a text'"),
        ({"examples": [b"a text"]}, "examples must be a list of texts, got .b'a text'"),
        ({"vocabulary": Vocabulary([*SPECIAL_TOKENS, "a"])}, "vocabulary must have the .* words"),
        ({"tolerance": -1}, "tolerance must be a number"),
    ],
)
def test_arguments_that_do_not_fit_are_named_and_nothing_is_written(
    changed, message, model, tmp_path
):
    arguments = {
        "model": model,
        "tokenizer": TOKENIZER,
        "vocabulary": vocabulary_of_texts(),
        "directory": tmp_path / "core",
        "class_names": CLASSES,
        **changed,
    }
    with pytest.raises(ValueError, match=message):
        export_portable_text_classifier(**arguments)
    assert not list(tmp_path.iterdir())
