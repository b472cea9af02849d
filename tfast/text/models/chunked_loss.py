"""Cross-entropy over a large vocabulary without its logits.

Label smoothing is `keras.losses.CategoricalCrossentropy(label_smoothing=...)`.
"""

import keras
from keras import ops


def chunked_softmax_cross_entropy(
    hidden, embeddings, bias, targets, *, chunk_size=128, with_gradient=True
):
    """Cross-entropy of `softmax(hidden @ embeddings.T + bias)`, never holding all its logits.

    Positions are taken `chunk_size` at a time. The gradient is made in the same pass, while a
    chunk's logits are at hand: three matrix products instead of the four of recomputing them.

    Args:
        hidden: `(..., embed)`, floating point; its dtype is the one of the matrix products.
            What is summed up is float32.
        embeddings: `(vocab, embed)`, the weights tied to the embedding.
        bias: `(vocab,)`.
        targets: `(...)`, integers from 0 to vocab - 1. Another one makes the loss NaN where the
            backend does not raise an error.
        chunk_size: how many positions have their logits in memory at a time.
        with_gradient: False leaves the work for the gradient out, for evaluation: the results
            cannot be differentiated then.

    Returns:
        Two float32 scalars: the mean loss in nats, and the share of positions whose target has
        the largest logit (a tie counts as right). Only the loss has a gradient, towards
        `hidden`, `embeddings` and `bias`.

    Raises:
        ValueError: `targets` does not have the shape of `hidden` without its last axis, or
            `chunk_size` is not positive.

    Example:
        >>> import numpy as np
        >>> hidden, embeddings = np.ones((3, 2), "float32"), np.zeros((8, 2), "float32")
        >>> loss, accuracy = chunked_softmax_cross_entropy(
        ...     hidden, embeddings, np.zeros(8, "float32"), np.array([0, 1, 2]), chunk_size=2
        ... )
        >>> round(float(loss), 4)  # the logarithm of 8
        2.0794
    """
    if len(targets.shape) != len(hidden.shape) - 1:
        raise ValueError(
            f"targets of shape {tuple(targets.shape)} do not name one word for each position of "
            f"hidden, of shape {tuple(hidden.shape)}"
        )
    if chunk_size < 1:
        raise ValueError(f"chunk_size must be at least 1, not {chunk_size}")
    hidden, targets = ops.convert_to_tensor(hidden), ops.convert_to_tensor(targets)

    def sums(hidden, embeddings, bias, targets):
        targets = ops.cast(targets, "int32")
        return _chunked_sums(hidden, embeddings, bias, targets, chunk_size, with_gradient)

    def sums_and_gradient(*tensors):
        result, gradients, scale = sums(*tensors)
        dtypes = [tensor.dtype for tensor in tensors[:3]]

        def gradient(*arguments, upstream=None):
            # Keras's PyTorch backend gives the tensors, and `upstream` by name.
            upstream = arguments[0] if upstream is None else upstream
            factors = upstream[0], upstream[0] / scale, upstream[0] / scale
            parts = zip(gradients, factors, dtypes, strict=True)
            return (*(ops.cast(g * f, d) for g, f, d in parts), ops.zeros_like(tensors[-1]))

        return result, gradient

    tensors = (
        ops.reshape(hidden, (-1, hidden.shape[-1])),
        ops.cast(embeddings, hidden.dtype),
        ops.cast(bias, "float32"),
        # As a float (exact below 2**24): JAX differentiates towards every argument, and must
        # not find a traced one in a closure.
        ops.cast(ops.reshape(targets, (-1,)), "float32"),
    )
    if with_gradient:
        result = ops.custom_gradient(sums_and_gradient)(*tensors)
    else:
        result, *_ = sums(*tensors)
    means = result / ops.cast(ops.size(targets), "float32")
    return means[0], ops.stop_gradient(means[1])


def _chunked_sums(hidden, embeddings, bias, targets, chunk_size, with_gradient):
    """Sums over all positions, in float32.

    Returns:
        (loss, hits); the gradients of the loss towards the first three arguments; and the scale
        of those behind the first: what they must still be divided by.
    """
    positions, embed = ops.shape(hidden)[0], hidden.shape[-1]
    # Chunks of equal size: at most one position less each than `chunk_size` allows.
    num_chunks = -(-positions // chunk_size)
    size = -(-positions // num_chunks)
    padding = num_chunks * size - positions
    chunks = (
        ops.reshape(_pad_behind(hidden, padding), (num_chunks, size, embed)),
        ops.reshape(_pad_behind(targets, padding), (num_chunks, size)),
        ops.reshape(
            _pad_behind(ops.ones_like(targets, dtype="float32"), padding), (num_chunks, size)
        ),
    )

    def add_chunk(index, total):
        result, gradients = total
        chunk = [x[index] for x in chunks]
        exponentials, normalizer, chunk_result = _chunk_softmax(*chunk, embeddings, bias)
        if with_gradient:
            gradients = _add_gradients(
                index, gradients, chunk[0], chunk[2] / normalizer, exponentials, embeddings, scale
            )
        return result + chunk_result, gradients

    gradients, scale = (), 1.0
    if with_gradient:
        scale = _scale_of_products(hidden, size)
        gradients = _gradients_of_targets(hidden, embeddings, targets, num_chunks * size, scale)
    start = (ops.zeros((2,), "float32"), gradients)
    result, gradients = _one_after_another(num_chunks, add_chunk, start)
    if with_gradient:
        d_hidden, d_embeddings, d_bias = gradients
        gradients = (d_hidden[:positions], d_embeddings, d_bias)
    return result, gradients, scale


def _one_after_another(count, body, start):
    """`ops.fori_loop` from 0 whose turns do not overlap.

    TensorFlow would begin the next chunks' logits early: half a gigabyte for 60,000 words, and
    no time is saved, as a product keeps all cores busy.
    """
    if keras.backend.backend() != "tensorflow":
        return ops.fori_loop(0, count, body, start)
    import tensorflow as tf

    def turn(index, total):
        return index + 1, body(index, total)

    return tf.while_loop(lambda i, _: i < count, turn, (0, start), parallel_iterations=1)[1]


def _pad_behind(x, amount):
    return ops.concatenate([x, ops.zeros((amount, *x.shape[1:]), x.dtype)], axis=0)


def _chunk_softmax(hidden, targets, real, embeddings, bias):
    """Softmax of one chunk, its numerators and denominators apart, and (loss, hits).

    Args:
        hidden: (size, embed).
        targets: (size,).
        real: (size,), 1 for a position and 0 for padding.
        embeddings: (vocab, embed).
        bias: (vocab,).
    """
    size, vocab = ops.shape(targets)[0], embeddings.shape[0]
    logits = ops.cast(ops.matmul(hidden, ops.transpose(embeddings)), "float32") + bias
    largest = ops.max(logits, axis=-1)
    # `take_along_axis` would copy all logits on TensorFlow.
    places = ops.arange(size) * vocab + ops.clip(targets, 0, vocab - 1)
    of_target = ops.take(ops.reshape(logits, (-1,)), places)
    of_target = ops.where((targets >= 0) & (targets < vocab), of_target, float("nan"))
    exponentials = ops.exp(logits - largest[:, None])
    normalizer = ops.sum(exponentials, axis=-1)
    loss = ops.sum(real * (ops.log(normalizer) + largest - of_target))
    hits = ops.sum(real * ops.cast(of_target >= largest, "float32"))
    return exponentials, normalizer, ops.stack([loss, hits])


def _scale_of_products(hidden, size):
    """What the float16 products over a chunk's positions are scaled by, to use all its range.

    A word's share of a large vocabulary is too small for float16 (60,000 equally likely words:
    1.7e-5, and numbers below 6.1e-5 lose digits), and the scale of the loss comes too late. No
    word's sum over `size` positions can grow beyond 2**15 here, where float16 ends at 2**16.
    """
    if keras.backend.standardize_dtype(hidden.dtype) != "float16":
        return 1.0
    largest = ops.max(ops.abs(ops.cast(hidden, "float32")))
    return 2.0**15 / (ops.cast(size, "float32") * ops.maximum(largest, 1.0))


def _gradients_of_targets(hidden, embeddings, targets, num_rows, scale):
    """The part of the gradient that comes from the logit of the target itself.

    The softmax's part is added to it chunk by chunk, so that no second table is needed. The
    gradient of `hidden` is padded to `num_rows`; the two others are multiplied by `scale`.
    """
    vocab, padding = embeddings.shape[0], num_rows - ops.shape(hidden)[0]
    d_hidden = -ops.cast(ops.take(embeddings, targets, axis=0), "float32")
    negative = -ops.cast(hidden, "float32") * scale
    counts = ops.ones_like(targets, dtype="float32") * scale
    return (
        _pad_behind(d_hidden, padding),
        ops.segment_sum(negative, targets, num_segments=vocab),
        -ops.segment_sum(counts, targets, num_segments=vocab),
    )


def _add_gradients(index, gradients, hidden, share, exponentials, embeddings, scale):
    """Adds the softmax's part of the gradient; `share` (size,) is 1 / normalizer, 0 for padding.

    The rows of `hidden` are divided by the normalizer, not the exponentials, which are vocab
    times as wide: one pass over the largest tensor less.
    """
    d_hidden, d_embeddings, d_bias = gradients
    size, embed = ops.shape(hidden)[0], hidden.shape[-1]
    exponentials = ops.cast(exponentials, hidden.dtype)
    rows = ops.cast(ops.matmul(exponentials, embeddings), "float32") * share[:, None]
    rows += ops.slice(d_hidden, (index * size, 0), (size, embed))
    shared = ops.cast(share * scale, hidden.dtype)
    outer = ops.matmul(ops.transpose(exponentials), hidden * shared[:, None])
    per_word = ops.matmul(shared[None], exponentials)[0]
    return (
        ops.slice_update(d_hidden, (index * size, 0), rows),
        d_embeddings + ops.cast(outer, "float32"),
        d_bias + ops.cast(per_word, "float32"),
    )
