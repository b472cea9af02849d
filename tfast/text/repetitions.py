"""Runs of one character and of one word, found without back references."""

import tensorflow as tf

from tfast.text import special_tokens
from tfast.text.separated import (
    RARE_WHITESPACE,
    WHITESPACE,
    join_pieces,
    split_marked,
    where_needed,
)

_MIN_RUN = 3

# RE2 cannot say "the same again", but it can name every ASCII character; what else stands in
# a row is looked at more closely.
_ASCII = [chr(code) for code in range(128) if not chr(code).isspace()]
_CHARACTER_RUN = "|".join(
    [
        *[rf"\x{ord(character):02x}{{{_MIN_RUN},}}" for character in _ASCII],
        rf"[^\x00-\x7f]{{{_MIN_RUN},}}",
    ]
)


def mark_character_runs(texts):
    """Rule `replace_rep`: a character three times or more becomes " xxrep count character ".

    Args:
        texts: string tensor `(batch,)`, UTF-8.

    Returns:
        String tensor `(batch,)`.
    """
    pieces = split_marked(texts, _CHARACTER_RUN)
    is_run = tf.strings.regex_full_match(pieces.flat_values, _CHARACTER_RUN)
    marked = where_needed(is_run, _mark_characters, pieces.flat_values)
    return join_pieces(pieces.with_flat_values(marked))


def mark_word_runs(texts):
    """Rule `replace_wrep`: a word three times or more becomes " xxwrep count word ".

    Args:
        texts: string tensor `(batch,)`, UTF-8.

    Returns:
        String tensor `(batch,)`.
    """
    # `split` knows ASCII's white space; replacing every space here would cost far more.
    words = tf.strings.split(tf.strings.regex_replace(texts, f"[{RARE_WHITESPACE}]", " "))
    rows = words.value_rowids()
    words = words.flat_values
    # The third of a run may have something behind it ("no no no!"), the first two may not.
    firsts = tf.where((words[:-2] == words[1:-1]) & (rows[:-2] == rows[2:]))[:, 0]
    first, third = tf.gather(words, firsts), tf.gather(words, firsts + 2)
    start = tf.zeros(tf.shape(firsts), tf.int32)
    is_run = tf.strings.substr(third, start, tf.strings.length(first)) == first
    runs = tf.boolean_mask(tf.gather(rows, firsts), is_run)
    needed = tf.math.bincount(tf.cast(runs, tf.int32), minlength=tf.size(texts)) > 0
    return where_needed(needed, _mark_words, texts)


def _mark_characters(texts):
    code_points = tf.strings.unicode_decode(texts, "UTF-8")
    rows = code_points.value_rowids()
    code_points = code_points.flat_values
    run_starts = _differs_from_previous(code_points) | _differs_from_previous(rows)
    run_ids = tf.cumsum(tf.cast(run_starts, tf.int32)) - 1
    run_lengths = tf.math.bincount(run_ids)
    is_long = tf.gather(run_lengths, run_ids) >= _MIN_RUN

    # Pieces: every long run, and what stands between two of them in one text.
    is_edge = is_long | _differs_from_previous(is_long)
    piece_starts = (run_starts & is_edge) | _differs_from_previous(rows)
    piece_ids = tf.cumsum(tf.cast(piece_starts, tf.int64)) - 1
    pieces = tf.RaggedTensor.from_value_rowids(code_points, piece_ids)
    pieces = tf.strings.unicode_encode(pieces, "UTF-8")
    firsts = tf.where(piece_starts)[:, 0]
    characters = tf.strings.unicode_encode(tf.gather(code_points, firsts)[:, None], "UTF-8")
    counts = tf.strings.as_string(tf.gather(run_lengths, tf.gather(run_ids, firsts)))
    is_space = tf.strings.regex_full_match(characters, f"[{WHITESPACE}]")
    marked = tf.strings.join(["", special_tokens.REPEATED_CHARACTER, counts, characters, ""], " ")
    pieces = tf.where(tf.gather(is_long, firsts) & ~is_space, marked, pieces)
    return tf.strings.unsorted_segment_join(pieces, tf.gather(rows, firsts), tf.size(texts))


def _mark_words(texts):
    # Words and the white space behind each, by turns.
    pieces = split_marked(texts, f"[{WHITESPACE}]+")
    rows = pieces.value_rowids()
    is_word = (tf.range(tf.size(rows, tf.int64)) - tf.gather(pieces.row_starts(), rows)) % 2 == 0
    words = tf.boolean_mask(pieces.flat_values, is_word)
    gaps = tf.boolean_mask(_next(pieces.flat_values), is_word)
    rows = tf.boolean_mask(rows, is_word)
    text_starts = _differs_from_previous(rows)
    is_last_of_text = ~_next(~text_starts)
    gaps = tf.where(is_last_of_text, "", gaps)

    stems = tf.strings.regex_replace(words, r"^([\p{L}\p{N}_]*)\C*$", r"\1")
    tails = tf.strings.substr(words, tf.strings.length(stems), tf.strings.length(words))
    is_whole = (stems == words) & (stems != "")
    starts = _differs_from_previous(stems) | text_starts | ~_previous(is_whole)
    run_ids = tf.cumsum(tf.cast(starts, tf.int32)) - 1
    run_lengths = tf.gather(tf.math.bincount(run_ids), run_ids)
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


def _previous(values):
    """Each value's predecessor; before the first stands False, zero or ""."""
    return tf.concat([tf.zeros_like(values[:1]), values[:-1]], 0)


def _next(values):
    """Each value's successor; behind the last stands False, zero or ""."""
    return tf.concat([values[1:], tf.zeros_like(values[:1])], 0)


def _differs_from_previous(values):
    """`(n,)` to boolean `(n,)`; the first has nothing before it and so differs."""
    return tf.concat([tf.ones_like(values[:1], tf.bool), values[1:] != values[:-1]], 0)
