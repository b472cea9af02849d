"""How often texts have which words and pairs of words."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from tfast.text.gram_vectors import pair_keys
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS, UNKNOWN_ID


class TooFewWordsError(ValueError):
    """Nothing can be learned from these documents: no word of theirs comes often enough."""


@dataclasses.dataclass(frozen=True)
class Grams:
    """Which text has which word or pair how often.

    Attributes:
        counts: a `scipy.sparse.csr_matrix` `(texts, grams)`.
        keys: int64 `(grams,)`, growing: a word is its id, a pair that of `pair_keys`. All words of
            the vocabulary are among them, the pairs that came, and those that were asked for.
        num_words: how many of them are words; they come first.
    """

    counts: Any
    keys: np.ndarray
    num_words: int

    def take_texts(self, indices: np.ndarray) -> "Grams":
        """Those of some of the texts."""
        return Grams(self.counts[indices], self.keys, self.num_words)

    def frequent(self, min_texts: int) -> np.ndarray:
        """Which of them as many texts have."""
        num_texts = np.bincount(self.counts.indices, minlength=len(self.keys))
        return np.flatnonzero(num_texts >= min_texts)


def count_grams(
    documents: tf.RaggedTensor, vocab_size: int, *, pairs: np.ndarray | None = None
) -> Grams:
    """Counts words and pairs of neighbours; special tokens are neither.

    Args:
        documents: int32 ragged token ids `(documents, None)`.
        vocab_size: number of different token ids.
        pairs: keys of pairs that are wanted also where no text has them.

    Returns:
        A `Grams`.

    Examples:
        >>> grams = count_grams(tf.ragged.constant([[2, 9, 10, 9]], dtype="int32"), 12)
        >>> grams.keys.tolist()  # the words 9 to 11, the pairs 9 10 and 10 9
        [9, 10, 11, 130, 141]
        >>> grams.counts.toarray().astype(int).tolist()
        [[2, 1, 0, 1, 1]]
    """
    import scipy.sparse

    ids = documents.flat_values.numpy().astype("int64")
    texts = documents.value_rowids().numpy()
    # As in `TfidfClassifier`: marks are left out, and unknown words part their neighbours.
    kept = (ids >= len(SPECIAL_TOKENS)) | (ids == UNKNOWN_ID)
    ids, texts = ids[kept], texts[kept]
    is_known = ids != UNKNOWN_ID
    is_pair = is_known[:-1] & is_known[1:] & (texts[:-1] == texts[1:])
    found = pair_keys(np.stack([ids[:-1], ids[1:]], axis=1)[is_pair], vocab_size)
    words = np.arange(len(SPECIAL_TOKENS), vocab_size)
    came = np.concatenate([ids[is_known], found])
    keys = np.union1d(words, came if pairs is None else np.concatenate([came, pairs]))
    columns = np.searchsorted(keys, came)
    rows = np.concatenate([texts[is_known], texts[1:][is_pair]])
    shape = documents.shape[0], len(keys)
    counts = scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape)
    return Grams(counts, keys, len(words))
