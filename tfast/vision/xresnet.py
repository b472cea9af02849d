"""XResNet: a residual network with the small changes that made ResNet better.

    xresnet                               stem, stages of blocks, pooling, dense
    XRESNETS                              its arguments for each size and variant, by name; from
                                          `xresnet_sizes`, which imports nothing

    xresnet{18,34,50,101,152,200}         the sizes; timm's resnet{...}d are the same networks
    xresnet{18,34,50}_deep, _deeper       six and eight stages
    xse_resnet{18,34,50,101,152}          squeeze-excite
    xresnext{18,34,50,101}                32 groups
    xse_resnext{18,34,50,101}             both
    xse_resnext{18,34,50}_deep, _deeper   all three

`activation="mish"` and `self_attention=True` go with any of them.

Layers are named by their position, counted from 0, and the names stay: `stem_{i}_conv`,
`stage_{i}_block_{j}_{k}_conv`, `stage_{i}_block_{j}_shortcut_norm`, ..., `pool`, `dropout`,
`logits`. A converter finds every weight by them.

Source: He et al. (2018), "Bag of Tricks for Image Classification with Convolutional Neural
Networks", arXiv:1812.01187; fastai `XResNet`; timm `resnet200d`.
Differs: fastai's `xsenet154` is left out: its arguments are mixed up there, it builds nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from tfast import arguments
from tfast.types import Tensor
from tfast.vision.layer_groups import layer_groups as layer_groups  # to find it where models are
from tfast.vision.layers.residual_blocks import StemPooling, conv_bn, residual_block
from tfast.vision.xresnet_sizes import XRESNETS


def xresnet(
    num_classes: int,
    *,
    block_counts: Sequence[int],
    expansion: int,
    inner_scales: tuple[int, int] = (1, 1),
    groups: int = 1,
    squeeze_reduction: int = 0,
    self_attention: bool = False,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    stem_widths: Sequence[int] = (32, 32, 64),
    activation: str | Callable[[Tensor], Tensor] = "relu",
    drop_rate: float = 0.0,
    name: str = "xresnet",
) -> keras.Model:
    """An untrained XResNet from images to logits.

    Stage i has width 64, 128, 256, 512, then 256 for any further one; all but the first halve
    height and width, after the stem has made a quarter of them. Odd sizes are rounded up.

    Args:
        num_classes: length of the logits.
        block_counts: residual blocks in each stage.
        expansion: 1 for basic blocks (3×3, 3×3); more for bottlenecks (1×1, 3×3, 1×1) whose
            result is so many times the stage's width.
        inner_scales: widths of the 1×1 and of the 3×3 convolution inside a block, as multiples
            of the stage's width. Basic blocks have the 3×3 alone.
        groups: of the first 3×3 convolution of each block (ResNeXt).
        squeeze_reduction: above 0, blocks end in `squeeze_excite` with it.
        self_attention: whether one block has `SimpleSelfAttention`: the last of the first
            stage, or, with more than four stages, of the fourth from the end.
        input_shape: `(height, width, channels)` of the images; None where sizes vary.
        stem_widths: widths of the 3×3 convolutions before the first stage.
        activation: name or function, after each convolution but those that end a block.
        drop_rate: dropout before the last layer, in [0, 1).
        name: of the model.

    Returns:
        A Functional `keras.Model`: images `(batch, height, width, channels)`, floating,
        normalised, to float32 logits `(batch, num_classes)`, whatever the dtype policy.

    Raises:
        ValueError: a size that is no positive integer, a rate out of range.

    Examples:
        >>> model = xresnet(10, block_counts=(1, 1), expansion=1, stem_widths=(8,))
        >>> model(keras.ops.zeros((2, 33, 32, 3))).shape == (2, 10)
        True

    Source: fastai `XResNet`.
    """
    num_classes = arguments.whole_number("num_classes", num_classes)
    block_counts = _sizes("block_counts", block_counts)
    stem_widths = _sizes("stem_widths", stem_widths)
    if len(input_shape) != 3 or input_shape[-1] is None:
        raise ValueError(f"input_shape must be (height, width, channels), got {input_shape!r}")
    drop_rate = arguments.fraction("drop_rate", drop_rate)

    images = x = keras.Input(input_shape, name="images")
    for i, width in enumerate(stem_widths):
        strides = 2 if i == 0 else 1
        x = conv_bn(x, width, 3, strides=strides, activation=activation, name=f"stem_{i}")
    x = StemPooling(name="stem_pool")(x)
    for i, count in enumerate(block_counts):
        width = (64, 128, 256, 512)[i] if i < 4 else 256
        attended = self_attention and i == max(0, len(block_counts) - 4)
        for j in range(count):
            x = residual_block(
                x,
                _convolutions(width, expansion, inner_scales, groups),
                strides=2 if i > 0 and j == 0 else 1,
                activation=activation,
                squeeze_reduction=squeeze_reduction,
                self_attention=attended and j == count - 1,
                name=f"stage_{i}_block_{j}",
            )
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(drop_rate, name="dropout")(x)
    # float32 under every policy: a loss on float16 logits overflows.
    dense = layers.Dense(
        num_classes, kernel_initializer="he_normal", dtype="float32", name="logits"
    )
    return keras.Model(images, dense(x), name=name)


def _sizes(name: str, sizes: Sequence[int]) -> list[int]:
    if not sizes:
        raise ValueError(f"{name} must hold one whole number or more, got {sizes!r}")
    return [arguments.whole_number(name, size) for size in sizes]


def _convolutions(
    width: int, expansion: int, inner_scales: tuple[int, int], groups: int
) -> list[tuple[int, int, int]]:
    one, three = (scale * width for scale in inner_scales)
    if expansion == 1:
        return [(three, 3, groups), (width, 3, 1)]
    return [(one, 1, 1), (three, 3, groups), (expansion * width, 1, 1)]


def _named(name: str) -> Callable[..., keras.Model]:
    def build(num_classes: int, **options: Any) -> keras.Model:
        return xresnet(num_classes, **{"name": name} | XRESNETS[name] | options)

    build.__name__ = build.__qualname__ = name
    build.__doc__ = f"`xresnet` with `XRESNETS[{name!r}]`; `options` are its other arguments."
    return build


xresnet18 = _named("xresnet18")
xresnet34 = _named("xresnet34")
xresnet50 = _named("xresnet50")
xresnet101 = _named("xresnet101")
xresnet152 = _named("xresnet152")
xresnet200 = _named("xresnet200")
xresnet18_deep = _named("xresnet18_deep")
xresnet34_deep = _named("xresnet34_deep")
xresnet50_deep = _named("xresnet50_deep")
xresnet18_deeper = _named("xresnet18_deeper")
xresnet34_deeper = _named("xresnet34_deeper")
xresnet50_deeper = _named("xresnet50_deeper")
xse_resnet18 = _named("xse_resnet18")
xse_resnet34 = _named("xse_resnet34")
xse_resnet50 = _named("xse_resnet50")
xse_resnet101 = _named("xse_resnet101")
xse_resnet152 = _named("xse_resnet152")
xresnext18 = _named("xresnext18")
xresnext34 = _named("xresnext34")
xresnext50 = _named("xresnext50")
xresnext101 = _named("xresnext101")
xse_resnext18 = _named("xse_resnext18")
xse_resnext34 = _named("xse_resnext34")
xse_resnext50 = _named("xse_resnext50")
xse_resnext101 = _named("xse_resnext101")
xse_resnext18_deep = _named("xse_resnext18_deep")
xse_resnext34_deep = _named("xse_resnext34_deep")
xse_resnext50_deep = _named("xse_resnext50_deep")
xse_resnext18_deeper = _named("xse_resnext18_deeper")
xse_resnext34_deeper = _named("xse_resnext34_deeper")
xse_resnext50_deeper = _named("xse_resnext50_deeper")
