"""Stored documents joined to one stream, of which any part can be read."""

import functools

import numpy as np
import tensorflow as tf

from tfast.text.stored_documents import StoredDocuments
from tfast.types import Tensor


def shuffled(number: int | Tensor, random_seed: Tensor) -> Tensor:
    """The numbers from 0 to before `number` in the order of a random seed, int64 `(2,)`."""
    return tf.random.experimental.stateless_shuffle(tf.range(number), random_seed)


class DocumentStreams:
    """The streams that documents make in their own order, or in the orders of random seeds.

    Only the order is in memory: the tokens of a piece are read when it is asked for.

    Args:
        documents: what is joined.
        reverse: whether the stream runs from its end to its beginning.

    Examples:
        >>> import tempfile
        >>> from tfast.text.stored_documents import store_documents
        >>> documents = store_documents(["a film", "a"], tempfile.mkdtemp() + "/ids", held_out=0)
        >>> streams = DocumentStreams(documents)
        >>> streams.read(np.empty(0, "int64"), np.array([0, 2]), 3).tolist()
        [[2, 9, 0], [0, 2, 9]]
    """

    def __init__(self, documents: StoredDocuments, *, reverse: bool = False) -> None:
        self._documents = documents
        self._reverse = reverse
        # A data set reads one epoch; the one before it may still be asked for.
        self._order = functools.lru_cache(maxsize=2)(self._make_order)

    def read(self, random_seed: np.ndarray, begins: np.ndarray, length: int) -> np.ndarray:
        """Pieces of the stream of one order.

        Args:
            random_seed: int64 `(2,)` of `shuffled`, or none `(0,)` for the documents' own order.
            begins: integers `(pieces,)`, position of the first token of each.
            length: number of tokens of each.

        Returns:
            int32 `(pieces, length)`.
        """
        if not self._reverse:
            return np.stack([self._piece(random_seed, begin, length) for begin in begins])
        ends = self._documents.num_tokens - begins
        return np.stack([self._piece(random_seed, e - length, length)[::-1] for e in ends])

    def _piece(self, random_seed: np.ndarray, begin: int, length: int) -> np.ndarray:
        order, ends = self._order(tuple(random_seed.tolist()))
        starts, ids = self._documents.starts, self._documents.ids
        index = int(np.searchsorted(ends, begin, side="right"))
        parts, missing = [], int(length)
        while missing:
            document = order[index]
            # What is left of this document from `begin` on.
            left = int(ends[index] - begin)
            first = int(starts[document + 1]) - left
            parts.append(ids[first : first + min(left, missing)])
            begin, missing, index = begin + len(parts[-1]), missing - len(parts[-1]), index + 1
        return np.concatenate(parts).astype("int32")

    def _make_order(self, random_seed: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The documents' numbers in the order of the stream, and where each ends in it."""
        number = len(self._documents)
        order = np.arange(number)
        if random_seed:
            with tf.device("CPU"):
                order = shuffled(number, tf.constant(random_seed, "int64")).numpy()
        return order, np.cumsum(np.diff(self._documents.starts)[order])
