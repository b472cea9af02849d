"""The parts that XResNet is built of: convolution and batch norm, residual block.

    Convolution     Conv2D that wastes nothing on 1×1 feature maps
    StemPooling     max pooling whose windows are where PyTorch's are
    conv_bn         convolution, batch norm, activation
    squeeze_excite  channels scaled by what the whole image shows
    residual_block  some `conv_bn` beside a shortcut

Functions from Keras tensors to Keras tensors; each names its layers after its own `name`.
"""

import math
from collections.abc import Callable, Sequence

import keras
from keras import layers, ops

from tfast.training.batch_norm import BatchNorm
from tfast.types import Tensor
from tfast.vision.layers.self_attention import SimpleSelfAttention


@keras.saving.register_keras_serializable(package="tfast")
class Convolution(layers.Conv2D):
    """`keras.layers.Conv2D`, with a shortcut for 1×1 feature maps.

    There a "same" convolution multiplies by the middle of its kernel alone: all else meets
    padding. TensorFlow computes with the whole kernel all the same, and on CPU (2.21, oneDNN)
    the gradient of such a kernel takes many times as long as the convolution. XResNet-18 on
    32×32 images has three of them, and they were a large part of its training step.

    Examples:
        >>> layer = Convolution(4, 3, padding="same")
        >>> layer(ops.ones((2, 1, 1, 3))).shape == (2, 1, 1, 4)
        True
    """

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Convolves `inputs` `(batch, height, width, channels)` with `kernel`."""
        height, width = self.kernel_size
        if not (
            tuple(inputs.shape[1:3]) == (1, 1)
            and self.padding == "same"
            and self.data_format == "channels_last"
            and self.groups == 1
            and height % 2 == width % 2 == 1
        ):
            return super().convolution_op(inputs, kernel)
        vectors = ops.reshape(inputs, (-1, inputs.shape[-1]))
        outputs = ops.matmul(vectors, kernel[height // 2, width // 2])
        return ops.reshape(outputs, (-1, 1, 1, self.filters))


@keras.saving.register_keras_serializable(package="tfast")
class StemPooling(layers.Layer):
    """Largest value of each 3×3 window, every second row and column, centred as in PyTorch.

    `(batch, height, width, channels)` to half the height and width, rounded up. Keras's
    `padding="same"` puts the windows of even sizes one pixel further on, and padding with
    zeros would be wrong for activations below 0. A window that holds NaN gives NaN.

    Examples:
        >>> images = ops.reshape(ops.arange(4, dtype="float32"), (1, 1, 4, 1))
        >>> [float(value) for value in ops.ravel(StemPooling()(images))]
        [1.0, 3.0]
    """

    def call(self, images: Tensor) -> Tensor:
        """Pools `images`."""
        padding = ((0, 0), (1, 1), (1, 1), (0, 0))
        padded = ops.pad(images, padding, constant_values=-math.inf)
        largest = ops.max_pool(padded, 3, strides=2)
        if keras.backend.backend() != "tensorflow":
            return largest
        # TensorFlow's maximum passes over NaN, and a network that has broken would go on as if
        # nothing were wrong, its stem a constant. A mean does not pass over it.
        mean = ops.average_pool(ops.pad(ops.stop_gradient(images), padding), 3, strides=2)
        return ops.where(ops.isnan(mean), mean, largest)


def conv_bn(
    x: Tensor,
    filters: int,
    kernel_size: int,
    *,
    name: str,
    strides: int = 1,
    groups: int = 1,
    activation: str | Callable[[Tensor], Tensor] | None = None,
    gamma: str = "ones",
) -> Tensor:
    """Convolution without bias, batch norm, activation; layers `{name}_conv`, `{name}_norm`...

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        filters: channels of the result.
        kernel_size: height and width of the kernel, odd.
        name: prefix of the layers' names.
        strides: 1 or 2. The result has `ceil(height / strides)` rows, columns likewise.
        groups: channels are convolved in so many groups of their own.
        activation: name or function; None for none.
        gamma: initializer of the batch norm's scale.

    Returns:
        Keras tensor `(batch, height / strides, width / strides, filters)`.

    Examples:
        >>> conv_bn(keras.Input((7, 7, 3)), 8, 3, strides=2, name="first").shape
        (None, 4, 4, 8)

    Source: fastai `ConvLayer`.
    """
    if strides > 1 and kernel_size > 1:
        # TensorFlow's "same" is not symmetric for strides: it pads even sizes at the end alone.
        x = layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
    x = Convolution(
        filters,
        kernel_size,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        groups=groups,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    x = BatchNorm(gamma_initializer=gamma, name=f"{name}_norm")(x)
    return x if activation is None else layers.Activation(activation, name=f"{name}_activation")(x)


def squeeze_excite(
    x: Tensor, *, reduction: int, activation: str | Callable[[Tensor], Tensor], name: str
) -> Tensor:
    """Scales each channel by a number in (0, 1) computed from the means of all channels.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        reduction: the layer between has `channels / reduction` units, rounded up to eights.
        activation: of the layer between.
        name: prefix of the layers' names.

    Examples:
        >>> x = keras.Input((7, 7, 64))
        >>> squeeze_excite(x, reduction=16, activation="relu", name="squeeze").shape
        (None, 7, 7, 64)

    Source: Hu et al. (2018), arXiv:1709.01507; fastai `SEModule`.
    """
    channels = x.shape[-1]
    units = math.ceil(channels // reduction / 8) * 8
    weights = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(x)
    for part, size, function in (("reduce", units, activation), ("expand", channels, "sigmoid")):
        weights = layers.Dense(
            size, activation=function, kernel_initializer="he_normal", name=f"{name}_{part}"
        )(weights)
    return layers.Multiply(name=f"{name}_scale")([x, weights])


def residual_block(
    x: Tensor,
    convolutions: Sequence[tuple[int, int, int]],
    *,
    name: str,
    strides: int = 1,
    activation: str | Callable[[Tensor], Tensor] = "relu",
    squeeze_reduction: int = 0,
    self_attention: bool = False,
) -> Tensor:
    """Convolutions beside a shortcut, added up.

    The shortcut is average pooling 2×2 where the block has strides (windows at the border of
    odd sizes average what they have), then a 1×1 convolution where the width changes. Gamma of
    the last batch norm starts at 0, so that the block starts as its shortcut.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        convolutions: list of `(filters, kernel_size, groups)`; the strides are those of the
            first with a kernel larger than 1.
        name: prefix of the layers' names.
        strides: 1 or 2.
        activation: after each convolution but the last, and after the addition.
        squeeze_reduction: see `squeeze_excite`; 0 for none.
        self_attention: whether `SimpleSelfAttention` ends the convolutions.

    Returns:
        Keras tensor `(batch, height / strides, width / strides, filters)`, rounded up.

    Examples:
        >>> x = keras.Input((7, 7, 16))
        >>> residual_block(x, [(32, 3, 1), (32, 3, 1)], strides=2, name="block").shape
        (None, 4, 4, 32)

    Source: fastai `ResBlock`.
    """
    shortcut, width, last = x, convolutions[-1][0], len(convolutions) - 1
    strided = next(k for k, (_, kernel_size, _) in enumerate(convolutions) if kernel_size > 1)
    for k, (filters, kernel_size, groups) in enumerate(convolutions):
        x = conv_bn(
            x,
            filters,
            kernel_size,
            strides=strides if k == strided else 1,
            groups=groups,
            activation=None if k == last else activation,
            gamma="zeros" if k == last else "ones",
            name=f"{name}_{k}",
        )
    if squeeze_reduction:
        x = squeeze_excite(
            x, reduction=squeeze_reduction, activation=activation, name=f"{name}_squeeze"
        )
    if self_attention:
        x = SimpleSelfAttention(name=f"{name}_attention")(x)
    if strides > 1:
        # "same" counts no padding in the means: PyTorch's ceil_mode.
        pool = layers.AveragePooling2D(strides, padding="same", name=f"{name}_shortcut_pool")
        shortcut = pool(shortcut)
    if shortcut.shape[-1] != width:
        shortcut = conv_bn(shortcut, width, 1, name=f"{name}_shortcut")
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.Activation(activation, name=f"{name}_activation")(x)
