import re
import sys

import tensorflow as tf

from tfast.text.tokenization.string_ops import (
    BREAKS,
    WHITESPACE,
    encode_each,
    replace_matches,
    split,
    split_at_matches,
    where_needed,
)


def test_white_space_is_what_python_takes_for_it():
    characters = [chr(point) for point in range(sys.maxunicode) if not 0xD800 <= point <= 0xDFFF]
    # Zeros are the end of a string to nobody here, but take a place each all the same.
    found = tf.strings.regex_full_match(tf.constant(characters[:0x3100]), f"[{WHITESPACE}]")
    spaces = {c for c, f in zip(characters, found.numpy().tolist(), strict=False) if f}
    assert spaces == {c for c in characters if re.match(r"\s", c)}
    assert not tf.strings.regex_full_match(" ", f"[{BREAKS}]")


def test_only_texts_that_need_it_are_changed():
    seen = []

    def upper(texts):
        seen.extend(texts.numpy().tolist())
        return tf.strings.upper(texts)

    texts = tf.constant(["a", "b", "c"])
    changed = where_needed(tf.constant([True, False, True]), upper, texts)
    assert changed.numpy().tolist() == [b"A", b"b", b"C"]
    assert seen == [b"a", b"c"]
    assert where_needed(tf.constant([False] * 3), upper, texts).numpy().tolist() == [
        b"a",
        b"b",
        b"c",
    ]


def test_matches_have_odd_positions():
    pieces, rows, columns = split_at_matches(tf.constant(["a1b22", "", "3"]), "[0-9]+")
    assert pieces.numpy().tolist() == [b"a", b"1", b"b", b"22", b"", b"", b"", b"3", b""]
    assert rows.numpy().tolist() == [0] * 5 + [1] + [2] * 3
    assert columns.numpy().tolist() == [0, 1, 2, 3, 4, 0, 0, 1, 2]


def test_matches_are_replaced_in_their_texts():
    texts = tf.constant(["a12b3", "none", ""])
    replaced = replace_matches(texts, "[0-9]+", lambda found: "<" + found + ">")
    assert replaced.numpy().tolist() == [b"a<12>b<3>", b"none", b""]


def test_split_gives_pieces_rows_and_columns():
    pieces, rows, columns = split(tf.constant(["a b", "c"]), " ")
    assert pieces.numpy().tolist() == [b"a", b"b", b"c"]
    assert (rows.numpy().tolist(), columns.numpy().tolist()) == ([0, 0, 1], [0, 1, 0])


def test_code_points_are_encoded_one_by_one():
    assert encode_each(tf.constant([0x61, 0xE9, 0x1F600])).numpy().tolist() == [
        b"a", "é".encode(), "😀".encode(),
    ]  # fmt: skip
