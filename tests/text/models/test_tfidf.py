import keras
import numpy as np
import pytest
import tensorflow as tf
from small_tfidf import VOCAB_SIZE, as_keras, hard_texts, scikit_learn, some_texts

from tfast.saving import load_model
from tfast.text.documents import pad_documents
from tfast.text.models.tfidf import TfidfClassifier
from tfast.text.tfidf import TfidfSettings


def pipeline_and_model(num_classes, min_texts=2):
    documents, labels = some_texts(120, num_classes)
    pipeline = scikit_learn(documents, labels, TfidfSettings(min_texts, 10.0))
    return pipeline, as_keras(pipeline, num_classes)


@pytest.mark.parametrize("num_classes", [2, 7])
@pytest.mark.parametrize("as_graph", [False, True])
def test_the_probabilities_are_those_of_scikit_learn(num_classes, as_graph):
    pipeline, model = pipeline_and_model(num_classes)
    call = tf.function(model, reduce_retracing=True) if as_graph else model
    texts = hard_texts()
    expected = pipeline.predict_proba(texts.to_list())
    found = tf.nn.softmax(call(pad_documents(texts, time_multiple=8)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert np.ptp(expected, axis=0).min() > 0.1
    # What is beside a text, and how far it is padded, says nothing.
    alone = tf.nn.softmax(call(pad_documents(texts[10:11])))
    np.testing.assert_allclose(alone, expected[10:11], rtol=0, atol=1e-6)


def test_more_ids_than_a_text_has_are_not_read():
    _, model = pipeline_and_model(2)
    ids = np.array([[2, 9, 10, 20, 21]])
    short = model({"token_ids": ids[:, :3], "lengths": np.array([3])})
    np.testing.assert_array_equal(model({"token_ids": ids, "lengths": np.array([3])}), short)
    assert np.abs(model({"token_ids": ids, "lengths": np.array([5])}) - short).max() > 1e-3


def test_a_file_gives_the_same_model(tmp_path):
    _, model = pipeline_and_model(3)
    model.save(tmp_path / "tfidf.keras")
    loaded = load_model(tmp_path / "tfidf.keras")
    inputs = pad_documents(hard_texts())
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert loaded.settings == model.settings


def test_it_computes_in_float32_whatever_else_does():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = TfidfClassifier(VOCAB_SIZE, 2, 3)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model(pad_documents(hard_texts())).dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32", "int32"}
    assert not model.trainable_weights


def test_without_pairs_words_count(tmp_path):
    model = TfidfClassifier(12, 2, 0)
    model.idf.assign(np.eye(13)[9])
    model.coefficients.assign(np.outer(np.eye(13)[9], [0, 2]))
    logits = model({"token_ids": np.array([[2, 9, 10]]), "lengths": np.array([3])})
    np.testing.assert_allclose(logits, [[0, 2]])


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="num_classes must be a whole number of at least 2"):
        TfidfClassifier(9, 1, 1)
    with pytest.raises(ValueError, match="num_pairs must be a whole number of at least 0"):
        TfidfClassifier(9, 2, -1)
