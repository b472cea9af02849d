"""Working on parts of texts: on some of the texts, or on what a pattern matches in them.

Written with plain tensors where ragged ones would do: each operation in a graph costs time
whenever a data set starts over, and ragged tensors bring many.
"""

from collections.abc import Callable

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


def where_needed(
    needed: tf.Tensor, operation: Callable[[tf.Tensor], tf.Tensor], texts: tf.Tensor
) -> tf.Tensor:
    """`operation` on those texts that need it, the others as they are.

    Most rules change few texts; finding those is cheaper than working on all.

    Args:
        needed: boolean tensor `(batch,)`.
        operation: a function of a string tensor `(some,)` that keeps the shape.
        texts: string tensor `(batch,)`.

    Returns:
        String tensor `(batch,)`.
    """
    indices = tf.where(needed)
    return tf.tensor_scatter_nd_update(texts, indices, operation(tf.gather_nd(texts, indices)))


def replace_matches(
    texts: tf.Tensor, pattern: str, operation: Callable[[tf.Tensor], tf.Tensor]
) -> tf.Tensor:
    """Replaces all that `pattern` matches by what `operation` makes of it.

    Args:
        texts: string tensor `(batch,)`.
        pattern: RE2 regular expression that matches no empty text.
        operation: a function of a string tensor `(matches,)` that keeps the shape.

    Returns:
        String tensor `(batch,)`.

    Examples:
        >>> replace_matches(tf.constant(["a12b3"]), "[0-9]+", lambda found: "<" + found + ">")
        <tf.Tensor: shape=(1,), dtype=string, numpy=array([b'a<12>b<3>'], dtype=object)>
    """
    pieces, rows, columns = split_at_matches(texts, pattern)
    pieces = where_needed(columns % 2 == 1, operation, pieces)
    return tf.strings.unsorted_segment_join(pieces, rows, tf.size(texts))


def split_at_matches(texts: tf.Tensor, pattern: str) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Cuts each text before and after everything that `pattern` matches.

    Args:
        texts: string tensor `(batch,)`.
        pattern: RE2 regular expression that matches no empty text.

    Returns:
        `pieces`, strings `(pieces,)`, and for each the number of its text and its position there,
        int64 `(pieces,)`: matches have odd positions, the text between them (maybe empty) even
        ones.
    """
    marked = tf.strings.regex_replace(texts, f"({pattern})", rf"{SEPARATOR}\1{SEPARATOR}")
    return split(marked, SEPARATOR)


def split(texts: tf.Tensor, separator: str) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """`tf.strings.split` as three plain tensors; see `split_at_matches`."""
    indices, pieces, _ = tf.raw_ops.StringSplitV2(input=texts, sep=separator)
    return pieces, indices[:, 0], indices[:, 1]


def encode(code_points: tf.Tensor, row_splits: tf.Tensor) -> tf.Tensor:
    """Code points `(characters,)` int32 as UTF-8, one string between two of `row_splits`."""
    return tf.raw_ops.UnicodeEncode(
        input_values=code_points, input_splits=row_splits, output_encoding="UTF-8"
    )


def encode_each(code_points: tf.Tensor) -> tf.Tensor:
    """Code points `(characters,)` int32 as UTF-8, a string `(characters,)` of each."""
    return encode(code_points, tf.range(tf.size(code_points, tf.int64) + 1))
