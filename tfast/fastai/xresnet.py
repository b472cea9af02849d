"""fastai's XResNets, and timm's networks of the same build, to ours and back."""

import itertools

import keras
import numpy as np

from tfast.fastai.conversion import (
    CONVOLUTION,
    DENSE,
    Entry,
    StateDict,
    assign_entries,
    batch_norm_entries,
    check_tensors,
    read_entries,
)
from tfast.fastai.xresnet_names import FastaiNames, Names, names_in
from tfast.fastai.xresnet_sizes import checked_sizes
from tfast.vision.xresnet import xresnet


def xresnet_from_fastai(state_dict: StateDict, *, activation: str = "relu") -> keras.Model:
    """An XResNet with the weights of fastai's `XResNet` or of timm's `resnet50d` and the like.

    Depth, widths, stem, groups, squeeze-excite, self-attention, input channels and classes are
    read from names and shapes. timm's `resnet{18,34,50,101,152,200}d` are of this build, and the
    names of fastai before 2.0, as in fast.ai's `xrn50_940.pth`, are read too.

    Args:
        state_dict: mapping of names to arrays (see `load_weights`).
        activation: the one thing that weights do not tell: "relu", "mish" ...

    Returns:
        The model, from images `(batch, height, width, channels)` to logits.

    Raises:
        ValueError: tensors are missing, left over or misshapen; all are named.

    Examples:
        >>> model = xresnet(3, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))
        >>> copy = xresnet_from_fastai(xresnet_to_fastai(model))
        >>> [w.shape for w in copy.weights] == [w.shape for w in model.weights]
        True

    Source: `fastai.vision.models.xresnet.XResNet`, `timm.models.resnet.resnet50d`.
    """
    check_tensors(state_dict)
    names = names_in(state_dict)
    num_classes, sizes = checked_sizes(state_dict, names, f"{names.logits()}.weight")
    model = xresnet(num_classes, activation=activation, **sizes)
    assign_entries(xresnet_entries(model, names), state_dict)
    return model


def xresnet_to_fastai(model: keras.Model) -> dict[str, np.ndarray]:
    """The state dict that fastai's `XResNet` of the same build loads.

    Args:
        model: what a function of `tfast.vision.xresnet` made.

    Returns:
        dict of name to array in PyTorch's layout.

    Raises:
        ValueError: the model is no XResNet.

    Examples:
        >>> model = xresnet(3, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))
        >>> xresnet_to_fastai(model)["8.weight"].shape
        (3, 64)
    """
    return read_entries(xresnet_entries(model, names_for(model)))


def names_for(model: keras.Model, prefix: str = "") -> FastaiNames:
    """The `FastaiNames` that fit a model with the body of an XResNet."""
    stems = _count(model, "stem_{}_conv")
    stages = _count(model, "stage_{}_block_0_0_conv")
    if not stems or not stages:
        raise ValueError(f"model {model.name!r} has no layers of an XResNet")
    return FastaiNames(stems, stages, prefix)


def xresnet_entries(model: keras.Model, names: Names) -> list[Entry]:
    """An `Entry` for each variable of an XResNet.

    Args:
        model: what a function of `tfast.vision.xresnet` made.
        names: what the tensors are called.
    """
    dense, name = model.get_layer("logits"), names.logits()
    return [
        *body_entries(model, names),
        Entry(dense.kernel, (f"{name}.weight",), DENSE),
        Entry(dense.bias, (f"{name}.bias",)),
    ]


def body_entries(model: keras.Model, names: Names) -> list[Entry]:
    """An `Entry` for each variable before the pooling; see `xresnet_entries`."""
    entries = []
    for i in range(_count(model, "stem_{}_conv")):
        entries += _conv_bn_entries(model, f"stem_{i}", names.stem(i))
    for stage in range(_count(model, "stage_{}_block_0_0_conv")):
        for block in range(_count(model, f"stage_{stage}_block_{{}}_0_conv")):
            entries += _block_entries(model, names, stage, block)
    return entries


def _block_entries(model: keras.Model, names: Names, stage: int, block: int) -> list[Entry]:
    ours, entries = f"stage_{stage}_block_{block}", []
    parts = _count(model, f"{ours}_{{}}_conv")
    for k in range(parts):
        entries += _conv_bn_entries(model, f"{ours}_{k}", names.convolution(stage, block, k))
    if _has(model, f"{ours}_squeeze_reduce"):
        for part, name in zip(
            ("reduce", "expand"), names.squeeze(stage, block, parts), strict=True
        ):
            dense = model.get_layer(f"{ours}_squeeze_{part}")
            entries += [
                Entry(dense.kernel, (f"{name}.weight",), DENSE, trailing=2),
                Entry(dense.bias, (f"{name}.bias",)),
            ]
        parts += 1
    if _has(model, f"{ours}_attention"):
        layer, name = model.get_layer(f"{ours}_attention"), names.attention(stage, block, parts)
        entries += [
            Entry(layer.gamma, (f"{name}.gamma",), trailing=1),
            Entry(layer.kernel, (f"{name}.conv.weight_orig",), DENSE, trailing=1),
            Entry(layer.left, (f"{name}.conv.weight_u",)),
            Entry(layer.right, (f"{name}.conv.weight_v",)),
        ]
    if _has(model, f"{ours}_shortcut_conv"):
        pooled = _has(model, f"{ours}_shortcut_pool")
        entries += _conv_bn_entries(
            model, f"{ours}_shortcut", names.shortcut(stage, block, pooled=pooled)
        )
    return entries


def _conv_bn_entries(model: keras.Model, ours: str, names: tuple[str, str]) -> list[Entry]:
    convolution, batch_norm = names
    return [
        Entry(model.get_layer(f"{ours}_conv").kernel, (f"{convolution}.weight",), CONVOLUTION),
        *batch_norm_entries(model.get_layer(f"{ours}_norm"), batch_norm),
    ]


def _has(model: keras.Model, name: str) -> bool:
    return any(layer.name == name for layer in model.layers)


def _count(model: keras.Model, pattern: str) -> int:
    names = {layer.name for layer in model.layers}
    return next(i for i in itertools.count() if pattern.format(i) not in names)
