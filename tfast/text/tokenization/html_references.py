"""HTML's character references ("&eacute;", "&#233;", "&#xe9;") inside a graph."""

import functools
import html
import html.entities
import re

import tensorflow as tf

from tfast.text.tokenization.constant_table import ConstantTable
from tfast.text.tokenization.string_ops import encode_each, replace_matches, where_needed

_REFERENCE = r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)"
_MAX_DIGITS = 8  # more than the largest code point has, in either base
_REPLACEMENT = 0xFFFD


def unescape_html(texts: tf.Tensor) -> tf.Tensor:
    """Replaces character references by their characters, as `html.unescape` does.

    All names of HTML5 are known, the ones that need no semicolon too ("&ampere" is "&ere").

    Args:
        texts: string tensor `(batch,)`, UTF-8.

    Returns:
        String tensor `(batch,)`.

    Examples:
        >>> unescape_html(tf.constant(["&eacute;&#233;&#xE9; &ampere &what;"]))[0].numpy().decode()
        'ééé &ere &what;'

    Source: Python's `html.unescape`.
    """
    return replace_matches(texts, _REFERENCE, _resolve)


def _resolve(references: tf.Tensor) -> tf.Tensor:
    is_number = tf.strings.regex_full_match(references, r"&#\C*")
    return where_needed(~is_number, _resolve_names, where_needed(is_number, _numbers, references))


def _resolve_names(references: tf.Tensor) -> tf.Tensor:
    """`references` with a name of HTML5, or any other text after the "&"."""
    names = tf.strings.substr(references, 1, -1)
    known, characters = _names().lookup(names)
    # A name that needs no semicolon may open a longer word.
    openings = tf.strings.regex_replace(names, rf"^({_legacy_names()})\C*$", r"\1")
    opens, opening_characters = _names().lookup(openings)
    rests = tf.strings.substr(names, tf.strings.length(openings), tf.strings.length(names))
    return tf.where(known, characters, tf.where(opens, opening_characters + rests, references))


def _numbers(references: tf.Tensor) -> tf.Tensor:
    is_hex = tf.strings.regex_full_match(references, r"&#[xX]\C*")
    digits = tf.strings.regex_replace(tf.strings.lower(references), r"^&#x?0*|;$", "")
    is_long = tf.strings.length(digits) > _MAX_DIGITS
    padded = tf.strings.substr("0" * _MAX_DIGITS + digits, -_MAX_DIGITS, _MAX_DIGITS)
    codes = tf.cast(tf.io.decode_raw(padded, tf.uint8, fixed_length=_MAX_DIGITS), tf.int64)
    values = tf.where(codes >= ord("a"), codes - ord("a") + 10, codes - ord("0"))
    base = tf.where(is_hex, tf.constant(16, tf.int64), 10)[:, None]
    code_points = tf.reduce_sum(
        values * base ** tf.range(_MAX_DIGITS - 1, -1, -1, tf.int64), axis=1
    )
    is_surrogate = (code_points >= 0xD800) & (code_points <= 0xDFFF)
    impossible = is_long | is_surrogate | (code_points > 0x10FFFF)
    code_points = tf.where(impossible, tf.constant(_REPLACEMENT, tf.int64), code_points)
    plain = encode_each(tf.cast(code_points, tf.int32))
    is_odd, odd = _odd_numbers().lookup(tf.strings.as_string(code_points))
    return tf.where(is_odd, odd, plain)


@functools.cache
def _names() -> ConstantTable:
    return ConstantTable(html.entities.html5)


@functools.cache
def _legacy_names() -> str:
    names = [name for name in html.entities.html5 if not name.endswith(";")]
    # Of several that fit, the first alternative wins: it must be the longest.
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


@functools.cache
def _odd_numbers() -> ConstantTable:
    return ConstantTable(odd_numbers())


def odd_numbers() -> dict[str, str]:
    """The code points that HTML does not take as they are, in decimal: what each means."""
    noncharacters = [
        plane + last for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)
    ]
    candidates = [*range(0xA0), *range(0xFDD0, 0xFDF0), *noncharacters]
    meanings = {point: html.unescape(f"&#{point};") for point in candidates}
    return {str(p): text for p, text in meanings.items() if text != chr(p)}
