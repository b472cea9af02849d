import json
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfast.runtime
from tfast.export.portable.litert import litert_runner
from tfast.export.portable.litert_text_graph import classifier_logits, litert_text_core_bytes
from tfast.export.portable.onnx import onnx_runner
from tfast.export.portable.onnx_text_graph import onnx_text_core_bytes
from tfast.export.portable.text import export_portable_text_classifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

TOKENIZER = TextTokenizer()
TEXTS = ["It was GREAT, truly great fun.", "", "bad " * 30, "I don't know \n it's é"]
CLASSES = ["negative", "positive", "neither"]
MAX_LENGTH = 9
GRAPH_BYTES = 40_000  # of the file, beside the weights


def classifier(seed):
    keras.utils.set_random_seed(seed)
    model = TextClassifier(
        200, len(CLASSES), embed_size=16, hidden_size=32, num_layers=2, max_length=MAX_LENGTH
    )
    for weight in model.trainable_weights:
        weight.assign(2 * weight)  # so that answers differ
    return model


@pytest.fixture(scope="module")
def model():
    return classifier(1)


@pytest.fixture(scope="module")
def documents():
    lengths = np.array([40, 0, 1, MAX_LENGTH, 23, 17], "int32")
    token_ids = np.random.default_rng(0).integers(0, 200, (6, 40)).astype("int32")
    return {"token_ids": token_ids, "lengths": lengths}


def probabilities_of(model, documents):
    return tf.nn.softmax(model(documents)).numpy()


@pytest.mark.parametrize("window", [1, 16, 64])
def test_documents_are_read_as_the_model_reads_them(window, model, documents):
    logits = classifier_logits(model, **documents, window=window)
    np.testing.assert_allclose(logits, model(documents), rtol=1e-5, atol=1e-5)
    assert np.ptp(logits, axis=0).max() > 0.1


def test_forward_and_backward_are_read_as_the_model_reads_them(model, documents):
    both = ForwardBackwardClassifier(model, classifier(2))
    logits = classifier_logits(both, **documents, window=16)
    np.testing.assert_allclose(logits, both(documents), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("file_format", "precision", "tolerance", "bytes_of_a_weight"),
    [
        ("litert", "float32", 1e-5, 4),
        ("litert", "float16", 5e-3, 2),
        ("litert", "int8", 0.1, 1),
        ("onnx", "float32", 1e-5, 4),
        ("onnx", "float16", 5e-3, 2),
        ("onnx", "int8", 0.1, 1),
    ],
)
def test_the_core_takes_any_number_of_documents_of_any_length(
    file_format, precision, tolerance, bytes_of_a_weight, model, documents
):
    pytest.importorskip({"litert": "ai_edge_litert", "onnx": "onnxruntime"}[file_format])
    make = {"litert": litert_text_core_bytes, "onnx": onnx_text_core_bytes}[file_format]
    content = make(model, precision=precision)
    num_weights = sum(weight.numpy().size for weight in model.trainable_weights)
    assert 0 < len(content) - bytes_of_a_weight * num_weights < GRAPH_BYTES
    run = {"litert": litert_runner, "onnx": onnx_runner}[file_format](content)
    for batch, time in ((6, 40), (1, 1), (3, 17)):
        part = {
            "token_ids": documents["token_ids"][:batch, :time],
            "lengths": np.minimum(documents["lengths"][:batch], time),
        }
        probabilities = run(**part)["probabilities"]
        expected = probabilities_of(model, part)
        np.testing.assert_allclose(probabilities, expected, atol=tolerance)
        best, second = np.sort(expected)[:, :-3:-1].T
        clear = best - second > 2 * tolerance
        np.testing.assert_array_equal(probabilities.argmax(-1)[clear], expected.argmax(-1)[clear])


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
    classifier = tfast.runtime.load(tmp_path / "served")
    labels, probabilities = classifier.classify(TEXTS)
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
            "reverse": False,
            "max_tokens": 7,
        },
    }


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


def test_another_splitter_is_a_saved_model_that_tfast_runtime_refuses(model, tmp_path):
    pytest.importorskip("onnxruntime")

    def split(texts):
        return tf.strings.split(texts)

    vocabulary = Vocabulary.from_tokens([split(TEXTS)], min_frequency=1)
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


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("file_format", ["onnx", "litert"])
def test_no_text_ends_no_process(file_format, precision, model):
    pytest.importorskip({"litert": "ai_edge_litert", "onnx": "onnxruntime"}[file_format])
    make = {"litert": litert_text_core_bytes, "onnx": onnx_text_core_bytes}[file_format]
    content = make(model, precision=precision)
    run = {"litert": litert_runner, "onnx": onnx_runner}[file_format](content)
    # A text of no token is one of padding.
    padding = {"token_ids": np.ones((1, 1), "int32"), "lengths": np.ones(1, "int32")}
    expected = run(**padding)["probabilities"]
    for batch, time in ((0, 0), (0, 4), (2, 0)):
        empty = {"token_ids": np.zeros((batch, time), "int32"), "lengths": np.zeros(batch, "int32")}
        found = run(**empty)["probabilities"]
        assert found.shape == (batch, 3)
        np.testing.assert_allclose(found, expected.repeat(batch, axis=0), atol=1e-6)


def test_an_onnx_core_reads_forward_and_backward(model, documents):
    pytest.importorskip("onnxruntime")
    both = ForwardBackwardClassifier(model, classifier(2))
    run = onnx_runner(onnx_text_core_bytes(both))
    expected = probabilities_of(both, documents)
    np.testing.assert_allclose(run(**documents)["probabilities"], expected, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_written_in_float32(model, documents, policy):
    pytest.importorskip("ai_edge_litert")
    mixed = TextClassifier.from_config(model.get_config() | {"dtype": policy})
    mixed.set_weights(model.get_weights())
    assert mixed.compute_dtype != "float32"
    for one, other in (
        (mixed, model),
        *[(ForwardBackwardClassifier(m, m) for m in (mixed, model))],
    ):
        run = litert_runner(litert_text_core_bytes(one, precision="float32"))
        expected = probabilities_of(other, documents)
        np.testing.assert_allclose(run(**documents)["probabilities"], expected, atol=1e-5)


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_what_an_int8_core_needs_is_named(missing, model, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"tfast\[onnx\]"):
        onnx_text_core_bytes(model, precision="int8")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model": keras.Sequential()}, "model must be a TextClassifier or Forward"),
        ({"precision": "int4"}, "precision must be one of .*, got 'int4'"),
        ({"file_format": "pmml"}, "file_format must be one of 'onnx', 'litert', got 'pmml'"),
        ({"class_names": ["a", "b"]}, "class_names must be 3"),
        ({"max_tokens": 0}, "max_tokens must be a whole number of at least 1, got 0"),
        ({"examples": "a text"}, "examples must be a list of texts, got 'a text'"),
    ],
)
def test_arguments_that_do_not_fit_are_named_and_nothing_is_written(
    changed, message, model, tmp_path
):
    arguments = {
        "model": model,
        "tokenizer": TOKENIZER,
        "vocabulary": Vocabulary.from_tokens([[b"a"]], min_frequency=1),
        "directory": tmp_path / "core",
        "class_names": CLASSES,
        **changed,
    }
    with pytest.raises(ValueError, match=message):
        export_portable_text_classifier(**arguments)
    assert not list(tmp_path.iterdir())
