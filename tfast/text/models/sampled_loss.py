"""Cross-entropy over a sample of a large vocabulary, for training on much text.

The costly part of the loss is its normalizer, the sum of exp(logit) over all words. Here the words
that the batch itself has as targets, most of the frequent ones among them, count one by one; the
others are estimated from a random sample of them, each sampled word counting for as many as it
stands for. Given the batch, the expectation of the normalizer is exact.

Source: Jean et al. 2015, On Using Very Large Target Vocabulary for Neural Machine Translation.
Differs: there each target is contrasted with a sample of a fixed part of the corpus; here one
sample of uniform probability without replacement serves a whole batch.
"""

from typing import NamedTuple

import keras
from keras import ops

from tfast import arguments
from tfast.text.models.chunked_loss import LossAndAccuracy, chunked_softmax_cross_entropy
from tfast.types import Tensor, TensorLike


class Candidates(NamedTuple):
    """The words that a batch's loss is made from.

    Attributes:
        ids: (candidates,), int32, distinct.
        log_weights: (candidates,), float32: the logarithm of how many words each counts for.
        positions: (vocab,), int32: where in `ids` a word is; 0 for those that are not.
    """

    ids: Tensor
    log_weights: Tensor
    positions: Tensor


def choose_candidates(
    targets: TensorLike, vocab_size: int, num_candidates: int, seed: keras.random.SeedGenerator
) -> Candidates:
    """Every target, and as many other words at random as are needed.

    Args:
        targets: integers of any shape, at most `num_candidates` distinct ones.
        vocab_size: number of words.
        num_candidates: how many candidates there are to be, at most `vocab_size`.
        seed: for the sample, new at each call.

    Returns:
        `Candidates`.

    Examples:
        >>> import numpy as np
        >>> seed = keras.random.SeedGenerator(0)
        >>> ids, log_weights, _ = choose_candidates(np.array([3, 3, 1]), 8, 5, seed)
        >>> sorted(np.array(ids)[:2].tolist())
        [1, 3]
        >>> np.exp(log_weights).round(3).tolist()  # three of six others: each counts for two
        [1.0, 1.0, 2.0, 2.0, 2.0]
    """
    flat = ops.cast(ops.reshape(targets, (-1,)), "int32")
    counts = ops.segment_sum(ops.ones_like(flat, dtype="float32"), flat, num_segments=vocab_size)
    is_target = ops.cast(counts > 0, "float32")
    # Targets come before all others, which come in random order.
    scores = keras.random.uniform((vocab_size,), seed=seed) + 2 * is_target
    ids = ops.cast(ops.top_k(scores, num_candidates)[1], "int32")
    num_targets = ops.sum(is_target)
    # Nothing is sampled where all words are candidates.
    sampled = ops.maximum(num_candidates - num_targets, 1.0)
    log_weight = ops.log(ops.maximum(vocab_size - num_targets, 1.0) / sampled)
    log_weights = ops.where(ops.take(is_target, ids) > 0, 0.0, log_weight)
    positions = ops.scatter(ids[:, None], ops.arange(num_candidates, dtype="int32"), (vocab_size,))
    return Candidates(ids, log_weights, positions)


def sampled_softmax_cross_entropy(
    hidden: TensorLike,
    embeddings: TensorLike,
    bias: TensorLike,
    targets: TensorLike,
    *,
    num_candidates: int,
    seed: keras.random.SeedGenerator,
    chunk_size: int = 128,
) -> LossAndAccuracy:
    """An estimate of `chunked_softmax_cross_entropy`, from part of the vocabulary.

    Args:
        hidden: `(..., embed)`, floating point.
        embeddings: `(vocab, embed)`.
        bias: `(vocab,)`.
        targets: `(...)`, integers from 0 to vocab - 1.
        num_candidates: how many words the loss is made from. At least the number of targets, so
            that each is among them; `vocab` or more is the exact loss.
        seed: for the sample, new at each call.
        chunk_size: how many positions have their logits in memory at a time.

    Returns:
        The pair `loss` and `accuracy`, see there. The accuracy counts a target as right where it
        is the likeliest of the candidates, each by its weight: a rough guide.

    Raises:
        ValueError: `num_candidates` is below 1 or below the number of targets.

    Examples:
        >>> import numpy as np
        >>> hidden, table = np.ones((3, 2), "float32"), np.zeros((8, 2), "float32")
        >>> result = sampled_softmax_cross_entropy(
        ...     hidden, table, np.zeros(8, "float32"), np.array([0, 1, 2]),
        ...     num_candidates=5, seed=keras.random.SeedGenerator(0),
        ... )
        >>> round(float(result.loss), 4)  # the logarithm of 8
        2.0794
    """
    num_candidates = arguments.whole_number("num_candidates", num_candidates)
    hidden, targets = ops.convert_to_tensor(hidden), ops.convert_to_tensor(targets)
    vocab_size = embeddings.shape[0]
    if num_candidates >= vocab_size:
        return chunked_softmax_cross_entropy(
            hidden, embeddings, bias, targets, chunk_size=chunk_size
        )
    _check_room(targets, num_candidates)
    candidates = choose_candidates(targets, vocab_size, num_candidates, seed)
    # In the dtype of the products: a copy of the table that is half as large.
    table = ops.take(ops.cast(embeddings, hidden.dtype), candidates.ids, axis=0)
    return chunked_softmax_cross_entropy(
        hidden,
        table,
        ops.take(ops.cast(bias, "float32"), candidates.ids) + candidates.log_weights,
        ops.take(candidates.positions, targets),
        chunk_size=chunk_size,
    )


def _check_room(targets: Tensor, num_candidates: int) -> None:
    size = 1
    for length in targets.shape:
        size *= length or 1  # a length that is not known yet
    if size > num_candidates:
        raise ValueError(
            f"num_candidates must be at least the {size} targets of a batch, got {num_candidates}"
        )
