import warnings

import numpy as np
import pytest
import tensorflow as tf
from small_tfidf import VOCAB_SIZE, hard_texts, scikit_learn, some_texts

from tfast.text import tfidf
from tfast.text.documents import pad_documents
from tfast.text.gram_counts import count_grams
from tfast.text.gram_vectors import GramVectors
from tfast.text.logistic_regression import stratified_order
from tfast.text.tfidf import (
    CANDIDATES,
    SIMILAR_CANDIDATES,
    choose_settings,
    fit_tfidf,
    left_out_logits,
)
from tfast.text.tfidf_regression import TfidfSettings


def probabilities(model, documents):
    return tf.nn.softmax(model(pad_documents(documents))).numpy()


@pytest.mark.parametrize("num_classes", [2, 4])
@pytest.mark.parametrize("min_texts", [1, 2, 5])
def test_what_is_fitted_is_what_scikit_learn_fits(num_classes, min_texts):
    documents, labels = some_texts(90, num_classes)
    settings = TfidfSettings(min_texts, 10.0)
    sizes = {"vocab_size": VOCAB_SIZE, "num_classes": num_classes}
    model = fit_tfidf(documents, labels, **sizes, settings=settings)
    pipeline = scikit_learn(documents, labels, settings)
    texts = hard_texts()
    expected = pipeline.predict_proba(texts.to_list())
    # Both end where their solver does: the numbers themselves are compared in tests/text/models.
    np.testing.assert_allclose(probabilities(model, texts), expected, rtol=0, atol=3e-3)
    found = np.sort(model.tables()["idf"][model.tables()["idf"] > 0])
    np.testing.assert_allclose(found, np.sort(pipeline[0].idf_), rtol=1e-6)


def test_the_same_texts_give_the_same_numbers():
    documents, labels = some_texts(60, 3)
    models = [fit_tfidf(documents, labels, vocab_size=VOCAB_SIZE, num_classes=3) for _ in range(2)]
    for ours, theirs in zip(models[0].weights, models[1].weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_settings_are_chosen_by_texts_that_were_left_out():
    # Each word that tells the label is in one text alone, but for the texts to come.
    sizes = {"vocab_size": 400, "num_classes": 2}
    random = np.random.RandomState(0)
    rows = [[9 + 2 * random.randint(150) + label for _ in range(6)] for label in [0, 1] * 60]
    documents, labels = tf.ragged.constant(rows, dtype="int32"), [0, 1] * 60
    chosen = fit_tfidf(documents, labels, **sizes)
    tables = [
        fit_tfidf(documents, labels, **sizes, settings=settings).tables()["coefficients"]
        for settings in CANDIDATES
    ]
    equal = [np.array_equal(chosen.tables()["coefficients"], table) for table in tables]
    assert equal.count(True) == 1
    assert not equal[0]


def test_left_out_texts_are_answered_by_models_of_the_others():
    documents, labels = some_texts(60, 3)
    sizes = {"vocab_size": VOCAB_SIZE, "settings": TfidfSettings(1, 10.0)}
    logits = left_out_logits(documents, labels, seed=5, **sizes)
    order = stratified_order(labels, seed=5)
    for part in (0, 3):
        left_out = order[np.arange(60) % 5 == part]
        used = np.setdiff1d(np.arange(60), left_out)
        model = fit_tfidf(tf.gather(documents, used), labels[used].tolist(), num_classes=3, **sizes)
        expected = probabilities(model, tf.gather(documents, left_out))
        np.testing.assert_allclose(tf.nn.softmax(logits[left_out]), expected, rtol=0, atol=0.02)


def test_settings_that_leave_no_word_are_not_chosen():
    documents = tf.ragged.constant([[2, 9 + i] for i in range(8)], dtype="int32")
    settings = choose_settings(documents, [0, 1] * 4, vocab_size=17)
    assert settings.min_texts == 1
    fit_tfidf(documents, [0, 1] * 4, vocab_size=17, num_classes=2)


def test_settings_that_leave_no_word_say_nothing():
    documents = tf.ragged.constant([[2, 9], [2, 10], [2, 11], [2, 12]], dtype="int32")
    settings = TfidfSettings(min_texts=2)
    logits = left_out_logits(documents, [0, 1, 0, 1], vocab_size=16, settings=settings)
    np.testing.assert_array_equal(logits, np.zeros((4, 2)))


@pytest.mark.parametrize(("share", "is_compared"), [(1, True), (0.7, True), (0.01, False)])
def test_a_sample_of_many_classes_is_smaller(share, is_compared, monkeypatch):
    documents, labels = some_texts(90, 3)
    whole = 3 * len(count_grams(documents, VOCAB_SIZE).frequent(1))
    monkeypatch.setattr(tfidf, "MOST_WEIGHTS", share * whole)
    sizes, fit = [], tfidf.fit_regression

    def note(grams, *some, **options):
        sizes.append(3 * len(grams.frequent(1)))
        return fit(grams, *some, **options)

    monkeypatch.setattr(tfidf, "fit_regression", note)
    chosen = choose_settings(documents, labels, vocab_size=VOCAB_SIZE)
    assert bool(sizes) == is_compared
    assert all(size <= share * whole for size in sizes)
    assert is_compared or chosen == CANDIDATES[0]


def test_classes_of_one_text_get_the_first_settings():
    documents = tf.ragged.constant([[2, 9], [2, 9, 10], [2, 9, 11]], dtype="int32")
    sizes = {"vocab_size": 16, "num_classes": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fit_tfidf(documents, [0, 1, 2], **sizes)
    given = fit_tfidf(documents, [0, 1, 2], **sizes, settings=CANDIDATES[0])
    np.testing.assert_array_equal(model.coefficients, given.coefficients)
    assert np.flatnonzero(model.idf).tolist() == [9]  # what two texts have


def test_what_cannot_be_fitted_is_named():
    documents = tf.ragged.constant([[2], [2, 0]], dtype="int32")
    with pytest.raises(ValueError, match="documents must have a word that 2 of them have"):
        fit_tfidf(documents, [0, 1], vocab_size=16, num_classes=2)
    for labels in ([0], [0, 0], [0, 2]):
        with pytest.raises(ValueError, match="label_ids must be 2 integers, each of 0 to 1"):
            fit_tfidf(documents, labels, vocab_size=16, num_classes=2)


def cluster_vectors(num_words, *, num_clusters):
    """Words whose ids leave the same remainder have nearly the same vector."""
    random = np.random.RandomState(1)
    centers = random.normal(size=(num_clusters, 8))
    rows = np.stack([centers[i % num_clusters] for i in range(num_words)])
    return GramVectors(rows + random.normal(0, 0.05, (num_words, 8)))


def test_words_that_no_text_has_count_like_their_neighbours():
    random = np.random.RandomState(0)
    labels = [0, 1] * 20
    # Words from 20 on come only later; odd ones tell of class 1.
    rows = [[2, *(10 + 2 * random.randint(0, 5, 6) + label)] for label in labels]
    documents = tf.ragged.constant(rows, dtype="int32")
    sizes = {"vocab_size": 60, "num_classes": 2}
    new = tf.ragged.constant([[2, 30, 44], [2, 31, 45]], dtype="int32")
    plain = fit_tfidf(documents, labels, **sizes)
    np.testing.assert_allclose(probabilities(plain, new)[0], probabilities(plain, new)[1])
    vectors = cluster_vectors(60, num_clusters=2)
    settings = SIMILAR_CANDIDATES[0]
    model = fit_tfidf(documents, labels, **sizes, vectors=vectors, settings=settings)
    assert probabilities(model, new).argmax(-1).tolist() == [0, 1]
    assert probabilities(model, new).max(-1).min() > 0.7


@pytest.mark.parametrize(("ratio_power", "pair_weight"), [(0.0, 1.0), (0.5, 1.0), (0.0, 0.25)])
def test_folded_vectors_answer_as_scikit_learn_with_mean_vectors_as_features(
    ratio_power, pair_weight
):
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression

    documents, labels = some_texts(90, 3)
    vectors = cluster_vectors(VOCAB_SIZE, num_clusters=7)
    pairs = np.array([[9, 10], [10, 9], [3, 5]])  # the last one never comes
    vectors = GramVectors(vectors.words, pairs, vectors.words[:3])
    settings = TfidfSettings(1, 10.0, 0.5, ratio_power, pair_weight)
    sizes = {"vocab_size": VOCAB_SIZE, "num_classes": 3}
    model = fit_tfidf(documents, labels, **sizes, vectors=vectors, settings=settings)
    texts = hard_texts()
    train, test = (count_grams(some, VOCAB_SIZE, pairs=vectors.keys) for some in (documents, texts))
    # Of the pairs of the texts to come, those that the model knows.
    columns = np.searchsorted(test.keys, train.keys)
    columns[columns == len(test.keys)] = 0
    counts = test.counts[:, columns].toarray() * (test.keys[columns] == train.keys)
    transformer = TfidfTransformer(sublinear_tf=True).fit(train.counts)
    is_pair = np.arange(len(train.keys)) >= train.num_words
    transformer.idf_ = transformer.idf_ * np.where(is_pair, pair_weight, 1)
    features = [transformer.transform(some) for some in (train.counts, counts)]
    rows = np.zeros((len(train.keys), 8))
    directions = vectors.directions()
    rows[: VOCAB_SIZE - 9] = directions.words[9:]
    rows[np.searchsorted(train.keys, vectors.keys)] = directions.pair_vectors
    means = [some @ rows for some in features]
    length = 0.5 / np.sqrt((means[0] ** 2).sum(axis=-1).mean())
    scales = log_ratios(features[0].toarray() > 0, np.array(labels)) ** ratio_power
    came = features[0].toarray().any(axis=0)
    scales /= np.sqrt((scales[came] ** 2).mean())
    inputs = [
        hstack([some.multiply(scales), mean * length])
        for some, mean in zip(features, means, strict=True)
    ]
    regression = LogisticRegression(C=10.0, max_iter=1000, tol=1e-5).fit(inputs[0], labels)
    expected = regression.predict_proba(inputs[1])
    np.testing.assert_allclose(probabilities(model, texts), expected, rtol=0, atol=1e-4)


def log_ratios(has_it, labels):
    """Of each feature, over the classes, one by one."""
    squares = np.zeros(has_it.shape[1])
    for label in range(labels.max() + 1):
        own, others = has_it[labels == label], has_it[labels != label]
        ratios = (own.sum(axis=0) + 1) / (len(own) + 2)
        ratios /= (others.sum(axis=0) + 1) / (len(others) + 2)
        squares += np.log(ratios) ** 2 / (labels.max() + 1)
    return np.sqrt(squares)


def test_what_tells_a_class_is_held_less_near_0():
    # The word 9 tells the class in 8 of 10 texts; 10 comes as often with both.
    rows = [[2, 9 if (i < 8) == label else 11, 10 if i % 2 else 12] for label in (0, 1)
            for i in range(10)]  # fmt: skip
    documents, labels = tf.ragged.constant(rows, dtype="int32"), np.repeat([0, 1], 10)
    sizes = {"vocab_size": 13, "num_classes": 2}
    slopes = []
    for power in (0.0, 0.5):
        settings = TfidfSettings(1, 1.0, ratio_power=power)
        model = fit_tfidf(documents, labels, **sizes, settings=settings)
        slopes.append(model.tables()["coefficients"][:, 1])
    assert slopes[1][9] > 1.2 * slopes[0][9] > 0
    assert abs(slopes[1][10]) < 1e-6


def test_pairs_that_no_text_has_count_like_their_neighbours():
    labels = [0, 1] * 20
    rows = [[2, *([9, 10] if label else [10, 9])] for label in labels]
    documents = tf.ragged.constant(rows, dtype="int32")
    pairs = np.array([[9, 10], [10, 9], [11, 12], [12, 11]])
    vectors = GramVectors(np.zeros((14, 1)), pairs, np.array([[1.0], [-1], [1], [-1]]))
    sizes = {"vocab_size": 14, "num_classes": 2}
    settings = SIMILAR_CANDIDATES[0]
    model = fit_tfidf(documents, labels, **sizes, vectors=vectors, settings=settings)
    new = tf.ragged.constant([[2, 11, 12], [2, 12, 11]], dtype="int32")
    assert probabilities(model, new).argmax(-1).tolist() == [1, 0]


def rare_words(number):
    """Texts of class 0 have even words, of class 1 odd ones; most words are in one text alone."""
    random = np.random.RandomState(0)
    labels = [0, 1] * (number // 2)
    rows = [[2, *(9 + 2 * random.randint(0, 150, 4) + label)] for label in labels]
    return tf.ragged.constant(rows, dtype="int32"), labels


def test_vectors_are_chosen_where_they_help_and_not_where_they_say_nothing():
    documents, labels = rare_words(60)
    random = GramVectors(np.random.RandomState(2).normal(size=(400, 8)))
    chosen = [
        choose_settings(documents, labels, vocab_size=400, vectors=vectors)
        for vectors in (cluster_vectors(400, num_clusters=2), random)
    ]
    assert chosen[0] in SIMILAR_CANDIDATES
    assert chosen[1] in CANDIDATES
    assert choose_settings(documents, labels, vocab_size=400) == chosen[1]


def test_vectors_are_left_out_where_there_are_more_texts_than_are_compared(monkeypatch):
    documents, labels = rare_words(60)
    vectors = cluster_vectors(400, num_clusters=2)
    chosen = []
    for most in (60, 59):
        monkeypatch.setattr(tfidf, "MAX_COMPARED", most)
        chosen.append(choose_settings(documents, labels, vocab_size=400, vectors=vectors))
    assert chosen[0] in SIMILAR_CANDIDATES
    assert chosen[1] in CANDIDATES


def test_a_sample_of_many_texts_has_those_of_rare_classes(monkeypatch):
    documents, labels = rare_words(60)
    labels = np.where(np.arange(60) < 57, labels, 2 + (np.arange(60) == 59))
    counted = []

    def count(some, *arguments, **options):
        counted.append(some.shape[0])
        return count_grams(some, *arguments, **options)

    monkeypatch.setattr(tfidf, "MAX_COMPARED", 30)
    monkeypatch.setattr(tfidf, "count_grams", count)
    assert choose_settings(documents, labels, vocab_size=400) in CANDIDATES
    # One of two, but both texts of class 2 and the only one of class 3.
    assert 30 <= counted[0] <= 32


def test_where_one_class_has_two_texts_the_choice_is_whether_there_are_vectors():
    documents = tf.ragged.constant([[2, 9], [2, 9, 10], [2, 9, 11]], dtype="int32")
    labels = [0, 1, 1]
    assert choose_settings(documents, labels, vocab_size=16) == CANDIDATES[0]
    vectors = GramVectors(np.random.RandomState(0).normal(size=(16, 3)))
    chosen = choose_settings(documents, labels, vocab_size=16, vectors=vectors)
    assert chosen == SIMILAR_CANDIDATES[0]


def test_vectors_of_another_vocabulary_are_refused():
    documents = tf.ragged.constant([[2, 9], [2, 10]], dtype="int32")
    sizes = {"vocab_size": 16, "num_classes": 2}
    with pytest.raises(ValueError, match="vectors must be of 16 words, got 15"):
        fit_tfidf(documents, [0, 1], **sizes, vectors=GramVectors(np.ones((15, 3))))
