"""Vectors of words and of pairs of words: like ones have like directions."""

import dataclasses
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS


@dataclasses.dataclass(frozen=True)
class GramVectors:
    """What is known of the words of a vocabulary, and of some pairs of neighbours.

    Args:
        words: finite numbers `(vocab_size, size)`.
        pairs: integers `(pairs, 2)`: the ids of the first word and of the second, each pair once.
            None for none.
        pair_vectors: numbers `(pairs, size)`; None for none.

    Raises:
        ValueError: numbers that are not finite, shapes that do not fit, or a pair that comes twice.

    Examples:
        >>> words = np.eye(12, 3)
        >>> vectors = GramVectors(words, np.array([[9, 11]]), np.ones((1, 3)))
        >>> vectors.size, vectors.keys.tolist()
        (3, [131])
    """

    words: np.ndarray
    pairs: np.ndarray = None  # type: ignore[assignment]  # set below
    pair_vectors: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        words = np.asarray(self.words)
        if words.ndim != 2 or not np.isfinite(words).all():
            raise ValueError(f"words must be finite numbers (words, size), got {words.shape}")
        pairs = np.zeros((0, 2), "int32") if self.pairs is None else np.asarray(self.pairs)
        rows = self.pair_vectors
        rows = np.zeros((0, self.size), words.dtype) if rows is None else np.asarray(rows)
        if pairs.shape != (len(rows), 2) or rows.shape[1:] != words.shape[1:]:
            raise ValueError(
                f"pairs must be (pairs, 2) with as many vectors of {self.size}, got {pairs.shape} "
                f"and {rows.shape}"
            )
        if not np.isfinite(rows).all() or not ((pairs >= 0) & (pairs < len(words))).all():
            raise ValueError(f"pairs must be of ids below {len(words)}, with finite vectors")
        if len(np.unique(pair_keys(pairs, len(words)))) < len(pairs):
            raise ValueError("pairs must be different ones, got one twice")
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "pairs", pairs)
        object.__setattr__(self, "pair_vectors", rows)

    @property
    def size(self) -> int:
        """How many numbers a vector has."""
        return self.words.shape[1]

    @property
    def keys(self) -> np.ndarray:
        """The pairs as one number each, int64, see `Grams`."""
        return pair_keys(self.pairs, len(self.words))

    def transfer(self, old_words: Sequence[str], new_words: Sequence[str]) -> "GramVectors":
        """The same in another vocabulary; words that are new have the mean of all vectors.

        Args:
            old_words: the words of `words`, distinct.
            new_words: those of the new vocabulary, distinct.

        Raises:
            ValueError: `old_words` are not as many as `words`.
        """
        if len(old_words) != len(self.words):
            raise ValueError(f"old_words must be {len(self.words)} words, got {len(old_words)}")
        new_ids = {word: index for index, word in enumerate(new_words)}
        moved = np.array([new_ids.get(word, -1) for word in old_words])
        is_kept = moved >= 0
        words = np.tile(self._mean(), (len(new_words), 1))
        words[moved[is_kept]] = self.words[is_kept]
        pairs = moved[self.pairs]
        are_kept = (pairs >= 0).all(axis=1)
        return GramVectors(words, pairs[are_kept], self.pair_vectors[are_kept])

    def directions(self) -> "GramVectors":
        """Without what is common to all, and at most 1 long, float32.

        Shorter ones are words that have been given the mean, because nothing is known of them.
        Those of special tokens, which are no words, are 0.
        """
        mean = self._mean()
        words, pairs = (
            np.subtract(rows, mean, dtype="float32") for rows in (self.words, self.pair_vectors)
        )
        lengths = np.linalg.norm(words, axis=1, keepdims=True)
        least = max(float(np.median(lengths[len(SPECIAL_TOKENS) :])) / 10, 1e-6)
        words /= np.maximum(lengths, least)
        words[: len(SPECIAL_TOKENS)] = 0
        pairs /= np.maximum(np.linalg.norm(pairs, axis=1, keepdims=True), least)
        return GramVectors(words, self.pairs, pairs)

    def beside(self, other: "GramVectors") -> "GramVectors":
        """Both side by side, of one vocabulary; 0 where a pair is known to one alone.

        Raises:
            ValueError: the vocabularies have not the same size.
        """
        if len(other.words) != len(self.words):
            raise ValueError(f"other must have {len(self.words)} words, got {len(other.words)}")
        keys = np.union1d(self.keys, other.keys)
        rows = np.zeros((len(keys), self.size + other.size), "float32")
        rows[np.searchsorted(keys, self.keys), : self.size] = self.pair_vectors
        rows[np.searchsorted(keys, other.keys), self.size :] = other.pair_vectors
        words = np.concatenate([self.words, other.words], axis=1, dtype="float32")
        return GramVectors(words, pairs_of_keys(keys, len(words)), rows)

    def save(self, path: Path) -> None:
        """Writes a compressed `.npz` file."""
        np.savez_compressed(
            path, words=self.words, pairs=self.pairs, pair_vectors=self.pair_vectors
        )

    @classmethod
    def load(cls, path: Path) -> "GramVectors":
        """Reads what `save` has written.

        Raises:
            ValueError: it is another file, or damaged.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(arrays["words"], arrays["pairs"], arrays["pair_vectors"])
        except (OSError, EOFError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"path must hold vectors of words, got {path}: {error!r}") from None

    def _mean(self) -> np.ndarray:
        """Of all words and pairs, float32."""
        words = self.words[len(SPECIAL_TOKENS) :]
        total = words.sum(axis=0, dtype="float64") + self.pair_vectors.sum(axis=0, dtype="float64")
        return (total / max(len(words) + len(self.pairs), 1)).astype("float32")


def pair_keys(pairs: np.ndarray, vocab_size: int) -> np.ndarray:
    """Pairs of ids `(pairs, 2)` as one number each, int64; no word's id is among them.

    Examples:
        >>> pair_keys(np.array([[0, 5], [1, 0]]), 10).tolist()
        [15, 20]
    """
    pairs = np.asarray(pairs, "int64")
    return vocab_size * (pairs[:, 0] + 1) + pairs[:, 1]


def pairs_of_keys(keys: np.ndarray, vocab_size: int) -> np.ndarray:
    """The opposite of `pair_keys`, int32.

    Examples:
        >>> pairs_of_keys(np.array([15, 20]), 10).tolist()
        [[0, 5], [1, 0]]
    """
    return np.stack([keys // vocab_size - 1, keys % vocab_size], axis=1).astype("int32")
