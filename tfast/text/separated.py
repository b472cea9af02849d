"""Cutting texts into pieces without losing anything, and working on some of them."""

import tensorflow as tf

# Unicode promises that no text holds these code points: they are for a program's own use.
SEPARATOR = "\ufdd0"
INNER_SPACE = "\ufdd1"  # a space that belongs to a token

# What Python's `str.isspace` and `\s` take for white space, inside an RE2 character class.
RARE_WHITESPACE = (
    r"\x1c-\x1f\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
)
BREAKS = r"\t-\r" + RARE_WHITESPACE  # all but the space
WHITESPACE = r"\x20" + BREAKS


def split_marked(texts, pattern):
    """Cuts each text before and after everything that `pattern` matches.

    Args:
        texts: string tensor `(batch,)`.
        pattern: RE2 regular expression without groups that capture.

    Returns:
        Ragged strings `(batch, pieces)`: an odd number of pieces in each text, of which the
        second, fourth ... are what matched; the others may be empty.

    Example:
        >>> split_marked(tf.constant(["a - b"]), "[ ]+").to_list()
        [[b'a', b' ', b'-', b' ', b'b']]
    """
    marked = tf.strings.regex_replace(texts, f"({pattern})", rf"{SEPARATOR}\1{SEPARATOR}")
    return tf.strings.split(marked, SEPARATOR)


def join_pieces(pieces):
    """The inverse of `split_marked`: ragged strings `(batch, pieces)` to `(batch,)`."""
    return tf.strings.unsorted_segment_join(
        pieces.flat_values, pieces.value_rowids(), pieces.nrows()
    )


def where_needed(needed, operation, texts):
    """`operation` on those texts that need it, the others as they are.

    Most rules change few texts; finding those is cheaper than working on all.

    Args:
        needed: boolean tensor `(batch,)`.
        operation: a function of a string tensor `(some,)` that keeps the shape.
        texts: string tensor `(batch,)`.

    Returns:
        String tensor `(batch,)`.
    """
    places = tf.where(needed)
    return tf.tensor_scatter_nd_update(texts, places, operation(tf.gather_nd(texts, places)))
