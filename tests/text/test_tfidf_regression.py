import numpy as np
import pytest
import tensorflow as tf
from small_tfidf import VOCAB_SIZE, scikit_learn, some_texts

from tfast.text.gram_counts import count_grams
from tfast.text.tfidf_regression import TfidfSettings, directions, fit_regression


def test_directions_are_what_is_not_common_to_all_at_length_1():
    random = np.random.RandomState(0)
    vectors = random.normal(size=(40, 6)) * random.uniform(0.5, 3, (40, 1)) + 7
    found = directions(vectors, 40)
    assert found.shape == (40, 6)
    assert not found[:9].any()
    found = found[9:]
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1)
    centred = vectors[9:] - vectors[9:].mean(axis=0)
    cosines = (found * centred).sum(axis=-1) / np.linalg.norm(centred, axis=-1)
    np.testing.assert_allclose(cosines, 1)


def test_a_word_with_the_mean_has_no_direction():
    vectors = np.random.RandomState(0).normal(size=(40, 6))
    vectors[20] = vectors[[i for i in range(9, 40) if i != 20]].mean(axis=0)
    found = directions(vectors, 40)
    np.testing.assert_allclose(found[20], 0, atol=1e-12)
    assert np.count_nonzero(np.linalg.norm(found, axis=-1) > 0.99) == 30


def test_directions_of_directions_are_nearly_the_same():
    vectors = directions(np.random.RandomState(0).normal(size=(409, 8)), 409)
    assert (directions(vectors, 409) * vectors)[9:].sum(axis=-1).min() > 0.99


@pytest.mark.parametrize("num_classes", [2, 3])
def test_logits_are_those_of_scikit_learn(num_classes):
    documents, labels = some_texts(90, num_classes)
    grams = count_grams(documents, VOCAB_SIZE)
    settings = TfidfSettings(2, 10.0)
    fitted = fit_regression(grams, np.array(labels), None, settings)
    expected = scikit_learn(documents, labels, settings).predict_proba(documents.to_list())
    found = tf.nn.softmax(fitted.logits(grams)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-3)


def test_without_a_word_in_enough_texts_there_is_nothing():
    documents = tf.ragged.constant([[2, 9], [2, 10], [2, 11]], dtype="int32")
    grams = count_grams(documents, 12)
    labels = np.array([0, 1, 0])
    assert fit_regression(grams, labels, None, TfidfSettings(2)) is None
    assert fit_regression(grams, labels, None, TfidfSettings(1)) is not None
