"""Documents as parallel streams of tokens, for training a language model."""

from collections.abc import Callable

import tensorflow as tf

from tfast import arguments
from tfast.data.epochs import batches_by_epoch
from tfast.text.document_streams import DocumentStreams, shuffled
from tfast.text.documents import check_documents
from tfast.text.stored_documents import StoredDocuments


def lm_batches(
    documents: tf.RaggedTensor | StoredDocuments,
    *,
    batch_size: int,
    sequence_length: int,
    training: bool,
    seed: int = 0,
    first_step: int | None = None,
    reverse: bool = False,
) -> tf.data.Dataset:
    """Windows of the joined documents; each continues where the one before it ended.

    The documents, in a new order each epoch, are joined to one stream, which is cut into
    `batch_size` rows of equal length (the remainder, fewer than `batch_size` tokens, is not used
    in that order). A batch is the next `sequence_length` tokens of every row; the
    last one of an epoch holds what remains and is shorter. So a model that carries its state
    from batch to batch reads each row as one long text.

    Memory: the ids, and once more the ids in the epoch's order. Of `StoredDocuments`, which give
    the same batches, 24 bytes a document.

    Args:
        documents: int32 `tf.RaggedTensor` `(documents, None)` of token ids; or stored ones.
        batch_size: number of rows.
        sequence_length: number of tokens of a window.
        training: whether each epoch has a new order of documents. Without, it is theirs.
        seed: integer. With `first_step` the order is a function of it and of the number of the
            epoch. Without, it decides the orders of a data set's first iteration, its second
            and so on.
        first_step: None for a dataset of one epoch (its number of batches is
            `len(dataset)`), new at each iteration. A number for an endless one that starts
            with this batch of the run, counted over epochs, without making those before.
        reverse: whether the stream runs from the end to the beginning: for a backward model.

    Returns:
        A `tf.data.Dataset` of `(inputs, targets)`. `inputs["token_ids"]`, int32
        `(batch, time)`. `inputs["starts_anew"]`, bool `(batch,)`: true in the first batch of
        an epoch, where the state of the batch before must not be used. `targets`, int32
        `(batch, time)`: for each token the one that follows.

    Raises:
        ValueError: sizes below 1, documents of another kind, or too few tokens for one
            window of one token in each row.

    Examples:
        >>> import tensorflow as tf
        >>> documents = tf.ragged.range([9], dtype="int32")
        >>> batches = lm_batches(documents, batch_size=2, sequence_length=3, training=False)
        >>> for inputs, targets in batches:
        ...     print(inputs["token_ids"].numpy().tolist(), targets.numpy().tolist())
        [[0, 1, 2], [4, 5, 6]] [[1, 2, 3], [5, 6, 7]]
        [[3], [7]] [[4], [8]]

    Source: fastai.text.data.LMDataLoader.
    """
    batch_size = arguments.whole_number("batch_size", batch_size)
    sequence_length = arguments.whole_number("sequence_length", sequence_length)
    if isinstance(documents, StoredDocuments):
        num_tokens = documents.num_tokens
    else:
        documents = check_documents(documents)
        num_tokens = documents.flat_values.shape[0]
    row_length = (num_tokens - 1) // batch_size
    if row_length < 1:
        raise ValueError(
            f"documents must have {batch_size + 1} or more tokens for batch_size={batch_size}, "
            f"got {num_tokens}"
        )
    steps_per_epoch = -(-row_length // sequence_length)

    make_reader = _reader_of_stored if isinstance(documents, StoredDocuments) else _reader

    def epoch_batches(random_seed: tf.Tensor, start: tf.Tensor) -> tf.data.Dataset:
        read = make_reader(documents, random_seed if training else None, reverse)
        row_begins = row_length * tf.range(batch_size, dtype="int64")

        def window(step: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
            begin = step * sequence_length
            length = tf.minimum(row_length - begin, sequence_length)
            # One more than the window is long: inputs and targets overlap in all but one token.
            tokens = read(begin + row_begins, length + 1)
            starts_anew = tf.fill([batch_size], step == 0)
            return {"token_ids": tokens[:, :-1], "starts_anew": starts_anew}, tokens[:, 1:]

        return tf.data.Dataset.range(start, steps_per_epoch).map(window)

    return batches_by_epoch(
        epoch_batches,
        steps_per_epoch=steps_per_epoch,
        seed=seed,
        training=training,
        first_step=first_step,
    )


# From the first positions of some pieces of the stream, and their length, to their tokens.
Reader = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def _reader(documents: tf.RaggedTensor, random_seed: tf.Tensor | None, reverse: bool) -> Reader:
    if random_seed is not None:
        documents = tf.gather(documents, shuffled(documents.nrows(), random_seed))
    stream = tf.reverse(documents.flat_values, [0]) if reverse else documents.flat_values
    return lambda begins, length: tf.gather(stream, begins[:, None] + tf.range(length))


def _reader_of_stored(
    documents: StoredDocuments, random_seed: tf.Tensor | None, reverse: bool
) -> Reader:
    streams = DocumentStreams(documents, reverse=reverse)

    def read(begins: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
        seed = tf.zeros([0], "int64") if random_seed is None else random_seed
        tokens = tf.numpy_function(streams.read, [seed, begins, length], tf.int32)
        return tf.ensure_shape(tokens, [begins.shape[0], None])

    return read
