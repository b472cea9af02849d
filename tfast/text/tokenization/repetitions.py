"""Runs of one character and of one word, found without back references."""

import tensorflow as tf

from tfast.text.tokenization import special_tokens
from tfast.text.tokenization.string_ops import (
    RARE_WHITESPACE,
    WHITESPACE,
    encode,
    encode_each,
    replace_matches,
    split,
    split_at_matches,
    where_needed,
)
from tfast.text.tokenization.unicode_tables import unicode_tables

_MIN_RUN = 3

# RE2 cannot say "the same again", but it can name every ASCII character; other characters in
# a row are looked at more closely.
_ASCII = [chr(code) for code in range(128) if not chr(code).isspace()]
_CHARACTER_RUN = "|".join(
    [
        *[rf"\x{ord(character):02x}{{{_MIN_RUN},}}" for character in _ASCII],
        rf"[^\x00-\x7f]{{{_MIN_RUN},}}",
    ]
)


def mark_character_runs(texts: tf.Tensor) -> tf.Tensor:
    """Rule `replace_rep`: a character three times or more becomes " xxrep count character ".

    Args:
        texts: string tensor `(batch,)`, UTF-8.

    Returns:
        String tensor `(batch,)`.
    """
    return replace_matches(texts, _CHARACTER_RUN, _mark_characters)


def mark_word_runs(texts: tf.Tensor) -> tf.Tensor:
    """Rule `replace_wrep`: a word three times or more becomes " xxwrep count word ".

    Args:
        texts: string tensor `(batch,)`, UTF-8.

    Returns:
        String tensor `(batch,)`.
    """
    # `split` knows ASCII's white space; replacing every space here would cost far more.
    words, rows, _ = split(tf.strings.regex_replace(texts, f"[{RARE_WHITESPACE}]", " "), "")
    # The third of a run may have something after it ("no no no!"), the first two may not.
    firsts = tf.where((words[:-2] == words[1:-1]) & (rows[:-2] == rows[2:]))[:, 0]
    first, third = tf.gather(words, firsts), tf.gather(words, firsts + 2)
    start = tf.zeros(tf.shape(firsts), tf.int32)
    is_run = tf.strings.substr(third, start, tf.strings.length(first)) == first
    runs = tf.gather(rows, tf.gather(firsts, tf.where(is_run)[:, 0]))
    needed = tf.math.unsorted_segment_sum(tf.ones_like(runs), runs, tf.size(texts)) > 0
    return where_needed(needed, _mark_words, texts)


def _mark_characters(texts: tf.Tensor) -> tf.Tensor:
    row_splits, code_points = tf.raw_ops.UnicodeDecode(input=texts, input_encoding="UTF-8")
    num_characters = tf.size(code_points, tf.int64)
    rows = tf.searchsorted(row_splits, tf.range(num_characters), side="right") - 1
    row_starts = _differs_from_previous(rows)
    run_starts = _differs_from_previous(code_points) | row_starts
    run_lengths = _run_lengths(run_starts)
    is_long = run_lengths >= _MIN_RUN

    # Pieces: every long run, and what is between two of them in one text.
    is_edge = is_long | _differs_from_previous(is_long)
    firsts = tf.where((run_starts & is_edge) | row_starts)[:, 0]
    pieces = encode(code_points, tf.concat([firsts, [num_characters]], 0))
    characters = encode_each(tf.gather(code_points, firsts))
    counts = tf.strings.as_string(tf.gather(run_lengths, firsts))
    is_space = tf.strings.regex_full_match(characters, f"[{WHITESPACE}]")
    marked = tf.strings.join(["", special_tokens.REPEATED_CHARACTER, counts, characters, ""], " ")
    pieces = tf.where(tf.gather(is_long, firsts) & ~is_space, marked, pieces)
    return tf.strings.unsorted_segment_join(pieces, tf.gather(rows, firsts), tf.size(texts))


def _mark_words(texts: tf.Tensor) -> tf.Tensor:
    # Words and the white space after each, in turn. For "no no no! so", with the columns
    #
    #     word   gap    stem   is_whole  starts  run_length  heads              ends
    #     no     " "    no     yes       yes     3           " xxwrep 3 no "    ""
    #     no     " "    no     yes       no      3           ""                 ""
    #     no!    " "    no     no        no      3           ""                 "! "
    #     so     ""     so     yes       yes     1           "so"               ""
    #
    # the result is heads and ends, joined: " xxwrep 3 no ! so". Only the last word of a run may
    # have a tail ("!"), which is what the word has after its stem.
    pieces, rows, columns = split_at_matches(texts, f"[{WHITESPACE}]+")
    is_word = tf.where(columns % 2 == 0)[:, 0]
    words, gaps = tf.gather(pieces, is_word), tf.gather(_next(pieces), is_word)
    rows = tf.gather(rows, is_word)
    text_starts = _differs_from_previous(rows)
    is_last_of_text = ~_next(~text_starts)
    gaps = tf.where(is_last_of_text, "", gaps)

    stems = tf.strings.regex_replace(words, rf"^([{unicode_tables().word}]*)\C*$", r"\1")
    tails = tf.strings.substr(words, tf.strings.length(stems), tf.strings.length(words))
    is_whole = (stems == words) & (stems != "")
    starts = _differs_from_previous(stems) | text_starts | ~_previous(is_whole)
    run_lengths = _run_lengths(starts)
    is_long = run_lengths >= _MIN_RUN
    is_first = is_long & starts
    is_last = is_long & ~_next(~starts)

    counts = tf.strings.as_string(run_lengths)
    marked = tf.strings.join(["", special_tokens.REPEATED_WORD, counts, stems, ""], " ")
    heads = tf.where(is_first, marked, tf.where(is_long, "", words))
    # The mark brings a space of its own in place of the one in front of it.
    before_run = _next(is_first) & ~is_last_of_text
    gaps = tf.where(before_run, tf.strings.regex_replace(gaps, r"(?s).$", ""), gaps)
    ends = tf.where(is_last, tails + gaps, tf.where(is_long, "", gaps))
    return tf.strings.unsorted_segment_join(heads + ends, rows, tf.size(texts))


def _run_lengths(starts: tf.Tensor) -> tf.Tensor:
    """For each value the length of its run: boolean `(n,)` to int32 `(n,)`."""
    run_ids = tf.cumsum(tf.cast(starts, tf.int32)) - 1
    return tf.gather(tf.math.segment_sum(tf.ones_like(run_ids), run_ids), run_ids)


def _previous(values: tf.Tensor) -> tf.Tensor:
    """Each value's predecessor; before the first: False, zero or ""."""
    return tf.concat([tf.zeros_like(values[:1]), values[:-1]], 0)


def _next(values: tf.Tensor) -> tf.Tensor:
    """Each value's successor; after the last: False, zero or ""."""
    return tf.concat([values[1:], tf.zeros_like(values[:1])], 0)


def _differs_from_previous(values: tf.Tensor) -> tf.Tensor:
    """`(n,)` to boolean `(n,)`; the first has nothing before it and so differs."""
    return tf.concat([tf.ones_like(values[:1], tf.bool), values[1:] != values[:-1]], 0)
