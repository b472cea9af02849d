"""Splitting English words as spaCy does it: "don't." is "do n't .".

It cuts prefixes and suffixes off a word, one of each at a time, until nothing more comes off
or what is left is on its list of exceptions; then it cuts what is left at infixes, unless it
looks like a URL; last it joins exceptions that were cut apart.

Source: spaCy 3.8, spacy.tokenizer (MIT licence, see NOTICE).
"""

import tensorflow as tf

from tfast.text.tokenization.english_patterns import PUT_BACK, english_patterns
from tfast.text.tokenization.string_ops import (
    INNER_SPACE,
    WHITESPACE,
    replace_matches,
    where_needed,
)

# Prefixes and suffixes that are cut off one word. Real words have few; a megabyte of
# punctuation must end all the same.
_MAX_AFFIXES = 40

# Most words, so that they are soon done with; and white space.
_INDIVISIBLE = f"[A-Za-z]*|[{WHITESPACE}{INNER_SPACE}]*"


def split_english(words: tf.Tensor) -> tf.Tensor:
    """Puts a space between the tokens of each word.

    Args:
        words: string tensor `(words,)`, UTF-8, without spaces in them.

    Returns:
        String tensor `(words,)`.

    Examples:
        >>> split_english(tf.constant(["don't.", "(e.g.", "state-of-the-art"])).numpy().tolist()
        [b"do n't .", b'( e.g.', b'state - of - the - art']

    Differs: no more than 40 prefixes and suffixes come off one word, a URL's last part may be
    longer than 63 letters, and of emoticons that overlap the first is joined, not the longest.
    """
    is_exception, split = english_patterns().exceptions.lookup(words)
    words = tf.where(is_exception, split, words)
    is_open = ~is_exception & ~tf.strings.regex_full_match(words, _INDIVISIBLE)
    return where_needed(is_open, _split, words)


def _split(words: tf.Tensor) -> tf.Tensor:
    patterns = english_patterns()
    before, core, after = _cut_affixes(words)
    is_exception, split = patterns.exceptions.lookup(core)
    has_infix = tf.strings.regex_full_match(core, rf"\C*(?:{patterns.any_infix})\C*")
    has_infix = has_infix & ~is_exception & ~_is_url(core)
    core = tf.where(is_exception, split, where_needed(has_infix, _cut_infixes, core))
    words = " " + before + core + after + " "
    has_gap = tf.strings.regex_full_match(words, r"\C*  \C*")
    words = where_needed(has_gap, _single_spaces, words)
    has_phrase = tf.strings.regex_full_match(words, rf"\C*(?:{patterns.phrase})\C*")
    return tf.strings.strip(where_needed(has_phrase, _join_phrases, words))


def _cut_affixes(words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """`words` as prefixes (each with a space after it), what is left, suffixes (one in front)."""

    def cut(
        indices: tf.Tensor, before: tf.Tensor, core: tf.Tensor, after: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        here = tf.gather_nd(core, indices)
        prefix, left, suffix = _cut_one_of_each(here)
        before = tf.tensor_scatter_nd_update(
            before, indices, tf.gather_nd(before, indices) + prefix
        )
        after = tf.tensor_scatter_nd_update(after, indices, suffix + tf.gather_nd(after, indices))
        core = tf.tensor_scatter_nd_update(core, indices, left)
        is_done = english_patterns().exceptions.lookup(left)[0]
        is_done |= (left == here) | tf.strings.regex_full_match(left, _INDIVISIBLE)
        return tf.gather(indices, tf.where(~is_done)[:, 0]), before, core, after

    everywhere = tf.range(tf.size(words, tf.int64))[:, None]
    blank = tf.zeros_like(words)
    _, before, core, after = tf.while_loop(
        lambda indices, *_: tf.size(indices) > 0,
        cut,
        (everywhere, blank, words, blank),
        shape_invariants=(tf.TensorShape([None, 1]), *[words.shape] * 3),
        maximum_iterations=_MAX_AFFIXES,
    )
    return before, core, after


def _cut_one_of_each(words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """At most one prefix and one suffix, fewer when an exception appears."""
    patterns = english_patterns()
    without_prefix = tf.strings.regex_replace(
        words, patterns.prefix, PUT_BACK, replace_global=False
    )
    without_both = tf.strings.regex_replace(
        without_prefix, patterns.suffix, PUT_BACK, replace_global=False
    )
    length, start = tf.strings.length(words), tf.zeros(tf.shape(words), tf.int32)
    prefix_length = length - tf.strings.length(without_prefix)
    suffix_length = tf.strings.length(without_prefix) - tf.strings.length(without_both)
    without_suffix = tf.strings.substr(words, start, length - suffix_length)

    only_prefix = (prefix_length > 0) & patterns.exceptions.lookup(without_prefix)[0]
    only_suffix = ~only_prefix & (suffix_length > 0) & patterns.exceptions.lookup(without_suffix)[0]
    prefix = tf.strings.substr(words, start, prefix_length) + " "
    suffix = " " + tf.strings.substr(words, length - suffix_length, suffix_length)
    return (
        tf.where((prefix_length > 0) & ~only_suffix, prefix, ""),
        tf.where(only_prefix, without_prefix, tf.where(only_suffix, without_suffix, without_both)),
        tf.where((suffix_length > 0) & ~only_prefix, suffix, ""),
    )


def _is_url(words: tf.Tensor) -> tf.Tensor:
    patterns = english_patterns()
    looks = tf.strings.regex_full_match(words, patterns.url)
    return looks & ~tf.strings.regex_full_match(words, patterns.private_address)


def _cut_infixes(words: tf.Tensor) -> tf.Tensor:
    patterns = english_patterns()
    words = tf.strings.regex_replace(words, f"({patterns.free_infix})", r" \1 ")
    for infix in patterns.infixes:
        # A neighbour that two infixes share, "a-b-c", is free again in the second round.
        for _ in range(2):
            words = tf.strings.regex_replace(words, infix, r"\1 \2 \3")
    return words


def _join_phrases(words: tf.Tensor) -> tf.Tensor:
    """Joins what the cutting took apart though it is an exception: " fun : ) " to " fun :) "."""
    patterns = english_patterns()
    # A space for each side of a token: two phrases may be next to each other.
    doubled = tf.strings.regex_replace(words, " ", "  ")

    def join(phrases: tf.Tensor) -> tf.Tensor:
        return " " + patterns.phrases.lookup(tf.strings.strip(_single_spaces(phrases)))[1] + " "

    return _single_spaces(replace_matches(doubled, patterns.doubled_phrase, join))


def _single_spaces(words: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(words, " +", " ")
