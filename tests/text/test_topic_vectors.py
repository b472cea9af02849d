import numpy as np
import pytest
import tensorflow as tf

from tfast.text.gram_counts import count_grams
from tfast.text.topic_vectors import topic_vectors as make

VOCAB_SIZE = 60
UNSEEN = 59


def some_documents(*, num_topics=2):
    """Words come with those alone whose ids leave the same remainder."""
    random = np.random.RandomState(0)
    rows = [
        [2, *(9 + num_topics * random.randint(0, 50 // num_topics, random.randint(9, 30)) + i)]
        for i in list(range(num_topics)) * 40
    ]
    return tf.ragged.constant(rows, dtype="int32")


NEVER = 10_000  # so many texts have no pair


def topic_vectors(documents, **options):
    """Those of words."""
    return make(documents, **({"vocab_size": VOCAB_SIZE, "min_texts": NEVER} | options)).words


def test_they_are_what_scikit_learn_finds_but_for_signs_and_lengths():
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer

    documents = some_documents(num_topics=5)
    vectors = topic_vectors(documents, size=5)
    assert (vectors.shape, vectors.dtype) == ((VOCAB_SIZE, 5), "float32")
    grams = count_grams(documents, VOCAB_SIZE)
    counts = grams.counts[:, : grams.num_words]
    features = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    expected = TruncatedSVD(5, algorithm="arpack", random_state=0).fit(features).components_.T
    expected = expected[: UNSEEN - 9] / np.linalg.norm(expected[: UNSEEN - 9], axis=1)[:, None]
    found = vectors[9:UNSEEN]
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, rtol=0, atol=2e-3)


def test_words_of_the_same_documents_are_alike_and_others_not():
    vectors = topic_vectors(some_documents(), size=2)
    likeness = vectors[9:UNSEEN] @ vectors[9:UNSEEN].T
    same = np.add.outer(np.arange(50), np.arange(50)) % 2 == 0
    assert likeness[same].min() > 0.9
    assert likeness[~same].max() < 0.1


def test_words_that_no_document_has_and_special_tokens_have_the_mean():
    vectors = topic_vectors(some_documents(), size=4)
    np.testing.assert_allclose(np.linalg.norm(vectors[9:UNSEEN], axis=1), 1, rtol=1e-6)
    mean = vectors[9:UNSEEN].mean(axis=0)
    for row in (*vectors[:9], vectors[UNSEEN]):
        np.testing.assert_allclose(row, mean, rtol=0, atol=1e-6)


def test_special_tokens_are_no_words():
    documents = some_documents()
    with_marks = tf.concat([documents, tf.ones_like(documents) * 8], axis=1)
    first, second = (topic_vectors(some, size=4) for some in (documents, with_marks))
    np.testing.assert_array_equal(first, second)


def test_pairs_that_enough_documents_have_are_known_too():
    documents = tf.ragged.constant([[2, 9, 10], [2, 9, 10, 11], [2, 11, 8, 12], [2, 12, 11]])
    vectors = make(documents, vocab_size=14, min_texts=2)
    assert vectors.pairs.tolist() == [[9, 10]]
    np.testing.assert_allclose(np.linalg.norm(vectors.pair_vectors, axis=1), 1, rtol=1e-6)
    assert vectors.pair_vectors[0] @ vectors.words[9] > 0.9  # they come in the same documents
    # Special tokens are left out before there are pairs, as everywhere in TF-IDF.
    pairs = make(documents, vocab_size=14, min_texts=1).pairs
    assert pairs.tolist() == [[9, 10], [10, 11], [11, 12], [12, 11]]


def test_they_are_factorized_together():
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer

    documents = some_documents(num_topics=3)
    vectors = make(documents, vocab_size=VOCAB_SIZE, size=3, min_texts=4)
    grams = count_grams(documents, VOCAB_SIZE)
    columns = grams.frequent(4)
    features = TfidfTransformer(sublinear_tf=True).fit_transform(grams.counts[:, columns])
    expected = TruncatedSVD(3, algorithm="arpack", random_state=0).fit(features).components_.T
    expected /= np.linalg.norm(expected, axis=1)[:, None]
    found = np.concatenate([vectors.words[grams.keys[columns[columns < 51]]], vectors.pair_vectors])
    assert len(vectors.pairs) > 50
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, rtol=0, atol=5e-3)


def test_the_seed_decides_the_last_digits_alone():
    first, again, other = (topic_vectors(some_documents(), size=2, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first @ first.T, other @ other.T, rtol=0, atol=1e-3)


def test_there_are_no_more_topics_than_words_or_documents():
    documents = tf.ragged.constant([[2, 9, 10], [2, 9, 11]], dtype="int32")
    assert topic_vectors(documents, vocab_size=12).shape == (12, 2)


def test_bad_input_is_refused():
    documents = tf.ragged.constant([[2, 9], [9, 2, 0]], dtype="int32")
    with pytest.raises(ValueError, match="documents must have two words or more, got 1"):
        topic_vectors(documents, vocab_size=12)
    with pytest.raises(ValueError, match="size must be"):
        topic_vectors(documents, vocab_size=12, size=0)
