import numpy as np
import pytest

from tfast.text import word_vectors as module
from tfast.text.stored_documents import store_documents
from tfast.text.word_vectors import word_vectors

TEXTS = ["a red apple", "a green apple", "one old house", "one new house"] * 5 + ["lonely"] * 2


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored") / "ids"
    return store_documents(TEXTS, folder, held_out=0)


def count_slowly(documents, window, num_contexts):
    ids = documents.read()
    counts = np.zeros((len(documents.vocabulary), num_contexts))
    for i, word in enumerate(ids):
        for j in range(max(0, i - window), min(len(ids), i + window + 1)):
            if j != i and word >= 9 and 9 <= ids[j] < num_contexts:
                counts[word, ids[j]] += 1 / abs(i - j)
    return counts


@pytest.mark.parametrize("piece", [3, 7, 1 << 20])
@pytest.mark.parametrize(("window", "num_contexts"), [(1, 12), (4, 24)])
def test_neighbours_are_counted_once_however_the_text_is_cut(
    documents, monkeypatch, piece, window, num_contexts
):
    monkeypatch.setattr(module, "_PIECE", piece)
    counts = module._count_neighbours(documents, window, num_contexts, False)
    np.testing.assert_allclose(counts, count_slowly(documents, window, num_contexts), rtol=1e-5)


def test_words_in_the_same_places_are_alike(documents):
    vectors = word_vectors(documents, 4, num_contexts=24)
    red, green, old, new = (
        vectors[documents.vocabulary.words.index(word)] for word in ("red", "green", "old", "new")
    )
    assert red @ green > 2 * abs(red @ old)
    assert old @ new > 2 * abs(new @ green)


def test_lengths_are_those_of_a_trained_embedding(documents):
    vectors = word_vectors(documents, 4, num_contexts=24)
    lengths = np.linalg.norm(vectors, axis=1)
    assert vectors.dtype == "float32"
    words = documents.vocabulary.words
    known = [words.index(word) for word in ("red", "green", "apple", "house", "one")]
    assert lengths[known].min() > 0.99
    assert lengths[known].max() < 3.01
    assert lengths[:9].max() < 0.5  # special tokens
    fillers = [number for number, word in enumerate(words) if word.startswith("xxfake")]
    assert 0 < lengths[fillers].max() < 0.5


def test_the_same_seed_gives_the_same_vectors(documents):
    first, again, other = (word_vectors(documents, 4, num_contexts=24, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_vocabulary_may_be_smaller_than_the_vectors(documents):
    vectors = word_vectors(documents, 100)
    assert vectors.shape == (len(documents.vocabulary), 100)
    assert np.isfinite(vectors).all()
    assert (np.abs(vectors).sum(axis=0) > 0).all()


def test_texts_without_two_words_that_are_known_give_random_vectors(tmp_path):
    documents = store_documents(["alone"] * 3, tmp_path / "ids", held_out=0)
    vectors = word_vectors(documents, 4)
    assert 0 < np.abs(vectors).max() <= 0.1


def test_bad_sizes_are_named(documents):
    with pytest.raises(ValueError, match="size must be a whole number of at least 1, got 0"):
        word_vectors(documents, 0)
