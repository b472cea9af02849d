"""Mixup: each example of a training batch becomes a blend of itself and a partner.

    draw_mix        the random part: how much of itself each example keeps, and its partner
    blend_examples  the arithmetic
    mixup           both, as a function for `Dataset.map` over batches
    mixup_dataset   both, over a whole dataset, draws a function of seed and step alone

Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018), arXiv:1710.09412;
fastai `MixUp`. A label-smoothed cross-entropy is linear in its targets, so the loss on blended
labels is the blend of the two losses, as fastai computes it.
"""

import math
import random

import tensorflow as tf


def mixup(alpha=0.4):
    """Returns a function for `Dataset.map` over batches that mixes each batch within itself.

    Every batch of every epoch gets fresh draws, seeded from Python's `random` (so
    `keras.utils.set_random_seed` makes them repeatable where the map is not parallel). For
    draws that do not depend on the order of evaluation see `mixup_dataset`.

    Args:
        alpha: both parameters of the Beta distribution, above 0. Larger mixes more.

    Returns:
        A function `(images, labels) -> (images, labels)`; see `blend_examples` for shapes.

    Raises:
        ValueError: `alpha` is not a positive number; when mapped, `images` or `labels` are
            not floating.

    Example:
        >>> images, labels = tf.random.uniform((4, 2, 2, 3)), tf.one_hot([0, 1, 2, 0], 3)
        >>> batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(3)
        >>> [labels.shape[0] for images, labels in batches.map(mixup(0.4))]
        [3, 1]
    """
    _check_alpha(alpha)
    # A random op inside a map starts again with each epoch; a generator's state goes on. It
    # stands where tf.data runs.
    with tf.device("CPU:0"):
        generator = tf.random.Generator.from_seed(random.randrange(2**62))

    def mix_batch(images, labels):
        seed = generator.uniform_full_int([2], tf.int64)
        return blend_examples(images, labels, *draw_mix(tf.shape(labels)[0], alpha, seed=seed))

    return mix_batch


def mixup_dataset(dataset, alpha=0.4, *, seed, first_step=0):
    """Mixes each batch of a dataset with draws that depend on `seed` and the step alone.

    The step counts the batches from the start of an iteration. So give it a dataset that goes
    on over the epochs, as `image_dataset(..., first_step=0)` or `dataset.repeat()` do: a
    dataset that ends and is iterated again meets the same draws again.

    Args:
        dataset: batches `(images, labels)`; see `blend_examples` for shapes.
        alpha: as in `mixup`.
        seed: an integer.
        first_step: step of the dataset's first batch, for a run that is resumed.

    Returns:
        A `tf.data.Dataset` of the same structure.

    Raises:
        ValueError: `alpha` is not a positive number, `first_step` is negative, or `images` or
            `labels` are not floating.

    Example:
        >>> batch = (tf.random.uniform((4, 2, 2, 3)), tf.one_hot([0, 1, 2, 0], 3))
        >>> endless = tf.data.Dataset.from_tensors(batch).repeat()
        >>> whole = list(mixup_dataset(endless, 0.4, seed=1).take(3))
        >>> resumed = list(mixup_dataset(endless, 0.4, seed=1, first_step=2).take(1))
        >>> bool(tf.reduce_all(whole[2][1] == resumed[0][1]))
        True
    """
    _check_alpha(alpha)
    if first_step < 0:
        raise ValueError(f"first_step is {first_step}; expected 0 or more")

    def mix_batch(step, batch):
        images, labels = batch
        draws = draw_mix(tf.shape(labels)[0], alpha, seed=[seed, step])
        return blend_examples(images, labels, *draws)

    return dataset.enumerate(first_step).map(mix_batch, num_parallel_calls=tf.data.AUTOTUNE)


def draw_mix(batch_size, alpha, *, seed):
    """Draws how a batch is mixed.

    Args:
        batch_size: an integer, or an integer tensor of shape `()`.
        alpha: both parameters of the Beta distribution, above 0.
        seed: two integers, or an integer tensor of shape `(2,)`. The same seed gives the same
            draws.

    Returns:
        `(shares, partners)`: float32 `(batch,)` in [0.5, 1], what each example keeps of
        itself, Beta(alpha, alpha) or its complement, whichever is larger; int32 `(batch,)`, a
        permutation of the batch.

    Example:
        >>> shares, partners = draw_mix(4, 0.4, seed=[1, 0])
        >>> sorted(partners.numpy().tolist())
        [0, 1, 2, 3]
    """
    gamma_seed, uniform_seed, partner_seed = tf.unstack(tf.random.split(seed, 3))
    # Beta(a, a) is x / (x + y) of two Gamma(a) draws. For small a both underflow to 0, so stay
    # with their logarithms: log Gamma(a) = log Gamma(a + 1) + log(uniform) / a.
    shape = [2, batch_size]
    gammas = tf.random.stateless_gamma(shape, gamma_seed, alpha + 1.0)
    uniforms = 1.0 - tf.random.stateless_uniform(shape, uniform_seed)  # never 0
    x, y = tf.unstack(tf.math.log(gammas) + tf.math.log(uniforms) / alpha)
    shares = tf.sigmoid(tf.abs(x - y))
    return shares, tf.random.experimental.stateless_shuffle(tf.range(batch_size), partner_seed)


def blend_examples(images, labels, shares, partners):
    """Blends each example with its partner: `share * own + (1 - share) * partner's`.

    Args:
        images: float16, bfloat16, float32 or float64 `(batch, ...)`.
        labels: floating `(batch, ...)`: one-hot or soft labels.
        shares: float32 `(batch,)` in [0, 1].
        partners: integers `(batch,)`, positions in the batch.

    Returns:
        `(images, labels)` of the shapes and dtypes given.

    Raises:
        ValueError: `images` or `labels` are not floating. Class numbers cannot be blended.

    Example:
        >>> images, labels = blend_examples(
        ...     tf.constant([[0.0], [1.0]]), tf.one_hot([0, 1], 2), [0.75, 1.0], [1, 0])
        >>> images.numpy().tolist(), labels.numpy().tolist()
        ([[0.25], [1.0]], [[0.75, 0.25], [0.0, 1.0]])
    """
    images = _floating(images, "images", "pixels scaled to a floating dtype")
    labels = _floating(labels, "labels", "one-hot labels, as tf.one_hot gives them")
    return _blend(images, shares, partners), _blend(labels, shares, partners)


# Compiled into one pass over the batch: op by op it makes five.
@tf.function(jit_compile=True, reduce_retracing=True)
def _blend(values, shares, partners):
    axes = tf.ones([tf.rank(values) - 1], tf.int32)
    shares = tf.cast(shares, values.dtype)
    shares = tf.reshape(shares, tf.concat([tf.shape(shares), axes], 0))  # (batch, 1, ...)
    return shares * values + (1 - shares) * tf.gather(values, partners)


def _floating(values, name, expected):
    values = tf.convert_to_tensor(values)
    if not values.dtype.is_floating:
        raise ValueError(f"{name} are {values.dtype.name}; expected {expected}")
    return values


def _check_alpha(alpha):
    if not (alpha > 0 and math.isfinite(alpha)):
        raise ValueError(f"alpha is {alpha}; expected a positive number")
