"""Attention over the positions of an image, the short form that fastai's leaderboard uses."""

from typing import Any

import keras
from keras import ops

from tfast.types import Tensor


@keras.saving.register_keras_serializable(package="tfast")
class SimpleSelfAttention(keras.layers.Layer):
    """Adds to each position a mix of its channels, weighed by their Gram matrix.

    With images as matrices X `(positions, channels)`: X + gamma · (X Wᵀ) (Xᵀ X), where W is
    divided by its largest singular value. That value comes from power iteration, one step for
    each training step. `gamma` starts at 0, so the layer starts as the identity.

    Input and output: `(batch, height, width, channels)`, floating. The products are computed
    in float32 at least: sums over all positions leave the range of float16.

    Weights: `gamma ()`, `kernel (channels in, channels out)`, and for the power iteration
    `left (channels out,)` and `right (channels in,)`, not trained.

    Examples:
        >>> images = keras.random.normal((2, 4, 4, 8))
        >>> bool(ops.all(SimpleSelfAttention()(images) == images))
        True

    Source: fastai `SimpleSelfAttention`; Miyato et al. (2018), arXiv:1802.05957, for the
    spectral norm.
    """

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the weights for the channels of `input_shape`."""
        channels = input_shape[-1]

        def weight(
            name: str, shape: tuple[int, ...], initializer: Any, trainable: bool = True
        ) -> keras.Variable:
            return self.add_weight(
                shape=shape,
                initializer=initializer,
                trainable=trainable,
                autocast=False,
                name=name,
            )

        direction = keras.initializers.RandomNormal(stddev=channels**-0.5)
        self.gamma = weight("gamma", (), "zeros")
        self.kernel = weight("kernel", (channels, channels), "he_normal")
        self.left = weight("left", (channels,), direction, trainable=False)
        self.right = weight("right", (channels,), direction.clone(), trainable=False)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Images `(batch, height, width, channels)` to the same shape and dtype."""
        shape, dtype = ops.shape(images), keras.backend.result_type(images.dtype, "float32")
        positions = ops.reshape(ops.cast(images, dtype), (shape[0], -1, images.shape[-1]))
        kernel = self.kernel / self._spectral_norm(training)
        values = ops.matmul(positions, ops.cast(kernel, dtype))
        gram = ops.matmul(ops.transpose(positions, (0, 2, 1)), positions)
        mixed = ops.matmul(values, gram)  # (batch, positions, channels)
        attended = ops.cast(self.gamma, dtype) * mixed + positions
        return ops.cast(ops.reshape(attended, shape), self.compute_dtype)

    def _spectral_norm(self, training: bool) -> Tensor:
        if training and self.trainable:
            # A constant for the gradient: at the maximum the directions do not count.
            fixed = ops.stop_gradient(self.kernel)
            self.right.assign(ops.normalize(ops.matmul(fixed, self.left), epsilon=1e-12))
            self.left.assign(ops.normalize(ops.matmul(self.right, fixed), epsilon=1e-12))
        return ops.vdot(self.right, ops.matmul(self.kernel, self.left))
