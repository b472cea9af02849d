"""Looking strings up inside a graph without a lookup table."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

_NUM_FINGERPRINTS = 2**63 - 1


class ConstantTable:
    """A frozen mapping of strings to strings, kept as plain constants.

    A `tf.lookup` table is a resource: a function that uses one can only be exported by an
    object that owns it. Constants go into any graph, so functions built on this stay plain
    functions. Keys are found by binary search for their 64-bit fingerprint, which does not
    change between versions of TensorFlow, and then compared, so the answer is exact.

    Args:
        mapping: dict of str to str, not empty.

    Raises:
        ValueError: two keys have one fingerprint.

    Examples:
        >>> table = ConstantTable({"one": "1", "two": "2"})
        >>> found, values = table.lookup(tf.constant(["two", "ten"]))
        >>> found.numpy().tolist(), values[0].numpy()
        ([True, False], b'2')
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        keys = np.array([key.encode() for key in mapping], dtype=object)
        values = np.array([value.encode() for value in mapping.values()], dtype=object)
        with tf.init_scope():
            fingerprints = _fingerprints(tf.constant(keys)).numpy()
        if len(set(fingerprints)) < len(keys):
            raise ValueError(f"mapping has two keys of one fingerprint among its {len(keys)} keys")
        order = np.argsort(fingerprints)
        self._fingerprints = fingerprints[order]
        self._keys = keys[order]
        self._values = values[order]

    def lookup(self, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Finds words among the keys.

        Args:
            words: string tensor `(words,)`.

        Returns:
            `found`, boolean `(words,)`, and `values`, string `(words,)`, which means
            something only where `found`.
        """
        # A row of a matrix: what `tf.searchsorted` makes of vectors takes twenty operations more.
        indices = tf.raw_ops.LowerBound(
            sorted_inputs=self._fingerprints[None], values=_fingerprints(words)[None]
        )[0]
        indices = tf.minimum(indices, len(self._keys) - 1)
        found = tf.equal(tf.gather(tf.constant(self._keys), indices), words)
        return found, tf.gather(tf.constant(self._values), indices)


def _fingerprints(words: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_hash_bucket_fast(words, _NUM_FINGERPRINTS)
