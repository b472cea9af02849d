import numpy as np
import pytest
import tensorflow as tf
from small_tfidf import VOCAB_SIZE, scikit_learn, some_texts

from tfast.text.gram_counts import count_grams
from tfast.text.tfidf_regression import TfidfSettings, fit_regression


@pytest.mark.parametrize("pair_weight", [1.0, 0.25])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_logits_are_those_of_scikit_learn(num_classes, pair_weight):
    documents, labels = some_texts(90, num_classes)
    grams = count_grams(documents, VOCAB_SIZE)
    settings = TfidfSettings(2, 10.0, pair_weight=pair_weight)
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
