"""Mixup: each example of a training batch becomes a blend of itself and a partner.

    draw_mix        the random part: how much of itself each example keeps, and its partner
    blend_examples  the arithmetic
    mixup           both, as a function for `Dataset.map` over batches
    mixup_dataset   both, over a whole dataset, random numbers a function of seed and step alone

Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018), arXiv:1710.09412;
fastai `MixUp`. A label-smoothed cross-entropy is linear in its targets, so the loss on blended
labels is the blend of the two losses, as fastai computes it.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from tfast import arguments
from tfast.types import Tensor, TensorLike


def mixup(alpha: float = 0.4) -> Callable[..., tuple[Any, ...]]:
    """Returns a function for `Dataset.map` over batches that mixes each batch within itself.

    Every batch of every epoch gets new random numbers, seeded from Python's `random` (so
    `keras.utils.set_random_seed` makes them repeatable where the map is not parallel). For
    random numbers that do not depend on the order of evaluation see `mixup_dataset`.

    Args:
        alpha: both parameters of the Beta distribution, above 0. Larger mixes more.

    Returns:
        A function `(images, labels) -> (images, labels)`, or with sample weights after the
        labels, both ways; see `blend_examples` for shapes.

    Raises:
        ValueError: `alpha` is not a positive number; when mapped, what `blend_examples` raises,
            or a batch of another form.

    Examples:
        >>> images, labels = tf.random.uniform((4, 2, 2, 3)), tf.one_hot([0, 1, 2, 0], 3)
        >>> batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(3)
        >>> [labels.shape[0] for images, labels in batches.map(mixup(0.4))]
        [3, 1]
    """
    alpha = arguments.positive_number("alpha", alpha)
    # A random op inside a map starts again with each epoch; a generator's state goes on. It
    # lives where tf.data runs.
    with tf.device("CPU:0"):
        generator = tf.random.Generator.from_seed(random.randrange(2**62))

    def mix_batch(*batch: Any) -> tuple[Any, ...]:
        batch_size = _batch_size(batch)
        seed = generator.uniform_full_int([2], tf.int64)
        return _mix(batch, *draw_mix(batch_size, alpha, seed=seed))

    return mix_batch


def mixup_dataset(
    dataset: tf.data.Dataset, alpha: float = 0.4, *, seed: int, first_step: int = 0
) -> tf.data.Dataset:
    """Mixes each batch of a dataset with random numbers that depend on `seed` and step alone.

    The step counts the batches from the start of an iteration. So give it a dataset that goes
    on over the epochs, as `ImageFolder.training_batches(..., first_step=0)` or
    `dataset.repeat()` do: a dataset that ends and is iterated again meets the same random
    numbers again.

    Args:
        dataset: batches `(images, labels)` or `(images, labels, sample_weights)`; see
            `blend_examples` for shapes.
        alpha: as in `mixup`.
        seed: an integer.
        first_step: step of the dataset's first batch, for a run that is resumed.

    Returns:
        A `tf.data.Dataset` of the same structure.

    Raises:
        ValueError: as `mixup`, or `first_step` is negative.

    Examples:
        >>> batch = (tf.random.uniform((4, 2, 2, 3)), tf.one_hot([0, 1, 2, 0], 3))
        >>> endless = tf.data.Dataset.from_tensors(batch).repeat()
        >>> whole = list(mixup_dataset(endless, 0.4, seed=1).take(3))
        >>> resumed = list(mixup_dataset(endless, 0.4, seed=1, first_step=2).take(1))
        >>> bool(tf.reduce_all(whole[2][1] == resumed[0][1]))
        True
    """
    alpha = arguments.positive_number("alpha", alpha)
    seed = arguments.whole_number("seed", seed, minimum=None)
    first_step = arguments.whole_number("first_step", first_step, minimum=0)

    def mix_batch(step: Tensor, batch: Any) -> tuple[Any, ...]:
        batch = batch if isinstance(batch, tuple) else (batch,)
        return _mix(batch, *draw_mix(_batch_size(batch), alpha, seed=[seed, step]))

    return dataset.enumerate(first_step).map(mix_batch, num_parallel_calls=tf.data.AUTOTUNE)


def draw_mix(batch_size: int | Tensor, alpha: float, *, seed: TensorLike) -> tuple[Tensor, Tensor]:
    """Samples how a batch is mixed.

    Args:
        batch_size: an integer, or an integer tensor of shape `()`.
        alpha: both parameters of the Beta distribution, above 0.
        seed: two integers, or an integer tensor of shape `(2,)`. The same seed gives the same
            result.

    Returns:
        `(fractions, partners)`: float32 `(batch,)` in [0.5, 1], what each example keeps of
        itself, Beta(alpha, alpha) or its complement, whichever is larger; int32 `(batch,)`, a
        permutation of the batch.

    Examples:
        >>> fractions, partners = draw_mix(4, 0.4, seed=[1, 0])
        >>> sorted(partners.numpy().tolist())
        [0, 1, 2, 3]
    """
    gamma_seed, uniform_seed, partner_seed = tf.unstack(tf.random.split(seed, 3))
    # Beta(a, a) is x / (x + y) of two Gamma(a) samples. For small a both underflow to 0, so stay
    # with their logarithms: log Gamma(a) = log Gamma(a + 1) + log(uniform) / a.
    shape = [2, batch_size]
    gammas = tf.random.stateless_gamma(shape, gamma_seed, alpha + 1.0)
    uniforms = 1.0 - tf.random.stateless_uniform(shape, uniform_seed)  # never 0
    x, y = tf.unstack(tf.math.log(gammas) + tf.math.log(uniforms) / alpha)
    fractions = tf.sigmoid(tf.abs(x - y))
    return fractions, tf.random.experimental.stateless_shuffle(tf.range(batch_size), partner_seed)


def blend_examples(
    images: Any, labels: Any, fractions: TensorLike, partners: TensorLike
) -> tuple[Any, Any]:
    """Blends each example with its partner: `fraction * own + (1 - fraction) * partner's`.

    Args:
        images: float16, bfloat16, float32 or float64 `(batch, ...)`; or a dict of such, each of
            which is blended.
        labels: floating `(batch, ...)`: one-hot or soft labels; or a dict of such.
        fractions: float32 `(batch,)` in [0, 1].
        partners: integers `(batch,)`, indices in the batch.

    Returns:
        `(images, labels)` of the shapes and dtypes given.

    Raises:
        ValueError: `images` or `labels`, or an entry of a dict, is not a dense floating tensor.
            Class numbers and token ids cannot be blended.

    Examples:
        >>> images, labels = blend_examples(
        ...     tf.constant([[0.0], [1.0]]), tf.one_hot([0, 1], 2), [0.75, 1.0], [1, 0])
        >>> images.numpy().tolist(), labels.numpy().tolist()
        ([[0.25], [1.0]], [[0.75, 0.25], [0.0, 1.0]])
    """
    images = _floating(images, "images", "pixels scaled to a floating dtype")
    labels = _floating(labels, "labels", "one-hot labels, as tf.one_hot gives them")
    return _blend_all(images, fractions, partners), _blend_all(labels, fractions, partners)


def _mix(batch: tuple[Any, ...], fractions: Tensor, partners: Tensor) -> tuple[Any, ...]:
    images, labels, *sample_weights = batch
    blended = blend_examples(images, labels, fractions, partners)
    weights = [
        _floating(each, "sample_weights", "numbers", integers=True) for each in sample_weights
    ]
    return *blended, *(_blend_all(each, fractions, partners) for each in weights)


def _batch_size(batch: tuple[Any, ...]) -> Tensor:
    if len(batch) not in (2, 3):
        raise ValueError(
            "batches must be (images, labels) or (images, labels, sample_weights), got "
            f"{'one value' if len(batch) == 1 else f'{len(batch)} values'}"
        )
    # Of labels: a ragged tensor is refused later, by name.
    return tf.shape(tf.nest.flatten(batch[1])[0])[0]


def _blend_all(values: Any, fractions: TensorLike, partners: TensorLike) -> Any:
    return tf.nest.map_structure(lambda each: _blend(each, fractions, partners), values)


# Compiled into one pass over the batch: op by op it makes five.
@tf.function(jit_compile=True, reduce_retracing=True)
def _blend(values: Tensor, fractions: Tensor, partners: Tensor) -> Tensor:
    axes = tf.ones([tf.rank(values) - 1], tf.int32)
    fractions = tf.cast(fractions, values.dtype)
    fractions = tf.reshape(fractions, tf.concat([tf.shape(fractions), axes], 0))  # (batch, 1, ...)
    return fractions * values + (1 - fractions) * tf.gather(values, partners)


def _floating(values: Any, name: str, expected: str, *, integers: bool = False) -> Any:
    """Tensors of the same structure; `integers` are cast."""
    if isinstance(values, Mapping):
        return {
            key: _floating(value, f"{name}[{key!r}]", expected, integers=integers)
            for key, value in values.items()
        }
    if isinstance(values, tf.RaggedTensor | tf.SparseTensor):
        raise ValueError(f"{name} must be {expected}, got a {type(values).__name__}")
    values = tf.convert_to_tensor(values)
    if values.dtype.is_floating:
        return values
    if integers and (values.dtype.is_integer or values.dtype.is_bool):
        return tf.cast(values, tf.float32)
    raise ValueError(f"{name} must be {expected}, got {values.dtype.name}")
