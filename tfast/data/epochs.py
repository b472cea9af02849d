"""Batches of documents, one epoch or on from a step: what language model and classifier share."""

import tensorflow as tf


def batches_by_epoch(epoch_batches, *, steps_per_epoch, seed, training, first_step):
    """A dataset of batches: once through the documents, or endless from a step on.

    Args:
        epoch_batches: function `(random_seed, start)` that gives a `tf.data.Dataset` of the
            batches of one epoch from its batch `start` on. Its draws are stateless, from
            `random_seed`, int64 `(2,)`.
        steps_per_epoch: how many batches one epoch has.
        seed: integer. With `first_step` it decides every draw, together with the number of the
            epoch. Without, Keras tells no epoch's number: a number drawn from `seed` at each
            iteration stands for it, so that the orders repeat in a new data set only.
        training: whether there are draws.
        first_step: None, or the number of batches that came before, counted over epochs.

    Returns:
        Without `first_step` a dataset of `steps_per_epoch` batches whose draws are new each
        time it is iterated. With it an endless one, whose batch `j` is the same as batch
        `first_step + j` of an uninterrupted run; what comes before is never made.

    Raises:
        ValueError: a `first_step` that is negative, or not for training.
    """
    if first_step is None:
        epochs = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).take(1)
        dataset = epochs.flat_map(lambda epoch: epoch_batches(_random_seed(seed, epoch), 0))
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps_per_epoch))
    else:
        if not training or first_step < 0:
            raise ValueError(
                "first_step must be 0 or more, and is for training only (an evaluation ends); "
                f"got first_step={first_step}, training={training}"
            )
        first_epoch, first_start = divmod(first_step, steps_per_epoch)

        def rest_of_epoch(epoch):
            start = tf.where(epoch == first_epoch, tf.constant(first_start, "int64"), 0)
            return epoch_batches(_random_seed(seed, epoch), start)

        dataset = tf.data.Dataset.counter(first_epoch).flat_map(rest_of_epoch)
    return dataset.prefetch(tf.data.AUTOTUNE)


def _random_seed(seed, epoch):
    return tf.stack([tf.constant(seed, "int64"), epoch])
