import numpy as np
import pytest

from tfast.text.gram_counts import count_grams
from tfast.text.gram_vectors import GramVectors, pair_keys, pairs_of_keys

WORDS = [f"xx{i}" for i in range(9)] + [f"w{i}" for i in range(9, 40)]


def some_vectors(num_words=40, size=6, *, seed=0, pairs=((9, 12), (30, 9), (12, 12))):
    random = np.random.RandomState(seed)
    words = random.normal(size=(num_words, size)) * random.uniform(0.5, 3, (num_words, 1)) + 7
    return GramVectors(words, np.array(pairs), random.normal(size=(len(pairs), size)) + 7)


def test_a_pair_has_the_key_that_counts_have():
    import tensorflow as tf

    documents = tf.ragged.constant([[2, 9, 12], [30, 9, 39]], dtype="int32")
    grams = count_grams(documents, 40)
    pairs = np.array([[9, 12], [9, 39], [30, 9]])
    assert grams.keys[grams.num_words :].tolist() == pair_keys(pairs, 40).tolist()
    np.testing.assert_array_equal(pairs_of_keys(pair_keys(pairs, 40), 40), pairs)


def test_directions_are_what_is_not_common_to_all_at_length_1():
    vectors = some_vectors()
    found = vectors.directions()
    assert not found.words[:9].any()
    rows = np.concatenate([found.words[9:], found.pair_vectors])
    assert rows.dtype == "float32"
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    given = np.concatenate([vectors.words[9:], vectors.pair_vectors])
    centred = given - given.mean(axis=0)
    cosines = (rows * centred).sum(axis=1) / np.linalg.norm(centred, axis=1)
    np.testing.assert_allclose(cosines, 1, rtol=1e-5)


def test_directions_of_directions_are_nearly_the_same():
    vectors = some_vectors(409, 8).directions()
    assert (vectors.directions().words * vectors.words)[9:].sum(axis=1).min() > 0.98


def test_a_row_of_zeros_has_no_direction():
    assert np.isfinite(GramVectors(np.zeros((12, 3))).directions().words).all()


def test_another_vocabulary_knows_the_same_words_and_the_pairs_that_it_has():
    vectors = some_vectors()
    new_words = [*WORDS[:9], "new", "w12", "w9", "w20"]
    moved = vectors.transfer(WORDS, new_words)
    np.testing.assert_allclose(moved.words[[10, 11, 12]], vectors.words[[12, 9, 20]], rtol=1e-6)
    assert moved.pairs.tolist() == [[11, 10], [10, 10]]  # w30 is not there
    np.testing.assert_array_equal(moved.pair_vectors, vectors.pair_vectors[[0, 2]])
    all_rows = np.concatenate([vectors.words[9:], vectors.pair_vectors])
    np.testing.assert_allclose(moved.words[9], all_rows.mean(axis=0), rtol=1e-5)


def test_a_word_that_is_new_has_no_direction():
    moved = some_vectors().transfer(WORDS, [*WORDS, "new"])
    np.testing.assert_allclose(moved.directions().words[40], 0, atol=1e-5)
    assert np.linalg.norm(moved.directions().words[9:40], axis=1).min() > 0.99


def test_both_side_by_side():
    first, second = some_vectors(), some_vectors(size=2, seed=1, pairs=((9, 12), (10, 11)))
    both = first.beside(second)
    np.testing.assert_allclose(both.words[:, :6], first.words, rtol=1e-6)
    np.testing.assert_allclose(both.words[:, 6:], second.words, rtol=1e-6)
    rows = {
        tuple(pair): row for pair, row in zip(both.pairs.tolist(), both.pair_vectors, strict=True)
    }
    assert list(rows) == [(9, 12), (10, 11), (12, 12), (30, 9)]
    np.testing.assert_allclose(rows[9, 12][:6], first.pair_vectors[0], rtol=1e-6)
    np.testing.assert_allclose(rows[9, 12][6:], second.pair_vectors[0], rtol=1e-6)
    assert not rows[10, 11][:6].any()
    assert not rows[30, 9][6:].any()


def test_small_integers_do_not_overflow():
    rows = np.full((40, 3), 127, "int8")
    rows[::2] = -127
    vectors = GramVectors(rows, np.array([[9, 10]]), rows[:1])
    assert vectors.directions().words[9:].max() <= 1
    moved = vectors.transfer(WORDS, WORDS)
    np.testing.assert_array_equal(moved.words[9:], rows[9:])


def test_a_file_holds_all_of_it(tmp_path):
    vectors = some_vectors()
    vectors.save(tmp_path / "vectors.npz")
    read = GramVectors.load(tmp_path / "vectors.npz")
    for name in ("words", "pairs", "pair_vectors"):
        np.testing.assert_array_equal(getattr(read, name), getattr(vectors, name))


def test_another_or_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "vectors.npz"
    some_vectors().save(path)
    whole = path.read_bytes()
    np.savez(tmp_path / "other.npz", words=np.ones((3, 2)))
    np.save(tmp_path / "array.npy", np.ones((3, 2)))
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.npz").write_bytes(b"")
    for name in ("other.npz", "array.npy", "cut.npz", "empty.npz", "missing.npz"):
        with pytest.raises(ValueError, match=f"path must hold vectors of words, got .*{name}"):
            GramVectors.load(tmp_path / name)


@pytest.mark.parametrize(
    "arguments",
    [
        (np.ones(16),),
        (np.full((16, 3), np.nan),),
        (np.ones((16, 3)), np.array([[9, 10]])),
        (np.ones((16, 3)), np.array([[9, 10]]), np.ones((1, 2))),
        (np.ones((16, 3)), np.array([[9, 16]]), np.ones((1, 3))),
        (np.ones((16, 3)), np.array([[9, -1]]), np.ones((1, 3))),
        (np.ones((16, 3)), np.array([[9, 10]]), np.full((1, 3), np.inf)),
        (np.ones((16, 3)), np.array([[9, 10], [9, 10]]), np.ones((2, 3))),
    ],
)
def test_what_does_not_fit_is_refused(arguments):
    with pytest.raises(ValueError, match=r"(words|pairs) must be"):
        GramVectors(*arguments)


def test_another_number_of_words_is_refused():
    with pytest.raises(ValueError, match="old_words must be 40 words, got 39"):
        some_vectors().transfer(WORDS[:-1], WORDS)
    with pytest.raises(ValueError, match="other must have 40 words, got 41"):
        some_vectors().beside(some_vectors(41))
