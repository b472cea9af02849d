"""fastai's eight rules: what a text goes through before it is split into words.

Each rule takes a string tensor `(batch,)` of UTF-8 and gives one of the same shape, with
TensorFlow operations alone, so that training and serving run the very same graph. TensorFlow's
regular expressions are RE2, without back references or looking around: repetitions are found
on code points and on words instead.

Source: fastai.text.core, `defaults.text_proc_rules`.
"""

import re
from collections.abc import Callable

import tensorflow as tf

from tfast.text.tokenization import special_tokens
from tfast.text.tokenization.html_references import unescape_html
from tfast.text.tokenization.lowercase import lower
from tfast.text.tokenization.repetitions import mark_character_runs, mark_word_runs
from tfast.text.tokenization.string_ops import WHITESPACE, replace_matches, where_needed

# In this order: a later one may see what an earlier one made.
_MESS = {
    "#39;": "'",
    "amp;": "&",
    "#146;": "'",
    "nbsp;": " ",
    "#36;": "$",
    r"\n": "\n",
    "quot;": "'",
    "<br />": "\n",
    r"\"": '"',
    "<unk>": special_tokens.UNKNOWN,
    " @.@ ": ".",
    " @-@ ": "-",
    "...": " …",
}


def fix_html(texts: tf.Tensor) -> tf.Tensor:
    r"""Undoes what web pages and data sets left in texts: "<br />", "amp;", "&eacute;" ...

    Examples:
        >>> fix_html(tf.constant(["Tom amp; Jerry<br />caf&eacute;"]))[0].numpy().decode()
        'Tom & Jerry\ncafé'
    """
    for mess, meaning in _MESS.items():
        texts = tf.strings.regex_replace(texts, re.escape(mess), meaning)
    return unescape_html(texts)


def replace_rep(texts: tf.Tensor) -> tf.Tensor:
    """Writes a character that is repeated three times or more as "xxrep", count, character.

    Examples:
        >>> replace_rep(tf.constant(["so good!!!!"]))[0].numpy()
        b'so good xxrep 4 ! '
    """
    return mark_character_runs(texts)


def replace_wrep(texts: tf.Tensor) -> tf.Tensor:
    """Writes a word that is repeated three times or more as "xxwrep", count, word.

    Examples:
        >>> replace_wrep(tf.constant(["very very very good"]))[0].numpy()
        b' xxwrep 3 very  good'

    Differs: when two such runs have a single space between them, fastai's regular expression
    spends it on the first and so does not see where the second begins. Here both are marked.
    """
    return mark_word_runs(texts)


def spec_add_spaces(texts: tf.Tensor) -> tf.Tensor:
    r"""Puts spaces around "/", "#" and "\".

    Examples:
        >>> spec_add_spaces(tf.constant(["and/or"]))[0].numpy()
        b'and / or'
    """
    return tf.strings.regex_replace(texts, r"([/#\\])", r" \1 ")


def rm_useless_spaces(texts: tf.Tensor) -> tf.Tensor:
    """Leaves one of several spaces; line breaks stay.

    Examples:
        >>> rm_useless_spaces(tf.constant(["a   b"]))[0].numpy()
        b'a b'
    """
    return tf.strings.regex_replace(texts, " {2,}", " ")


def replace_all_caps(texts: tf.Tensor) -> tf.Tensor:
    """Writes words in capitals small, with "xxup" in front when longer than a letter.

    Examples:
        >>> replace_all_caps(tf.constant(["I AM here"]))[0].numpy()
        b'i xxup am here'
    """
    return _on_each_word(mark_all_caps, texts)


def replace_maj(texts: tf.Tensor) -> tf.Tensor:
    """Writes words with a capital only in front small, with "xxmaj" in front.

    Examples:
        >>> replace_maj(tf.constant(["Jane likes McCoy"]))[0].numpy()
        b'xxmaj jane likes McCoy'
    """
    return _on_each_word(mark_capitalized, texts)


def lowercase(texts: tf.Tensor, *, add_start: bool = True, add_end: bool = False) -> tf.Tensor:
    """Writes everything small, without white space around, between "xxbos" and "xxeos".

    Args:
        texts: string tensor `(batch,)`.
        add_start: whether to put "xxbos" before it.
        add_end: whether to put "xxeos" after it.

    Examples:
        >>> lowercase(tf.constant([" McCoy "]))[0].numpy()
        b'xxbos mccoy'
    """
    texts = strip(lower(texts))
    if add_start:
        texts = special_tokens.TEXT_START + " " + texts
    return texts + " " + special_tokens.TEXT_END if add_end else texts


def mark_all_caps(words: tf.Tensor) -> tf.Tensor:
    """`replace_all_caps` for a tensor of single words `(words,)`."""
    return _mark(words, special_tokens.ALL_CAPITALS, r"[A-Z]+[^a-z]*")


def mark_capitalized(words: tf.Tensor) -> tf.Tensor:
    """`replace_maj` for a tensor of single words `(words,)`."""
    return _mark(words, special_tokens.CAPITALIZED, r"[A-Z][^A-Z]*")


def split_mentions(texts: tf.Tensor) -> tf.Tensor:
    """Puts spaces around "@" where a name follows; "me@example.org" and "@_@" stay whole.

    Not one of fastai's rules: see `TextTokenizer`.

    Examples:
        >>> split_mentions(tf.constant(["thanks,@jane"]))[0].numpy()
        b'thanks, @ jane'
    """
    return tf.strings.regex_replace(texts, "(^|[^A-Za-z0-9_])@([A-Za-z0-9])", r"\1 @ \2")


def strip(texts: tf.Tensor) -> tf.Tensor:
    """`str.strip`: no white space, Unicode's included, at either end."""
    return tf.strings.regex_replace(texts, f"^[{WHITESPACE}]+|[{WHITESPACE}]+$", "")


def _mark(words: tf.Tensor, token: str, pattern: str) -> tf.Tensor:
    def mark(words: tf.Tensor) -> tf.Tensor:
        small = lower(words)
        return tf.where(tf.strings.length(words) == 1, small, token + " " + small)

    return where_needed(tf.strings.regex_full_match(words, pattern), mark, words)


def _on_each_word(rule: Callable[[tf.Tensor], tf.Tensor], texts: tf.Tensor) -> tf.Tensor:
    return replace_matches(texts, f"[^{WHITESPACE}]+", rule)


# fastai's order, in two parts. The rules of the first look at a whole text; those of the second
# at one word, so that `TextTokenizer` applies them to distinct words alone.
TEXT_RULES = (fix_html, replace_rep, replace_wrep, spec_add_spaces, rm_useless_spaces)
WORD_RULES = (mark_all_caps, mark_capitalized, lower)
# All eight as functions of texts, as fastai has them.
RULES = (*TEXT_RULES, replace_all_caps, replace_maj, lowercase)
