"""Epochs of batches that can begin at any step: what images and texts share."""

from collections.abc import Callable

import tensorflow as tf

from tfast import arguments
from tfast.types import Tensor


def batches_by_epoch(
    epoch_batches: Callable[[Tensor, Tensor], tf.data.Dataset],
    *,
    steps_per_epoch: int,
    seed: int | None,
    training: bool,
    first_step: int | None,
) -> tf.data.Dataset:
    """A dataset of batches: once through the examples, or endless from a step on.

    Args:
        epoch_batches: function `(random_seed, start)` that gives a `tf.data.Dataset` of the
            batches of one epoch from its batch `start` on. Its random numbers are stateless,
            from `random_seed`, int64 `(2,)`: `seed` and the number of the epoch.
        steps_per_epoch: how many batches one epoch has.
        seed: integer. With `first_step` it decides all random numbers, together with the number
            of the epoch. Without, Keras tells no epoch's number: a number drawn from `seed` at
            each iteration takes its place, so that the orders repeat in a new data set only.
            None draws it from TensorFlow's global seed.
        training: whether there are random numbers.
        first_step: None, or the number of batches that came before, counted over epochs.

    Returns:
        Without `first_step` a dataset of `steps_per_epoch` batches whose random numbers are new
        each time it is iterated. With it an endless one, whose batch `j` is the same as batch
        `first_step + j` of an uninterrupted run; what comes before is never made.

    Raises:
        ValueError: `first_step` is negative, or not for training, or has no seed.

    Examples:
        >>> def epoch_batches(random_seed, start):
        ...     return tf.data.Dataset.range(start, 3).map(lambda step: (random_seed[1], step))
        >>> resumed = batches_by_epoch(
        ...     epoch_batches, steps_per_epoch=3, seed=7, training=True, first_step=5
        ... )
        >>> [(int(epoch), int(step)) for epoch, step in resumed.take(3)]
        [(1, 2), (2, 0), (2, 1)]
    """
    if first_step is None:
        epochs = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).take(1)
        dataset = epochs.flat_map(lambda epoch: epoch_batches(_random_seed(seed, epoch), 0))
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps_per_epoch))
        return dataset.prefetch(tf.data.AUTOTUNE)

    if not training:
        raise ValueError(f"first_step must be None where nothing is trained, got {first_step!r}")
    if seed is None:
        raise ValueError("seed must be a whole number where first_step is given, got None")
    first_step = arguments.whole_number("first_step", first_step, minimum=0)
    first_epoch, first_start = divmod(first_step, steps_per_epoch)

    def rest_of_epoch(epoch: Tensor) -> tf.data.Dataset:
        start = tf.where(epoch == first_epoch, tf.constant(first_start, "int64"), 0)
        return epoch_batches(_random_seed(seed, epoch), start)

    dataset = tf.data.Dataset.counter(first_epoch).flat_map(rest_of_epoch)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    return dataset.prefetch(tf.data.AUTOTUNE)


def _random_seed(seed: int | None, epoch: Tensor) -> Tensor:
    return tf.stack([tf.constant(seed or 0, "int64"), epoch])
