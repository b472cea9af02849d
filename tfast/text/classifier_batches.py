"""Documents sorted by length and padded, for training and using a text classifier."""

import numpy as np
import tensorflow as tf

from tfast.data.epochs import batches_by_epoch, check_documents
from tfast.text.tokenization.special_tokens import PADDING_ID

# Documents are sorted within a chunk of so many batches: similar lengths meet, but not in
# the same company each epoch.
BATCHES_PER_CHUNK = 50


def classifier_batches(
    documents,
    labels=None,
    *,
    num_classes=None,
    batch_size,
    training,
    seed=0,
    first_step=None,
    reverse=False,
    time_multiple=8,
):
    """Batches of documents of similar length, the longest batch first.

    Training: shuffled documents, sorted by length within chunks of 50 batches; then the
    batches are shuffled, but the one with the longest document comes first, so that a machine
    with too little memory says so at once. Otherwise: sorted by length, longest first, and
    `restore_order` puts what a model predicts back into the documents' order.

    Padding stands behind the end: a causal LSTM needs no mask then, and cuDNN takes no other.

    Args:
        documents: int32 `tf.RaggedTensor` `(documents, None)` of token ids.
        labels: integers `(documents,)` from 0 to `num_classes - 1`, or None for batches
            without them.
        num_classes: how many classes there are; needed with labels.
        batch_size: documents in a batch. The last batch may have fewer: none is left out.
        training: whether the order is drawn anew each epoch.
        seed: integer. With `first_step` the order is a function of it and of the number of the
            epoch. Without, it decides the orders of a data set's first iteration, its second
            and so on.
        first_step: None for a dataset of one epoch (its number of batches is
            `len(dataset)`), new at each iteration. A number for an endless one that starts
            with this batch of the run, counted over epochs, without making those before.
        reverse: whether each document is read from its end to its beginning (it is reversed
            before it is padded): for a backward model.
        time_multiple: the padded length is a multiple of this. XLA compiles anew for each
            length, and cuDNN plans anew: 64 leaves few of them there. On a CPU, where padding
            costs time like any token, 8 is little.

    Returns:
        A `tf.data.Dataset` of `(inputs, targets)`, or of `inputs` without labels.
        `inputs["token_ids"]`, int32 `(batch, time)`, padded behind with id 1.
        `inputs["lengths"]`, int32 `(batch,)`: the real tokens of each. `targets`, float32
        `(batch, classes)`: one-hot.

    Raises:
        ValueError: documents of another kind, a size below 1, or labels that do not fit.

    Example:
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
    if batch_size < 1 or time_multiple < 1:
        raise ValueError(
            f"batch_size and time_multiple must be at least 1; got {batch_size}, {time_multiple}"
        )
    documents = check_documents(documents)
    num_documents = documents.shape[0]
    if num_documents == 0:
        raise ValueError("documents is empty")
    if labels is not None:
        labels = _check_labels(labels, num_classes, num_documents)
    lengths = tf.cast(documents.row_lengths(), "int32")

    def make_batch(rows):
        inputs = _pad(tf.gather(documents, rows), reverse, time_multiple)
        if labels is None:
            return inputs
        return inputs, tf.one_hot(tf.gather(labels, rows), num_classes)

    def epoch_batches(random_seed, start):
        if training:
            order, batch_order = _draw_order(lengths, batch_size, random_seed)
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


def restore_order(predictions, documents):
    """Puts the rows that an evaluation gave, longest document first, into documents' order.

    Args:
        predictions: array `(documents, ...)`, what `model.predict` gave for
            `classifier_batches(documents, ..., training=False)`.
        documents: the documents those batches were made of.

    Returns:
        The array whose row `i` belongs to document `i`.

    Example:
        >>> import tensorflow as tf
        >>> documents = tf.ragged.constant([[2], [2, 10, 11]], dtype="int32")
        >>> restore_order(["long", "short"], documents).tolist()
        ['short', 'long']
    """
    predictions = np.asarray(predictions)
    lengths = documents.row_lengths()
    if len(predictions) != len(lengths):
        raise ValueError(
            f"predictions has {len(predictions)} rows; expected one of each of the "
            f"{len(lengths)} documents"
        )
    restored = np.empty_like(predictions)
    restored[tf.argsort(lengths, direction="DESCENDING", stable=True).numpy()] = predictions
    return restored


def _check_labels(labels, num_classes, num_documents):
    labels = np.asarray(labels)
    if num_classes is None:
        raise ValueError("labels need num_classes, the number of classes")
    if labels.shape != (num_documents,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {num_documents} integers, one of each document; got shape "
            f"{labels.shape} and dtype {labels.dtype}"
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"labels must lie between 0 and {num_classes - 1}; got {labels.min()} to {labels.max()}"
        )
    return tf.constant(labels, "int32")


def _draw_order(lengths, batch_size, random_seed):
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


def _pad(documents, reverse, time_multiple):
    lengths = documents.row_lengths()
    time = -(-tf.reduce_max(lengths) // time_multiple) * time_multiple
    token_ids = documents.to_tensor(PADDING_ID, shape=tf.stack([documents.nrows(), time]))
    if reverse:
        token_ids = tf.reverse_sequence(token_ids, lengths, seq_axis=1)
    return {"token_ids": token_ids, "lengths": tf.cast(lengths, "int32")}
