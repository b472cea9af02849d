"""Raw texts to tokens, as one Keras layer."""

from typing import Any, Self

import keras
import tensorflow as tf

from tfast.text.tokenization import rules, special_tokens
from tfast.text.tokenization.english_splitting import split_english
from tfast.text.tokenization.string_ops import BREAKS, INNER_SPACE, SEPARATOR, split, where_needed
from tfast.training.optimizers.keras_private import accept_python_values
from tfast.types import TensorLike

# What fastai writes for it.
_WRITTEN_INNER_SPACE = "▁"


@keras.saving.register_keras_serializable(package="tfast")
class TextTokenizer(keras.layers.Layer):
    r"""Fastai's text rules, then splitting into tokens, all in the graph.

    Accepts arbitrary bytes: what is not UTF-8 becomes U+FFFD. With the English splitter a
    SavedModel needs nothing but TensorFlow.

    Args:
        splitter: "english", which splits as spaCy does, or a layer that gives tokens
            `(words, None)` for words `(words,)`, such as `SentencePieceSplitter`.
        apply_rules: whether fastai's rules are applied, which mark capitals and repetitions and
            clean HTML; without them a text is split as it is.
        add_start: whether "xxbos" is put before each text.
        add_end: whether "xxeos" is put after it.
        mark_fields: whether "xxfld 1", "xxfld 2" ... are put before the fields of a text.
        split_mentions: whether "@" is set apart from a name that follows, as "#" is by fastai's
            rules. fastai leaves "@name" whole: few are in any vocabulary, and then the model is
            not told that somebody was mentioned.

    Call:
        texts: strings `(batch,)`, or `(batch, fields)` for texts in several parts, such as
            title and body.
        Returns ragged strings `(batch, tokens)`.

    Raises:
        ValueError: `splitter` is neither "english" nor a layer, or the texts are not as described:
            one string, for instance, or rows of different lengths.

    Examples:
        >>> TextTokenizer()(tf.constant(["I don't LIKE this..."])).to_list()
        [[b'xxbos', b'i', b'do', b"n't", b'xxup', b'like', b'this', b'\xe2\x80\xa6']]

    Source: fastai.text.core, `Tokenizer` with `WordTokenizer`.
    Differs: `replace_wrep` and `split_english` say where they do.
    """

    def __init__(
        self,
        splitter: str | keras.layers.Layer = "english",
        *,
        apply_rules: bool = True,
        add_start: bool = True,
        add_end: bool = False,
        mark_fields: bool = False,
        split_mentions: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if splitter != "english" and not isinstance(splitter, keras.layers.Layer):
            raise ValueError(f"splitter must be 'english' or a layer, got {splitter!r}")
        self.splitter = splitter
        self.apply_rules = apply_rules
        self.add_start = add_start
        self.add_end = add_end
        self.mark_fields = mark_fields
        self.split_mentions = split_mentions
        self.supports_jit = False
        accept_python_values(self)

    # Nothing here needs AutoGraph, which would treble the time of tracing.
    @tf.autograph.experimental.do_not_convert
    def call(self, texts: TensorLike) -> tf.RaggedTensor:
        """Tokenizes; see the class."""
        texts = self._prepare(_as_tensor(texts))
        pieces, rows, _ = split(_mark_white_space(texts), " ")
        distinct, indices = tf.unique(pieces)
        return _regroup(self._tokens_of_words(distinct), indices, rows, texts)

    def compute_output_spec(self, texts: keras.KerasTensor) -> keras.KerasTensor:
        """Ragged strings, for models of Keras's functional kind."""
        return keras.KerasTensor((texts.shape[0], None), dtype="string", ragged=True)

    def get_config(self) -> dict[str, Any]:
        """All arguments, a splitter with its own."""
        splitter = self.splitter
        if splitter != "english":
            splitter = keras.saving.serialize_keras_object(splitter)
        return super().get_config() | {
            "splitter": splitter,
            "apply_rules": self.apply_rules,
            "add_start": self.add_start,
            "add_end": self.add_end,
            "mark_fields": self.mark_fields,
            "split_mentions": self.split_mentions,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The inverse of `get_config`."""
        if config["splitter"] != "english":
            splitter = keras.saving.deserialize_keras_object(config["splitter"])
            config = config | {"splitter": splitter}
        return cls(**config)

    def _prepare(self, texts: tf.Tensor) -> tf.Tensor:
        """Clean UTF-8, and the rules that may look further than one word."""
        texts = _join_fields(_clean(texts), mark_fields=self.mark_fields)
        for rule in rules.TEXT_RULES if self.apply_rules else ():
            texts = rule(texts)
        texts = rules.strip(texts)
        start = special_tokens.TEXT_START + " " if self.add_start else ""
        end = " " + special_tokens.TEXT_END if self.add_end else ""
        return start + texts + end

    def _tokens_of_words(self, words: tf.Tensor) -> tf.RaggedTensor:
        """The rules that look at one word alone, and the splitting: `(words,)` to ragged."""
        marked = words
        for rule in rules.WORD_RULES if self.apply_rules else ():
            marked = rule(marked)
        if self.split_mentions:
            marked = rules.split_mentions(marked)
        parts, rows, _ = split(marked, " ")
        # "The" and "the" have a part in common.
        distinct, indices = tf.unique(parts)
        tokens = self._split(distinct)
        values = tf.strings.regex_replace(tokens.values, INNER_SPACE, _WRITTEN_INNER_SPACE)
        return _regroup(tokens.with_values(values), indices, rows, words)

    def _split(self, words: tf.Tensor) -> tf.RaggedTensor:
        if isinstance(self.splitter, str):
            return _split_at_spaces(split_english(words))
        is_special = tf.reduce_any(words[:, None] == tf.constant(special_tokens.SPECIAL_TOKENS), 1)
        # What splits at white space itself is not to see our mark for it.
        spaced = tf.strings.regex_replace(words, INNER_SPACE, " ")
        tokens = self.splitter(tf.where(is_special, "", spaced))
        return tf.concat([_split_at_spaces(tf.where(is_special, words, "")), tokens], axis=1)


def _regroup(
    tokens: tf.RaggedTensor, indices: tf.Tensor, rows: tf.Tensor, texts: tf.Tensor
) -> tf.RaggedTensor:
    """The tokens of distinct words, in the order of the words.

    Args:
        tokens: ragged strings `(distinct, tokens)`.
        indices: which of the distinct words each word is, `(words,)`.
        rows: which text each word belongs to, int64 `(words,)`.
        texts: strings `(texts,)`.

    Returns:
        Ragged strings `(texts, tokens)`.
    """
    tokens = tf.gather(tokens, indices)
    rows = tf.gather(rows, tokens.value_rowids())
    return tf.RaggedTensor.from_value_rowids(
        tokens.values, rows, tf.size(texts, tf.int64), validate=False
    )


def _split_at_spaces(words: tf.Tensor) -> tf.RaggedTensor:
    """Ragged `(words, tokens)`, no token of an empty word."""
    tokens, rows, _ = split(words, " ")
    there = tf.where(tokens != "")[:, 0]
    return tf.RaggedTensor.from_value_rowids(
        tf.gather(tokens, there),
        tf.gather(rows, there),
        tf.size(words, tf.int64),
        validate=False,
    )


def _as_tensor(texts: TensorLike) -> tf.Tensor:
    """Strings `(batch,)` or `(batch, fields)`."""
    what = "texts must be strings (batch,), or (batch, fields) with the same number of fields each"
    try:
        tensor = tf.convert_to_tensor(texts)
    except (TypeError, ValueError):  # ragged, or of several types
        raise ValueError(f"{what}, got {_brief(texts)}") from None
    if tensor.dtype != tf.string and tensor.shape.num_elements() == 0:
        tensor = tf.zeros(tensor.shape, tf.string)  # an empty list says nothing of its type
    if tensor.dtype != tf.string or tensor.shape.rank not in (1, 2):
        raise ValueError(f"{what}, got {_brief(texts)}")
    return tensor


def _brief(value: Any) -> str:
    if isinstance(value, tf.Tensor):
        return f"a tensor of {value.dtype.name} and shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _clean(texts: tf.Tensor) -> tf.Tensor:
    # Not ".*", which takes surrogates and overlong forms for UTF-8.
    is_valid = tf.strings.regex_full_match(texts, r"[\x00-\x{d7ff}\x{e000}-\x{10ffff}]*")
    texts = where_needed(
        ~is_valid, lambda some: tf.strings.unicode_transcode(some, "UTF-8", "UTF-8"), texts
    )
    return tf.strings.regex_replace(texts, f"[{SEPARATOR}{INNER_SPACE}]", "\ufffd")


def _join_fields(texts: tf.Tensor, *, mark_fields: bool) -> tf.Tensor:
    if texts.shape.rank == 1:
        texts = texts[:, None]
    if mark_fields:
        numbers = tf.strings.as_string(tf.range(1, tf.shape(texts)[1] + 1))
        texts = special_tokens.FIELD + " " + numbers + " " + texts
    return tf.strings.reduce_join(texts, axis=1, separator=" ")


def _mark_white_space(texts: tf.Tensor) -> tf.Tensor:
    """Sets white space other than single spaces apart from the words, as spaCy does.

    Such white space is one token, less its first character when that is a space. Spaces inside
    it become INNER_SPACE, so that spaces are between tokens only.
    """
    texts = tf.strings.regex_replace(texts, f"([{BREAKS}]) ", rf"\1{INNER_SPACE}")
    return tf.strings.regex_replace(texts, f" ?([{BREAKS}][{BREAKS}{INNER_SPACE}]*)", r" \1 ")
