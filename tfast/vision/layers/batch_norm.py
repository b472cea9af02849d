"""Batch normalisation with one definition of its statistics, on TensorFlow in one kernel."""

import keras


@keras.saving.register_keras_serializable(package="tfast")
class BatchNorm(keras.layers.BatchNormalization):
    """Keras's batch normalisation, faster on TensorFlow, with the same numbers everywhere.

    The moving variance follows the biased variance of the batch (the mean of the squared
    distances), as in Keras, on every backend and path. Where PyTorch's `running_var` must be
    met, multiply a batch's share by n / (n - 1), n = batch × height × width.

    On TensorFlow, pictures `(batch, height, width, channels)` in float16, bfloat16 or float32
    go through TensorFlow's fused kernel: one operation in place of about ten, a fused gradient,
    float32 statistics whatever the input is. All else goes through Keras's own operations.

    Args:
        momentum: share of the old moving statistics kept at each training step.
        epsilon: added to the variance.
        **kwargs: as in `keras.layers.BatchNormalization`.

    Example:
        >>> layer = BatchNorm()
        >>> images = keras.ops.reshape(keras.ops.arange(4, dtype="float32"), (1, 2, 2, 1))
        >>> layer(images, training=True).shape == images.shape
        True
        >>> round(float(layer.moving_variance[0]), 3)  # 0.9 × 1 + 0.1 × 1.25
        1.025

    Source: fastai `BatchNorm` for the defaults.
    Differs: PyTorch and fastai keep the unbiased variance.
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs, training=None, mask=None):
        """Normalises `inputs`; with `training` by the batch's statistics, which it records."""
        if not self._fits_fused_kernel(inputs, mask):
            return super().call(inputs, training=training, mask=mask)
        learning = bool(training and self.trainable)
        outputs, mean, variance = self._fused(inputs, learning)
        if learning:
            self._record(mean, variance, keras.ops.size(inputs) // inputs.shape[-1])
        return keras.ops.cast(outputs, self.compute_dtype)

    def _fits_fused_kernel(self, inputs, mask):
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

    def _fused(self, inputs, learning):
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

    def _record(self, mean, unbiased_variance, count):
        count = keras.ops.cast(count, "float32")
        biased_variance = unbiased_variance * ((count - 1) / count)
        for moving, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, biased_variance),
        ):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
