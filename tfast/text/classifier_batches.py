"""Documents sorted by length and padded, for training and using a text classifier."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from tfast import arguments
from tfast.data.epochs import batches_by_epoch
from tfast.text.documents import check_documents, pad_documents

# Documents are sorted within a chunk of this number of batches: those of similar length meet, but
# not the same ones each epoch.
BATCHES_PER_CHUNK = 50


def classifier_batches(
    documents: tf.RaggedTensor,
    labels: Sequence[int] | None = None,
    *,
    num_classes: int | None = None,
    batch_size: int,
    training: bool,
    seed: int = 0,
    first_step: int | None = None,
    reverse: bool = False,
    time_multiple: int = 8,
) -> tf.data.Dataset:
    """Batches of documents of similar length, the longest batch first.

    Training: shuffled documents, sorted by length within chunks of 50 batches; then the
    batches are shuffled, but the one with the longest document comes first, so that a machine
    with too little memory says so at once. Otherwise: sorted by length, longest first, and
    `restore_order` puts what a model predicts back into the documents' order.

    Args:
        documents: int32 `tf.RaggedTensor` `(documents, None)` of token ids.
        labels: integers `(documents,)` from 0 to `num_classes - 1`, or None for batches
            without them.
        num_classes: how many classes there are; needed with labels.
        batch_size: documents in a batch. The last batch may have fewer: none is left out.
        training: whether each epoch has a new random order.
        seed: integer. With `first_step` the order is a function of it and of the number of the
            epoch. Without, it decides the orders of a data set's first iteration, its second
            and so on.
        first_step: None for a dataset of one epoch (its number of batches is
            `len(dataset)`), new at each iteration. A number for an endless one that starts
            with this batch of the run, counted over epochs, without making those before.
        reverse: whether each document is read from its end to its beginning (it is reversed
            before it is padded): for a backward model.
        time_multiple: the padded length is a multiple of this. XLA compiles again for each
            length, and cuDNN plans again: with 64 there are few lengths. On a CPU, where padding
            costs time like any token, a small number such as 8 is better.

    Returns:
        A `tf.data.Dataset` of `(inputs, targets)`, or of `inputs` without labels.
        `inputs["token_ids"]`, int32 `(batch, time)`, padded after the end with id 1, see
        `tfast.text.documents.pad_documents`.
        `inputs["lengths"]`, int32 `(batch,)`: the real tokens of each. `targets`, float32
        `(batch, classes)`: one-hot.

    Raises:
        ValueError: `documents` is of another kind, a size is below 1, or `labels` do not fit.

    Examples:
        >>> import tensorflow as tf
        >>> documents = tf.ragged.constant([[2, 9], [2, 10, 11], [2]], dtype="int32")
        >>> batches = classifier_batches(
        ...     documents, [0, 1, 1], num_classes=2, batch_size=2, training=False, time_multiple=1
        ... )
        >>> for inputs, targets in batches:
        ...     print(inputs["token_ids"].numpy().tolist(), targets.numpy().tolist())
        [[2, 10, 11], [2, 9, 1]] [[0.0, 1.0], [1.0, 0.0]]
        [[2]] [[0.0, 1.0]]

    Source: fastai.text.data.SortedDL.
    """
    batch_size = arguments.whole_number("batch_size", batch_size)
    time_multiple = arguments.whole_number("time_multiple", time_multiple)
    documents = check_documents(documents)
    num_documents = documents.shape[0]
    if num_documents == 0:
        raise ValueError("documents must be one or more, got none")
    label_ids = None if labels is None else _check_labels(labels, num_classes, num_documents)
    lengths = tf.cast(documents.row_lengths(), "int32")

    def make_batch(rows: tf.Tensor) -> Any:
        inputs = pad_documents(
            tf.gather(documents, rows), reverse=reverse, time_multiple=time_multiple
        )
        if label_ids is None:
            return inputs
        return inputs, tf.one_hot(tf.gather(label_ids, rows), num_classes)

    def epoch_batches(random_seed: tf.Tensor, start: tf.Tensor) -> tf.data.Dataset:
        if training:
            order, batch_order = _random_order(lengths, batch_size, random_seed)
        else:
            order = tf.argsort(lengths, direction="DESCENDING", stable=True)
            batch_order = tf.range(steps_per_epoch)
        steps = tf.data.Dataset.range(start, steps_per_epoch)
        return steps.map(
            lambda step: make_batch(order[batch_order[step] * batch_size :][:batch_size]),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    steps_per_epoch = -(-num_documents // batch_size)
    return batches_by_epoch(
        epoch_batches,
        steps_per_epoch=steps_per_epoch,
        seed=seed,
        training=training,
        first_step=first_step,
    )


def restore_order(predictions: ArrayLike, documents: tf.RaggedTensor) -> np.ndarray:
    """Puts the rows that an evaluation gave, longest document first, into documents' order.

    Args:
        predictions: array `(documents, ...)`, what `model.predict` gave for
            `classifier_batches(documents, ..., training=False)`.
        documents: the documents those batches were made of.

    Returns:
        The array whose row `i` belongs to document `i`.

    Examples:
        >>> import tensorflow as tf
        >>> documents = tf.ragged.constant([[2], [2, 10, 11]], dtype="int32")
        >>> restore_order(["long", "short"], documents).tolist()
        ['short', 'long']
    """
    predictions = np.asarray(predictions)
    lengths = documents.row_lengths()
    if len(predictions) != len(lengths):
        raise ValueError(
            f"predictions must have a row for each of the {len(lengths)} documents, got "
            f"{len(predictions)}"
        )
    restored = np.empty_like(predictions)
    restored[tf.argsort(lengths, direction="DESCENDING", stable=True).numpy()] = predictions
    return restored


def _check_labels(labels: Sequence[int], num_classes: int | None, num_documents: int) -> tf.Tensor:
    num_classes = arguments.whole_number("num_classes", num_classes, minimum=2)
    ids = np.asarray(labels)
    if ids.shape != (num_documents,) or ids.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {num_documents} integers, one of each document, got shape "
            f"{ids.shape} and dtype {ids.dtype}"
        )
    if ids.min() < 0 or ids.max() >= num_classes:
        raise ValueError(
            f"labels must be between 0 and {num_classes - 1}, got {ids.min()} to {ids.max()}"
        )
    return tf.constant(ids, "int32")


def _random_order(
    lengths: tf.Tensor, batch_size: int, random_seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Order of the documents, and in which order their batches come."""
    document_seed, batch_seed = tf.unstack(tf.random.split(random_seed))
    order = tf.random.experimental.stateless_shuffle(tf.range(tf.size(lengths)), document_seed)
    chunk = tf.range(tf.size(lengths)) // (BATCHES_PER_CHUNK * batch_size)
    longest = tf.reduce_max(lengths)
    # One key sorts by chunk and within it by falling length.
    key = tf.cast(chunk, "int64") * tf.cast(longest, "int64") - tf.cast(
        tf.gather(lengths, order), "int64"
    )
    order = tf.gather(order, tf.argsort(key, stable=True))

    batch_lengths = tf.gather(lengths, order[::batch_size])
    batch_order = tf.random.experimental.stateless_shuffle(
        tf.range(tf.size(batch_lengths)), batch_seed
    )
    first = tf.argmax(batch_lengths, output_type="int32")
    return order, tf.concat([[first], batch_order[batch_order != first]], 0)
