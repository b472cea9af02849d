"""The gradients of `chunked_loss`, which says by which formula."""

from typing import Any, NamedTuple

import keras
from keras import ops

from tfast.types import Tensor


class Gradients(NamedTuple):
    """Gradients of the summed loss, float32; the last two are multiplied by a scale."""

    hidden: Tensor
    embeddings: Tensor
    bias: Tensor


class Chunk(NamedTuple):
    """A number of positions, or all of them cut into chunks, with one axis more in front.

    Attributes:
        hidden: (size, embed).
        targets: (size,), integers.
        real: (size,), 1 for a position and 0 for padding.
    """

    hidden: Tensor
    targets: Tensor
    real: Tensor


def pad_end(x: Tensor, amount: Any) -> Tensor:
    """`amount` rows of zeros more."""
    return ops.concatenate([x, ops.zeros((amount, *x.shape[1:]), x.dtype)], axis=0)


def scale_of_products(hidden: Tensor, chunk_size: int) -> Tensor | float:
    """What the float16 products over a chunk's positions are scaled by, to use all its range.

    A word's part of a large vocabulary is too small for float16 (60,000 equally likely words:
    1.7e-5, and numbers below 6.1e-5 lose digits), and the scale of the loss comes too late. No
    word's sum over the positions of a chunk can grow beyond 2**15 here; float16 ends at 2**16.
    """
    if keras.backend.standardize_dtype(hidden.dtype) != "float16":
        return 1.0
    size = ops.cast(ops.minimum(ops.shape(hidden)[0], chunk_size), "float32")
    largest = ops.max(ops.abs(ops.cast(hidden, "float32")))
    return 2.0**15 / (size * ops.maximum(largest, 1.0))


def gradients_of_targets(
    chunks: Chunk, targets: Tensor, hidden: Tensor, embeddings: Tensor, scale: Tensor | float
) -> Gradients:
    """The part of the gradients that comes from the logit of the target itself."""
    vocab = embeddings.shape[0]
    padding = ops.size(chunks.targets) - ops.shape(hidden)[0]
    d_hidden = -ops.cast(ops.take(embeddings, targets, axis=0), "float32")
    negative = -ops.cast(hidden, "float32") * scale
    counts = ops.ones_like(targets, dtype="float32") * scale
    return Gradients(
        pad_end(d_hidden, padding),
        ops.segment_sum(negative, targets, num_segments=vocab),
        -ops.segment_sum(counts, targets, num_segments=vocab),
    )


def add_gradients(
    index: Tensor,
    gradients: Gradients,
    chunk: Chunk,
    weight: Tensor,
    exponentials: Tensor,
    embeddings: Tensor,
    scale: Tensor | float,
) -> Gradients:
    """Adds the softmax's part of the gradients; `weight` (size,) is 1 / normalizer, or 0.

    The rows of `hidden` are divided by the normalizer, not the exponentials, which are vocab
    times as wide: one pass over the largest tensor less.
    """
    dtype = chunk.hidden.dtype
    size, embed = ops.shape(chunk.hidden)[0], chunk.hidden.shape[-1]
    exponentials = ops.cast(exponentials, dtype)
    rows = ops.cast(ops.matmul(exponentials, embeddings), "float32") * weight[:, None]
    rows += ops.slice(gradients.hidden, (index * size, 0), (size, embed))
    scaled = ops.cast(weight * scale, dtype)
    outer = ops.matmul(ops.transpose(exponentials), chunk.hidden * scaled[:, None])
    per_word = ops.matmul(scaled[None], exponentials)[0]
    return Gradients(
        ops.slice_update(gradients.hidden, (index * size, 0), rows),
        gradients.embeddings + ops.cast(outer, "float32"),
        gradients.bias + ops.cast(per_word, "float32"),
    )
