import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.export.portable.litert import litert_runner
from tfast.export.portable.litert_text_graph import classifier_logits
from tfast.export.portable.onnx import onnx_runner
from tfast.export.portable.onnx_text_graph import onnx_text_core_bytes
from tfast.export.portable.text import export_text_core, text_core_bytes
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

TOKENIZER = TextTokenizer()
TEXTS = ["It was GREAT, truly great fun.", "", "bad " * 30, "I don't know \n it's é"]
CLASSES = ["negative", "positive", "neither"]
MAX_LENGTH = 9
GRAPH_BYTES = 40_000  # of the file, beside the weights

SERVE = """
import pathlib, sys
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
folder, texts = sys.argv[1], sys.argv[2:]
tokenizer = tf.saved_model.load(f"{folder}/tokenizer").signatures["serving_default"]
core = Interpreter(f"{folder}/core.tflite", num_threads=2).get_signature_runner()
labels = pathlib.Path(folder, "labels.txt").read_text("utf-8").splitlines()
inputs = tokenizer(text=tf.constant(texts))
inputs = {name: tensor.numpy() for name, tensor in inputs.items()}
probabilities = core(**inputs)["probabilities"]
assert "tfast" not in sys.modules
print(*[labels[row.argmax()] for row in probabilities])
np.save(folder + "/served.npy", probabilities)
"""


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
    make = {"litert": text_core_bytes, "onnx": onnx_text_core_bytes}[file_format]
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


def test_a_folder_serves_without_tfast(model, tmp_path):
    pytest.importorskip("ai_edge_litert")
    tokens = TOKENIZER(tf.constant(TEXTS))
    vocabulary = Vocabulary.from_tokens([tokens], min_frequency=1)
    folder = tmp_path / "core"
    export_text_core(model, TOKENIZER, vocabulary, folder, CLASSES, precision="float32")
    assert sorted(path.name for path in folder.iterdir()) == [
        "core.tflite",
        "labels.txt",
        "tokenizer",
    ]
    command = [sys.executable, "-c", SERVE, str(folder), *TEXTS]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    documents = vocabulary.encode_all([tokens]).to_list()
    expected = [
        probabilities_of(
            model, {"token_ids": np.array([ids], "int32"), "lengths": np.array([len(ids)])}
        )[0]
        for ids in documents
    ]
    np.testing.assert_allclose(np.load(folder / "served.npy"), expected, atol=1e-5)
    assert result.stdout.split() == [CLASSES[row.argmax()] for row in expected]


def test_an_onnx_core_reads_forward_and_backward(model, documents):
    pytest.importorskip("onnxruntime")
    both = ForwardBackwardClassifier(model, classifier(2))
    run = onnx_runner(onnx_text_core_bytes(both))
    expected = probabilities_of(both, documents)
    np.testing.assert_allclose(run(**documents)["probabilities"], expected, atol=1e-5)


def test_an_onnx_folder_holds_tokenizer_core_and_labels(model, tmp_path):
    pytest.importorskip("onnxruntime")
    vocabulary = Vocabulary.from_tokens([TOKENIZER(tf.constant(TEXTS))], min_frequency=1)
    folder = tmp_path / "core"
    export_text_core(model, TOKENIZER, vocabulary, folder, CLASSES, file_format="onnx")
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["core.onnx", "labels.txt", "tokenizer"]


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
        run = litert_runner(text_core_bytes(one, precision="float32"))
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
        ({"file_format": "pmml"}, "file_format is 'pmml'"),
        ({"class_names": ["a", "b"]}, "class_names must be 3"),
        ({"class_names": ["a", "b", "c\nd"]}, r"one line each; got \['c\\nd'\]"),
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
        export_text_core(**arguments)
    assert not list(tmp_path.iterdir())
