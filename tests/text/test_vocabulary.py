import numpy as np
import pytest
import tensorflow as tf

from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.vocabulary import Vocabulary

ODD_TOKENS = (
    "\n\n", " ", "  ", "",
    "\\", "\\n", "\\x20", "\\\\", "\t", "\r", "\r\n", "\x0b", "\x1c", "\x00a",
    "\u2028", "\u200b", "\x85", "\xa0", "\U000e0001", "é", "日本", "😀", "#", '"', " a", "a ",
)  # fmt: skip


def test_most_frequent_words_come_first_and_ties_in_the_order_of_their_bytes():
    texts = [[b"xxbos", b"b", b"a", b"c", b"c"], [b"xxbos", b"a", b"\xc3\xa9", b"b", b"once", b"c"]]
    texts.append([b"\xc3\xa9", b"xxmaj"])
    vocabulary = Vocabulary.from_tokens(texts)
    assert vocabulary.words == (
        *SPECIAL_TOKENS,
        "c",
        "a",
        "b",
        "é",
        "xxfake0",
        "xxfake1",
        "xxfake2",
    )
    assert Vocabulary.from_tokens(reversed(texts)) == vocabulary


def test_ragged_and_dense_batches_of_a_dataset_are_counted_alike():
    tokens = tf.ragged.constant([["xxbos", "a", "a"], ["xxbos"], ["b", "b"]])
    flat = tf.data.Dataset.from_tensor_slices(tokens.flat_values)
    expected = Vocabulary.from_tokens([tokens])
    assert expected.words[9:11] == ("a", "b")
    assert Vocabulary.from_tokens(tf.data.Dataset.from_tensor_slices(tokens).batch(2)) == expected
    assert Vocabulary.from_tokens(flat.batch(4)) == expected
    assert Vocabulary.from_tokens(flat) == expected


def test_sizes_and_frequencies_limit_the_words():
    texts = [[b"a"] * 4 + [b"b"] * 3 + [b"c"] * 2 + [b"d"]]
    assert Vocabulary.from_tokens(texts, max_size=11).words[9:] == (
        "a", "b", "xxfake0", "xxfake1", "xxfake2", "xxfake3", "xxfake4",
    )  # fmt: skip
    assert Vocabulary.from_tokens(texts, min_frequency=4).words[9:11] == ("a", "xxfake0")
    assert Vocabulary.from_tokens(texts, min_frequency=1).words[9:13] == ("a", "b", "c", "d")


@pytest.mark.parametrize("num_words", [0, 6, 7, 8])
def test_size_is_a_multiple_of_eight_without_a_whole_row_of_fillers(num_words):
    vocabulary = Vocabulary.from_tokens([[f"word{i}" for i in range(num_words)]], min_frequency=1)
    assert len(vocabulary) == (16 if num_words <= 7 else 24)


def test_a_filler_that_is_a_word_of_the_text_is_not_added_again():
    vocabulary = Vocabulary.from_tokens([[b"xxfake0", b"xxfake2"] * 2])
    assert vocabulary.words[9:] == (
        "xxfake0", "xxfake2", "xxfake1", "xxfake3", "xxfake4", "xxfake5", "xxfake6",
    )  # fmt: skip


def test_what_a_lookup_table_cannot_hold_is_no_word():
    assert Vocabulary.from_tokens([[b"\xff\xfe", b"a\0"] * 3 + [b"a"] * 2]).words[9:11] == (
        "a",
        "xxfake0",
    )


def test_odd_tokens_survive_the_file_and_keep_their_ids(tmp_path):
    path = tmp_path / "vocabulary.txt"
    vocabulary = Vocabulary((*SPECIAL_TOKENS, *ODD_TOKENS))
    vocabulary.save(path)
    loaded = Vocabulary.load(path)
    assert loaded == vocabulary
    np.testing.assert_array_equal(loaded.encode(list(ODD_TOKENS)), 9 + np.arange(len(ODD_TOKENS)))
    assert [word.decode() for word in loaded.decode(np.arange(len(loaded))).numpy()] == list(
        vocabulary.words
    )


def test_file_is_a_word_a_line_that_a_person_can_read(tmp_path):
    path = tmp_path / "vocabulary.txt"
    Vocabulary((*SPECIAL_TOKENS, "\n\n", " ", "don't", "é", "\\", "\u200b")).save(path)
    assert path.read_text(encoding="utf-8").split("\n")[9:] == [
        r"\n\n", r"\x20", "don't", "é", r"\\", r"\u200b", "",
    ]  # fmt: skip
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))  # after a Windows editor
    assert Vocabulary.load(path).words[9:11] == ("\n\n", " ")


def test_unknown_words_get_the_id_of_xxunk_and_ids_are_int32_and_ragged():
    vocabulary = Vocabulary((*SPECIAL_TOKENS, "a"))
    ids = vocabulary.encode(tf.ragged.constant([["xxbos", "a", "?"], [], ["xxpad", "xxunk"]]))
    assert ids.to_list() == [[2, 9, 0], [], [1, 0]]
    assert ids.dtype == tf.int32
    assert vocabulary.decode(ids).to_list()[0] == [b"xxbos", b"a", b"xxunk"]


def test_encode_all_joins_the_batches():
    vocabulary = Vocabulary((*SPECIAL_TOKENS, "a"))
    texts = tf.ragged.constant([["xxbos", "a"], ["xxbos"], ["xxbos", "b", "a"]])
    ids = vocabulary.encode_all(tf.data.Dataset.from_tensor_slices(texts).batch(2))
    assert ids.to_list() == [[2, 9], [2], [2, 0, 9]]
    assert vocabulary.encode_all([]).shape == (0, None)


def test_encode_works_inside_a_dataset():
    vocabulary = Vocabulary((*SPECIAL_TOKENS, "a"))
    dataset = tf.data.Dataset.from_tensors(["a", "b"]).map(vocabulary.encode)
    assert next(iter(dataset)).numpy().tolist() == [9, 0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*SPECIAL_TOKENS, "a\0"), r"end with NUL, got \['a\\x00'\]"),
        (("a", "b"), "must begin with xxunk xxpad"),
        ((*SPECIAL_TOKENS, "a", "b", "a"), r"more than once: \['a'\]"),
    ],
)
def test_bad_words_are_named(words, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        Vocabulary(words)
    path = tmp_path / "words.txt"
    path.write_text("\n".join(words))
    with pytest.raises(ValueError, match=r"words.txt is not a vocabulary: words must"):
        Vocabulary.load(path)


@pytest.mark.parametrize("options", [{"max_size": 8}, {"min_frequency": 0}])
def test_bad_sizes_are_named(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Vocabulary.from_tokens([], **options)


def test_new_words_come_after_the_known_ones_whose_ids_stay():
    known = Vocabulary.from_counts({b"a": 9, b"b": 8, b"xxfake0": 7})
    counts = {b"b": 1, b"c": 5, b"d": 7, b"e": 2, b"rare": 1, b"xxfake1": 4}
    both = known.extended(counts, max_new=3)
    assert both.words[: len(known)] == known.words
    assert both.words[len(known) : len(known) + 3] == ("d", "c", "e")
    assert len(both) % 8 == 0
    assert known.extended({}, max_new=3) == known
    assert known.extended(counts, max_new=0) == known
    with pytest.raises(ValueError, match="max_new must be a whole number of at least 0, got -1"):
        known.extended(counts, max_new=-1)
