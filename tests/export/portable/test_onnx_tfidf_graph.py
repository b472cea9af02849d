import keras
import numpy as np
import pytest
import tensorflow as tf
from small_tfidf import VOCAB_SIZE, as_keras, hard_texts, scikit_learn, some_texts

from tfast.export.portable.formats import FORMATS
from tfast.text.documents import pad_documents
from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.tfidf import CANDIDATES
from tfast.text.tfidf_regression import TfidfSettings

BOTH_FORMATS = pytest.mark.parametrize("file_format", FORMATS)


def classifier(seed):
    keras.utils.set_random_seed(seed)
    model = TextClassifier(VOCAB_SIZE, 3, embed_size=8, hidden_size=12, num_layers=1)
    for weight in model.trainable_weights:
        weight.assign(3 * weight)  # so that answers differ
    return model


@pytest.fixture(scope="module")
def pipeline():
    return scikit_learn(*some_texts(120, 3), CANDIDATES[0])


@pytest.fixture(scope="module")
def tfidf(pipeline):
    return as_keras(pipeline, 3)


def runner(file_format, model, precision="float32"):
    pytest.importorskip({"litert": "ai_edge_litert", "onnx": "onnxruntime"}[file_format])
    kind = FORMATS[file_format]
    return kind.runner(kind.text_bytes(model, precision=precision))


def read(run, documents):
    inputs = pad_documents(documents)
    return run(**{name: value.numpy() for name, value in inputs.items()})["probabilities"]


@BOTH_FORMATS
def test_words_without_pairs_answer_as_scikit_learn(file_format):
    pipeline = scikit_learn(*some_texts(120, 3), TfidfSettings(min_texts=20))
    tfidf = as_keras(pipeline, 3)
    assert tfidf.settings["num_pairs"] == 0
    run = runner(file_format, BlendedClassifier(classifier(1), tfidf, weight=0))
    texts = hard_texts()
    expected = pipeline.predict_proba(texts.to_list())
    np.testing.assert_allclose(read(run, texts), expected, rtol=0, atol=1e-6)


@BOTH_FORMATS
def test_tfidf_alone_answers_as_scikit_learn(file_format, pipeline, tfidf):
    run = runner(file_format, BlendedClassifier(classifier(1), tfidf, weight=0))
    texts = hard_texts()
    expected = pipeline.predict_proba(texts.to_list())
    np.testing.assert_allclose(read(run, texts), expected, rtol=0, atol=1e-6)
    for number in (2, 10):
        np.testing.assert_allclose(
            read(run, texts[number : number + 1]), expected[number : number + 1], rtol=0, atol=1e-6
        )
    for batch, time in ((0, 0), (0, 3), (2, 0)):
        nothing = {
            "token_ids": np.zeros((batch, time), "int32"),
            "lengths": np.ones(batch, "int32"),
        }
        found = run(**nothing)["probabilities"]
        np.testing.assert_allclose(found, expected[:1].repeat(batch, 0), rtol=0, atol=1e-6)


@BOTH_FORMATS
@pytest.mark.parametrize(
    ("precision", "tolerance"), [("float32", 2e-6), ("float16", 5e-3), ("int8", 0.08)]
)
def test_a_blend_is_one_file(file_format, precision, tolerance, tfidf):
    blend = BlendedClassifier(classifier(1), tfidf, weight=0.4, sharpness=1.3)
    texts = hard_texts()
    expected = tf.nn.softmax(blend(pad_documents(texts)))
    found = read(runner(file_format, blend, precision), texts)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@BOTH_FORMATS
def test_a_blend_of_two_directions_is_one_file_too(file_format, tfidf):
    both = ForwardBackwardClassifier(classifier(1), classifier(2))
    blend = BlendedClassifier(both, tfidf, weight=0.7)
    expected = tf.nn.softmax(blend(pad_documents(hard_texts())))
    found = read(runner(file_format, blend), hard_texts())
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
