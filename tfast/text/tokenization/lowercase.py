"""`str.lower` inside a graph, the same under every locale."""

import functools

import numpy as np
import tensorflow as tf

from tfast.text.tokenization.string_ops import encode, where_needed
from tfast.text.tokenization.unicode_tables import unicode_tables

_SIGMA, _FINAL_SIGMA = "\u03a3", "\u03c2"  # the capital letter, and the small one that ends words


def lower(texts: tf.Tensor) -> tf.Tensor:
    """Python's `str.lower`, from a table.

    TensorFlow's own lower case of Unicode follows the locale of the server: "TITLE" has a
    dotless i under a Turkish one.

    Args:
        texts: string tensor `(batch,)`, UTF-8.

    Returns:
        String tensor `(batch,)`.

    Examples:
        >>> lower(tf.constant(["ÉTÉ", "ΟΔΟΣ"]))[1].numpy().decode()
        'οδος'

    Source: Python 3.11, Unicode 14.
    """
    is_ascii = tf.strings.regex_full_match(texts, r"[\x00-\x7f]*")
    # Without `encoding` the operation knows ASCII alone and no locale.
    return where_needed(~is_ascii, _lower_unicode, tf.strings.lower(texts))


def _lower_unicode(texts: tf.Tensor) -> tf.Tensor:
    texts = tf.strings.regex_replace(texts, _word_end(), rf"\1{_FINAL_SIGMA}\2")
    for character, small in unicode_tables().lowercase.items():
        if len(small) > 1:  # the dotted capital i alone
            texts = tf.strings.regex_replace(texts, character, small)
    row_splits, code_points = tf.raw_ops.UnicodeDecode(input=texts, input_encoding="UTF-8")
    capitals, smalls = _code_points()
    indices = tf.raw_ops.LowerBound(sorted_inputs=capitals[None], values=code_points[None])[0]
    indices = tf.minimum(indices, len(capitals) - 1)
    is_capital = tf.gather(capitals, indices) == code_points
    return encode(tf.where(is_capital, tf.gather(smalls, indices), code_points), row_splits)


@functools.cache
def _word_end() -> str:
    """A capital sigma with a letter before it and none after it, whatever else is there."""
    tables = unicode_tables()
    ignorable = f"[{tables.case_ignorable}]*"
    other = f"[^{tables.cased}{tables.case_ignorable}]"
    return rf"([{tables.cased}]{ignorable}){_SIGMA}({ignorable}(?:{other}|$))"


@functools.cache
def _code_points() -> tuple[np.ndarray, ...]:
    """Two int32 arrays, the first one sorted: characters and their lower case."""
    pairs = [(ord(c), ord(s)) for c, s in unicode_tables().lowercase.items() if len(s) == 1]
    return tuple(np.array(sorted(pairs), "int32").T.copy())
