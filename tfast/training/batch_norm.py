"""Batch normalisation with one definition of its statistics, on TensorFlow in one kernel."""

from typing import Any

import keras
from keras import ops

from tfast.types import Tensor

# That of PyTorch and fastai, where Keras has 1e-3.
EPSILON = 1e-5


@keras.saving.register_keras_serializable(package="tfast")
class BatchNorm(keras.layers.BatchNormalization):
    """Keras's batch normalisation, faster on TensorFlow, with the same numbers everywhere.

    The moving variance follows the biased variance of the batch (the mean of the squared
    distances), as in Keras, on every backend and path. Where PyTorch's `running_var` must be
    met, multiply a batch's part by n / (n - 1), n = batch × height × width.

    A batch that says nothing about a channel leaves its moving statistics as they are: one with
    a single value per channel, such as the last image of an epoch after global pooling, whose
    variance of 0 would drag the average down; and one whose mean or variance is not finite.

    On TensorFlow, images `(batch, height, width, channels)` in float16, bfloat16 or float32
    go through TensorFlow's fused kernel: one operation in place of about ten, a fused gradient,
    float32 statistics whatever the input is. All else goes through Keras's own operations.

    Args:
        momentum: how much of the old moving statistics is kept at each training step.
        epsilon: added to the variance.
        **kwargs: as in `keras.layers.BatchNormalization`.

    Examples:
        >>> layer = BatchNorm()
        >>> images = keras.ops.reshape(keras.ops.arange(4, dtype="float32"), (1, 2, 2, 1))
        >>> layer(images, training=True).shape == images.shape
        True
        >>> round(float(layer.moving_variance[0]), 3)  # 0.9 × 1 + 0.1 × 1.25
        1.025

    Source: fastai `BatchNorm` for the defaults.
    Differs: PyTorch and fastai keep the unbiased variance, refuse to train on a single value per
        channel, and record statistics that are not finite.
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = EPSILON, **kwargs: Any) -> None:
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor = None) -> Tensor:
        """Normalises `inputs`; with `training` by the batch's statistics, which it records."""
        learning = bool(training and self.trainable)
        if not self._fits_fused_kernel(inputs, mask):
            # Copies: PyTorch assigns in place.
            before = [ops.copy(value) for value in self._statistics()] if learning else []
            outputs = super().call(inputs, training=training, mask=mask)
            if learning:
                after = [ops.convert_to_tensor(value) for value in self._statistics()]
                self._keep_if_undefined(before, after, self._count(inputs, mask))
            return outputs
        outputs, mean, variance = self._fused(inputs, learning)
        if learning:
            self._record(mean, variance, self._count(inputs, mask))
        return ops.cast(outputs, self.compute_dtype)

    def _fits_fused_kernel(self, inputs: Tensor, mask: Tensor) -> bool:
        return (
            keras.backend.backend() == "tensorflow"
            and mask is None
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and self.center
            and self.scale
            and not (self.renorm or self.synchronized)
            and keras.backend.standardize_dtype(inputs.dtype) in ("float16", "bfloat16", "float32")
        )

    def _fused(self, inputs: Tensor, learning: bool) -> tuple[Tensor, Tensor, Tensor]:
        import tensorflow as tf

        # Not tf.compat.v1.nn.fused_batch_norm: it raises epsilon to 1.001e-5.
        normalised = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            # In training the kernel would ignore them, but wants them empty.
            mean=[] if learning else self.moving_mean,
            variance=[] if learning else self.moving_variance,
            epsilon=self.epsilon,
            is_training=learning,
        )
        return normalised[:3]

    def _statistics(self) -> list[keras.Variable]:
        more = ("renorm_mean", "renorm_stddev", "moving_stddev") if self.renorm else ()
        return [getattr(self, name) for name in ("moving_mean", "moving_variance", *more)]

    def _count(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """How many values each channel has."""
        channels = inputs.shape[self.axis]
        count = ops.cast(ops.size(inputs) // channels, "float32")
        if mask is None:
            return count
        seen = ops.sum(ops.cast(mask, "float32"))
        return seen * (count / ops.cast(ops.size(mask), "float32"))

    def _record(self, mean: Tensor, unbiased_variance: Tensor, count: Tensor) -> None:
        biased_variance = unbiased_variance * ((count - 1) / count)
        before = [ops.convert_to_tensor(value) for value in self._statistics()]
        after = [
            moving * self.momentum + batch * (1 - self.momentum)
            for moving, batch in zip(before, (mean, biased_variance), strict=True)
        ]
        self._keep_if_undefined(before, after, count)

    def _keep_if_undefined(self, before: list[Tensor], after: list[Tensor], count: Tensor) -> None:
        """Assigns `after`, but `before` to channels of which the batch has no statistics."""
        # Of a synchronized layer each device has a part of the batch.
        defined = ops.logical_or(count > 1, self.synchronized)
        for values in after:
            defined = ops.logical_and(defined, ops.isfinite(values))
        for variable, old, new in zip(self._statistics(), before, after, strict=True):
            variable.assign(ops.where(defined, new, old))
