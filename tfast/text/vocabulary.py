"""Which words a model knows, and their ids."""

import collections
import itertools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfast import arguments
from tfast.files import atomic_write
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS, UNKNOWN
from tfast.types import PathLike, Tensor, TensorLike


class Vocabulary:
    r"""The words a model knows, in the order of their ids; the special tokens come first.

    Args:
        words: distinct strings, beginning with `SPECIAL_TOKENS`. None ends with a NUL, which
            the NumPy strings that Keras keeps would lose.

    Attributes:
        words: tuple of str; a word's index is its id.

    Raises:
        ValueError: other words at the beginning, a repeated word, or one that ends with NUL.

    Examples:
        >>> tokens = [[b"xxbos", b"a", b"b", b"a", b"b"], [b"xxbos", b"c"]]
        >>> vocabulary = Vocabulary.from_tokens(tokens)
        >>> len(vocabulary), vocabulary.words[9:12]
        (16, ('a', 'b', 'xxfake0'))
        >>> vocabulary.encode([b"xxbos", b"b", b"?"]).numpy().tolist()
        [2, 10, 0]
        >>> vocabulary.decode([2, 10, 0]).numpy().tolist()
        [b'xxbos', b'b', b'xxunk']
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = _checked(words)
        # Made here, once: a layer that a tf.function makes while it is traced has no table.
        self._lookup = self.lookup_layer()
        self._inverse_lookup = self.inverse_lookup_layer()

    @classmethod
    def from_tokens(
        cls, token_batches: Iterable[Any], *, max_size: int = 60_000, min_frequency: int = 2
    ) -> "Vocabulary":
        """The most frequent words of a text, in one pass.

        Memory grows with the number of distinct words, not with the text. Words that are
        equally frequent come in the order of their bytes, so that the result does not depend
        on the order of the texts. Bytes that are not UTF-8 or end with NUL are no words.

        Args:
            token_batches: iterable (a `tf.data.Dataset`, say) of string tensors of tokens,
                ragged or not, of any shape.
            max_size: at most this number of words, special tokens included.
            min_frequency: a word that comes less often is left out.

        Returns:
            A `Vocabulary`, filled up to a multiple of 8 (matrix products like it) with words
            that it does not have yet: xxfake0, xxfake1, ...

        Raises:
            ValueError: sizes out of range.

        Source: fastai.text.data.make_vocab.
        Differs: the fillers are distinct (lookup tables need that), and none are added where
            the size is a multiple of 8 already.
        """
        return cls.from_counts(
            _count_tokens(token_batches), max_size=max_size, min_frequency=min_frequency
        )

    @classmethod
    def from_counts(
        cls, counts: Mapping[bytes, int], *, max_size: int = 60_000, min_frequency: int = 2
    ) -> "Vocabulary":
        """The most frequent words, where they have been counted already.

        Args:
            counts: how often each token comes.
            max_size: see `from_tokens`.
            min_frequency: see `from_tokens`.

        Returns:
            A `Vocabulary`.

        Raises:
            ValueError: sizes out of range.

        Examples:
            >>> Vocabulary.from_counts({b"a": 2, b"b": 1, b"c": 3}).words[9:11]
            ('c', 'a')
        """
        max_size = arguments.whole_number("max_size", max_size, minimum=len(SPECIAL_TOKENS))
        min_frequency = arguments.whole_number("min_frequency", min_frequency)
        words = [*SPECIAL_TOKENS, *_frequent_words(counts, min_frequency)]
        return cls(_filled(words[:max_size]))

    def extended(
        self, counts: Mapping[bytes, int], *, max_new: int, min_frequency: int = 2
    ) -> "Vocabulary":
        """This vocabulary, and after it the most frequent words that it does not have.

        So a model that knows these words can go on with texts that have others: the ids that it
        has learned stay.

        Args:
            counts: how often each token comes in the texts.
            max_new: at most this number of words more.
            min_frequency: a word that comes less often is left out.

        Returns:
            A `Vocabulary`, filled up as by `from_tokens`.

        Raises:
            ValueError: sizes out of range.

        Examples:
            >>> known = Vocabulary.from_counts({b"a": 2, b"b": 2})
            >>> known.extended({b"a": 9, b"new": 3}, max_new=5).words[9:17]
            ('a', 'b', 'xxfake0', 'xxfake1', 'xxfake2', 'xxfake3', 'xxfake4', 'new')
        """
        max_new = arguments.whole_number("max_new", max_new, minimum=0)
        min_frequency = arguments.whole_number("min_frequency", min_frequency)
        known = frozenset(self.words)
        new = [word for word in _frequent_words(counts, min_frequency) if word not in known]
        return type(self)(_filled([*self.words, *new[:max_new]]))

    def __len__(self) -> int:
        return len(self.words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.words == other.words

    def __hash__(self) -> int:
        return hash(self.words)

    def encode(self, tokens: TensorLike) -> Tensor:
        """Ids, int32, of a string tensor of tokens, ragged or not; 0 for an unknown one."""
        return tf.cast(self._lookup(tokens), "int32")

    def decode(self, token_ids: TensorLike) -> Tensor:
        """The words, strings, of an integer tensor of ids, ragged or not."""
        return self._inverse_lookup(token_ids)

    def encode_all(self, token_batches: Iterable[tf.RaggedTensor]) -> tf.RaggedTensor:
        """The ids of all documents of an iterable, held in memory: 4 bytes a token.

        Args:
            token_batches: iterable (a `tf.data.Dataset`, say) of `tf.RaggedTensor`
                `(batch, None)` of tokens.

        Returns:
            int32 `tf.RaggedTensor` `(documents, None)`.
        """
        ids, lengths = [np.empty(0, "int32")], [np.empty(0, "int64")]
        for tokens in token_batches:
            ids.append(self.encode(tokens.flat_values).numpy())
            lengths.append(tokens.row_lengths().numpy())
        with tf.device("CPU"):
            return tf.RaggedTensor.from_row_lengths(np.concatenate(ids), np.concatenate(lengths))

    def lookup_layer(self) -> keras.layers.StringLookup:
        """A new `StringLookup`, tokens to ids (int64), for a model or an export of your own."""
        return keras.layers.StringLookup(vocabulary=list(self.words), **_LOOKUP)

    def inverse_lookup_layer(self) -> keras.layers.StringLookup:
        """A new `StringLookup`, ids to words."""
        return keras.layers.StringLookup(vocabulary=list(self.words), invert=True, **_LOOKUP)

    def save(self, path: PathLike) -> None:
        r"""Writes a text file, UTF-8, one word a line, in the order of the ids.

        Backslashes, white space and what cannot be printed are written as Python writes them
        in a string (`\n`, `\x20`, `\u200b`), so that every word is one visible line.
        """
        with atomic_write(path) as temporary:
            lines = "".join(_escape(word) + "\n" for word in self.words)
            temporary.write_text(lines, encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: PathLike) -> "Vocabulary":
        """Reads what `save` wrote.

        Raises:
            ValueError: a file of another kind.
        """
        return cls(read_words(path))


def read_words(path: PathLike) -> tuple[str, ...]:
    """The words of a file that `Vocabulary.save` wrote, without their lookup tables.

    Raises:
        ValueError: a file of another kind.
    """
    # Editors of Windows begin files with a byte-order mark.
    content = Path(path).read_bytes()
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        return _checked(_unescape(line) for line in text.removesuffix("\n").split("\n"))
    except ValueError as error:
        raise ValueError(f"{path} is not a vocabulary: {error}") from None


def _checked(words: Iterable[str]) -> tuple[str, ...]:
    words = tuple(words)
    if words[: len(SPECIAL_TOKENS)] != SPECIAL_TOKENS:
        raise ValueError(
            f"words must begin with {' '.join(SPECIAL_TOKENS)}, "
            f"got {' '.join(map(repr, words[: len(SPECIAL_TOKENS)]))}"
        )
    repeated = [word for word, count in collections.Counter(words).items() if count > 1]
    if repeated:
        raise ValueError(f"words must be distinct, got more than once: {repeated[:5]}")
    ending_with_nul = [word for word in words if word.endswith("\0")]
    if ending_with_nul:
        raise ValueError(f"words must not end with NUL, got {ending_with_nul[:5]}")
    return words


# The first word is the one for all that are not there; nothing is masked.
_LOOKUP: dict[str, Any] = {"num_oov_indices": 1, "oov_token": UNKNOWN, "mask_token": None}


def _count_tokens(token_batches: Iterable[Any]) -> collections.Counter[bytes]:
    counts: collections.Counter[bytes] = collections.Counter()
    for tokens in token_batches:
        flat = tokens.flat_values if isinstance(tokens, tf.RaggedTensor) else tokens
        # Only the distinct tokens of a batch become Python objects.
        words, _, word_counts = tf.unique_with_counts(tf.reshape(flat, [-1]), "int64")
        for word, count in zip(words.numpy().tolist(), word_counts.numpy().tolist(), strict=True):
            counts[word] += count
    return counts


def _frequent_words(counts: Mapping[bytes, int], min_frequency: int) -> list[str]:
    """The words that are frequent enough, the most frequent ones first."""
    frequent = [
        (-count, word)
        for word, count in counts.items()
        if count >= min_frequency and _is_word(word)
    ]
    return [word.decode() for _, word in sorted(frequent)]


def _filled(words: list[str]) -> list[str]:
    """The words, and so many fillers that their number is a multiple of 8."""
    fillers = (f"xxfake{number}" for number in itertools.count())
    known = frozenset(words)
    new_fillers = (filler for filler in fillers if filler not in known)
    return [*words, *itertools.islice(new_fillers, -len(words) % 8)]


def _is_word(token: bytes) -> bool:
    try:
        return token.decode() not in SPECIAL_TOKENS and not token.endswith(b"\0")
    except UnicodeDecodeError:
        return False


def _escape(word: str) -> str:
    return re.sub(r"[\s\\]|[^ -~]", _escape_character, word)


def _escape_character(match: re.Match[str]) -> str:
    character = match[0]
    if character == " ":
        return r"\x20"
    if character.isprintable() and character != "\\":
        return character
    return character.encode("unicode_escape").decode("ascii")


def _unescape(line: str) -> str:
    pattern = r"\\(?:[\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})"
    return re.sub(pattern, lambda match: match[0].encode().decode("unicode_escape"), line)
