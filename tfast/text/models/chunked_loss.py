"""Cross-entropy over a large vocabulary without its logits.

With the logits z = h E' + b of a position (h its hidden vector, E the embeddings, b the bias) and
its target t, the loss is log(sum over words v of exp z_v) - z_t. Its gradient towards z_v is
p_v - [v = t], where p = softmax(z); so it is (sum over v of p_v E_v) - E_t towards h,
p_v h - [v = t] h towards E_v, and p_v - [v = t] towards b_v, each summed over positions. The parts
with t need no logits and are made first, for all positions; the parts with p are added to them
chunk by chunk, while a chunk's logits exist.

Label smoothing is `keras.losses.CategoricalCrossentropy(label_smoothing=...)`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from tfast import arguments
from tfast.text.models.chunked_gradients import (
    Chunk,
    Gradients,
    add_gradients,
    gradients_of_targets,
    pad_end,
    scale_of_products,
)
from tfast.types import Tensor, TensorLike


class LossAndAccuracy(NamedTuple):
    """Two float32 scalars: means over positions, or the sums that they are made of."""

    loss: Tensor
    accuracy: Tensor


def chunked_softmax_cross_entropy(
    hidden: TensorLike,
    embeddings: TensorLike,
    bias: TensorLike,
    targets: TensorLike,
    *,
    chunk_size: int = 128,
    with_gradient: bool = True,
) -> LossAndAccuracy:
    """Cross-entropy of `softmax(hidden @ embeddings.T + bias)`, never holding all its logits.

    Positions are taken `chunk_size` at a time. The gradient is made in the same pass, while a
    chunk's logits exist: three matrix products instead of the four of recomputing them.

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
        The pair `loss`, the mean in nats, and `accuracy`, the fraction of positions whose target
        has the largest logit (a tie counts as right); float32 scalars. Only the loss has a
        gradient, towards `hidden`, `embeddings` and `bias`.

    Raises:
        ValueError: `targets` does not have the shape of `hidden` without its last axis, or
            `chunk_size` is below 1.

    Examples:
        >>> import numpy as np
        >>> hidden, embeddings = np.ones((3, 2), "float32"), np.zeros((8, 2), "float32")
        >>> result = chunked_softmax_cross_entropy(
        ...     hidden, embeddings, np.zeros(8, "float32"), np.array([0, 1, 2]), chunk_size=2
        ... )
        >>> round(float(result.loss), 4)  # the logarithm of 8
        2.0794
    """
    hidden, targets = ops.convert_to_tensor(hidden), ops.convert_to_tensor(targets)
    if len(targets.shape) != len(hidden.shape) - 1:
        raise ValueError(
            f"targets must have the shape of hidden without its last axis, {tuple(hidden.shape)}, "
            f"got {tuple(targets.shape)}"
        )
    chunk_size = arguments.whole_number("chunk_size", chunk_size)
    tensors = (
        ops.reshape(hidden, (-1, hidden.shape[-1])),
        ops.cast(embeddings, hidden.dtype),
        ops.cast(bias, "float32"),
        # As a float (exact below 2**24): JAX differentiates towards every argument, and must
        # not find a traced one in a closure.
        ops.cast(ops.reshape(targets, (-1,)), "float32"),
    )
    if with_gradient:
        sums = _differentiable_sums(chunk_size)(*tensors)
    else:
        sums, _ = _chunked_sums(*tensors, chunk_size=chunk_size, scale=None)
    count = ops.cast(ops.size(targets), "float32")
    return LossAndAccuracy(sums[0] / count, ops.stop_gradient(sums[1] / count))


def _differentiable_sums(chunk_size: int) -> Callable[..., Tensor]:
    """The function from tensors to the sums of loss and hits `(2,)`, with its gradient."""

    def sums_and_gradient(*tensors: Tensor) -> tuple[Tensor, Callable[..., Any]]:
        scale = scale_of_products(tensors[0], chunk_size)
        sums, gradients = _chunked_sums(*tensors, chunk_size=chunk_size, scale=scale)
        dtypes = [tensor.dtype for tensor in tensors[:3]]

        def gradient(*upstreams: Tensor, upstream: Tensor | None = None) -> tuple[Tensor, ...]:
            # Keras's PyTorch backend gives the tensors, and `upstream` by name.
            of_loss = (upstreams[0] if upstream is None else upstream)[0]
            factors = Gradients(of_loss, of_loss / scale, of_loss / scale)
            parts = zip(gradients, factors, dtypes, strict=True)
            return (*(ops.cast(g * f, d) for g, f, d in parts), ops.zeros_like(tensors[-1]))

        return ops.stack(sums), gradient

    return ops.custom_gradient(sums_and_gradient)


def _chunked_sums(
    hidden: Tensor,
    embeddings: Tensor,
    bias: Tensor,
    targets: Tensor,
    *,
    chunk_size: int,
    scale: Tensor | float | None,
) -> tuple[LossAndAccuracy, Any]:
    """Sums over all positions: of losses and hits, and the `Gradients` where there is a scale."""
    targets = ops.cast(targets, "int32")
    positions = ops.shape(hidden)[0]
    # Chunks of equal size: at most one position less each than `chunk_size` allows.
    num_chunks = -(-positions // chunk_size)
    size = -(-positions // num_chunks)
    chunks = _cut(hidden, targets, num_chunks, size)
    zero = ops.zeros((), "float32")
    start: Any = ()  # no gradients
    if scale is not None:
        start = gradients_of_targets(chunks, targets, hidden, embeddings, scale)

    def add_chunk(index: Tensor, total: Any) -> Any:
        sums, gradients = total
        chunk = Chunk(*(part[index] for part in chunks))
        exponentials, normalizer, of_chunk = _chunk_softmax(chunk, embeddings, bias)
        if scale is not None:
            weight = chunk.real / normalizer
            gradients = add_gradients(
                index, gradients, chunk, weight, exponentials, embeddings, scale
            )
        added = (total + part for total, part in zip(sums, of_chunk, strict=True))
        return LossAndAccuracy(*added), gradients

    sums, gradients = _loop_in_order(num_chunks, add_chunk, (LossAndAccuracy(zero, zero), start))
    if scale is not None:
        gradients = gradients._replace(hidden=gradients.hidden[:positions])
    return sums, gradients


def _cut(hidden: Tensor, targets: Tensor, num_chunks: Any, size: Any) -> Chunk:
    """All positions, padded, as chunks `(num_chunks, size, ...)`."""
    padding = num_chunks * size - ops.shape(hidden)[0]
    real = ops.ones_like(targets, dtype="float32")
    return Chunk(
        ops.reshape(pad_end(hidden, padding), (num_chunks, size, hidden.shape[-1])),
        ops.reshape(pad_end(targets, padding), (num_chunks, size)),
        ops.reshape(pad_end(real, padding), (num_chunks, size)),
    )


def _loop_in_order(count: Any, body: Callable[[Tensor, Any], Any], start: Any) -> Any:
    """`ops.fori_loop` from 0 whose turns do not overlap.

    TensorFlow would begin the next chunks' logits early: half a gigabyte for 60,000 words, and
    no time is saved, as a product keeps all cores busy.
    """
    if keras.backend.backend() != "tensorflow":
        return ops.fori_loop(0, count, body, start)
    import tensorflow as tf

    def turn(index: Tensor, total: Any) -> Any:
        return index + 1, body(index, total)

    return tf.while_loop(lambda i, _: i < count, turn, (0, start), parallel_iterations=1)[1]


def _chunk_softmax(
    chunk: Chunk, embeddings: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor, LossAndAccuracy]:
    """Softmax of one chunk, its numerators and denominators apart, and the chunk's sums."""
    size, vocab = ops.shape(chunk.targets)[0], embeddings.shape[0]
    logits = ops.cast(ops.matmul(chunk.hidden, ops.transpose(embeddings)), "float32") + bias
    largest = ops.max(logits, axis=-1)
    # `take_along_axis` would copy all logits on TensorFlow.
    indices = ops.arange(size) * vocab + ops.clip(chunk.targets, 0, vocab - 1)
    of_target = ops.take(ops.reshape(logits, (-1,)), indices)
    is_word = (chunk.targets >= 0) & (chunk.targets < vocab)
    of_target = ops.where(is_word, of_target, float("nan"))
    exponentials = ops.exp(logits - largest[:, None])
    normalizer = ops.sum(exponentials, axis=-1)
    loss = ops.sum(chunk.real * (ops.log(normalizer) + largest - of_target))
    hits = ops.sum(chunk.real * ops.cast(of_target >= largest, "float32"))
    return exponentials, normalizer, LossAndAccuracy(loss, hits)
