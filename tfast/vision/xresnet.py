"""XResNet: a residual network with the small changes that made ResNet better.

    xresnet          stem, stages of blocks, pooling, dense; every size is a call of it
    xresnet18 to 152 the sizes; `xresnet_variants` has more
    layer_groups     body and head, for freezing and layer-wise learning rates

Layers are named by their place, counted from 0, and the names stay: `stem_{i}_conv`,
`stage_{i}_block_{j}_{k}_conv`, `stage_{i}_block_{j}_shortcut_norm`, ..., `pool`, `dropout`,
`logits`. A converter finds every weight by them.

Source: He et al. (2018), "Bag of Tricks for Image Classification with Convolutional Neural
Networks", arXiv:1812.01187; fastai `XResNet`. timm's `resnet18d`, `resnet50d` and the like are
the same networks.
"""

import keras
from keras import layers

from tfast.vision.layers.residual_blocks import StemPooling, conv_bn, residual_block


def xresnet(
    num_classes,
    *,
    block_counts,
    expansion,
    inner_scales=(1, 1),
    groups=1,
    squeeze_reduction=0,
    self_attention=False,
    input_shape=(None, None, 3),
    stem_widths=(32, 32, 64),
    activation="relu",
    drop_rate=0.0,
    name="xresnet",
):
    """An untrained XResNet from pictures to logits.

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
            stage, or, with more than four stages, of the fourth from behind.
        input_shape: `(height, width, channels)` of the pictures; None where sizes vary.
        stem_widths: widths of the 3×3 convolutions before the first stage.
        activation: name or function, after each convolution but those that end a block.
        drop_rate: dropout before the last layer, in [0, 1).
        name: of the model.

    Returns:
        A Functional `keras.Model`: images `(batch, height, width, channels)`, floating,
        normalised, to float32 logits `(batch, num_classes)`, whatever the dtype policy.

    Raises:
        ValueError: a size that is no positive integer, a rate out of range.

    Example:
        >>> model = xresnet(10, block_counts=(1, 1), expansion=1, stem_widths=(8,))
        >>> model(keras.ops.zeros((2, 33, 32, 3))).shape == (2, 10)
        True

    Source: fastai `XResNet`.
    """
    _check_sizes("num_classes", [num_classes])
    _check_sizes("block_counts", block_counts)
    _check_sizes("stem_widths", stem_widths)
    if len(input_shape) != 3 or input_shape[-1] is None:
        raise ValueError(f"input_shape must be (height, width, channels), got {input_shape!r}")
    if not 0 <= drop_rate < 1:
        raise ValueError(f"drop_rate must be in [0, 1), got {drop_rate!r}")

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


def _check_sizes(name, sizes):
    if not sizes or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ValueError(f"{name} must be positive integers, got {sizes!r}")


def _convolutions(width, expansion, inner_scales, groups):
    one, three = (scale * width for scale in inner_scales)
    if expansion == 1:
        return [(three, 3, groups), (width, 3, 1)]
    return [(one, 1, 1), (three, 3, groups), (expansion * width, 1, 1)]


def xresnet18(num_classes, **options):
    """XResNet-18, 11.2 million parameters; `options` as in `xresnet`."""
    return xresnet(num_classes, block_counts=(2, 2, 2, 2), expansion=1, name="xresnet18", **options)


def xresnet34(num_classes, **options):
    """XResNet-34, 21.3 million parameters; `options` as in `xresnet`."""
    return xresnet(num_classes, block_counts=(3, 4, 6, 3), expansion=1, name="xresnet34", **options)


def xresnet50(num_classes, **options):
    """XResNet-50, 23.5 million parameters; `options` as in `xresnet`."""
    return xresnet(num_classes, block_counts=(3, 4, 6, 3), expansion=4, name="xresnet50", **options)


def xresnet101(num_classes, **options):
    """XResNet-101, 42.5 million parameters; `options` as in `xresnet`."""
    return xresnet(
        num_classes, block_counts=(3, 4, 23, 3), expansion=4, name="xresnet101", **options
    )


def xresnet152(num_classes, **options):
    """XResNet-152, 58.2 million parameters; `options` as in `xresnet`."""
    return xresnet(
        num_classes, block_counts=(3, 8, 36, 3), expansion=4, name="xresnet152", **options
    )


def layer_groups(model):
    """Body and head of a picture classifier, as `tfast.training` takes its groups of layers.

    The body reaches to the last layer that still gives a picture
    `(batch, height, width, channels)`; the head is what follows. So this also serves models of
    `tfast.vision.transfer` and of `keras.applications`.

    Args:
        model: a Functional or built Sequential `keras.Model`.

    Returns:
        `[body, head]`, lists of layers, the ones nearest the input first.

    Raises:
        ValueError: no layer gives a picture, or the last one does.

    Example:
        >>> body, head = layer_groups(xresnet(10, block_counts=(1,), expansion=1))
        >>> body[-1].name, [layer.name for layer in head]
        ('stage_0_block_0_activation', ['pool', 'dropout', 'logits'])
    """
    pictures = [i for i, layer in enumerate(model.layers) if len(layer.output.shape) == 4]
    if not pictures or pictures[-1] == len(model.layers) - 1:
        raise ValueError(
            f"model {model.name!r} must go from pictures (batch, height, width, channels) to "
            f"something else, its last layer gives {model.output_shape}"
        )
    cut = pictures[-1] + 1
    return [model.layers[:cut], model.layers[cut:]]
