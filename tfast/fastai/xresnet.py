"""fastai's XResNets, and timm's networks of the same build, to ours and back."""

import itertools
import re

import numpy as np

from tfast.fastai.conversion import (
    CONVOLUTION,
    DENSE,
    Entry,
    assign_entries,
    batch_norm_entries,
    read_entries,
)
from tfast.fastai.xresnet_names import FastaiNames, TimmNames
from tfast.vision.xresnet import xresnet


def xresnet_from_fastai(state_dict, *, activation="relu"):
    """An XResNet with the weights of fastai's `XResNet` or of timm's `resnet{18,34,50,101}d`.

    Depth, widths, stem, groups, squeeze-excite, self-attention, input channels and classes are
    read from names and shapes.

    Args:
        state_dict: mapping of names to arrays (see `load_weights`).
        activation: the one thing that weights do not tell: "relu", "mish" ...

    Returns:
        The model, and the sorted list of the tensors that said nothing new.

    Raises:
        ValueError: tensors are missing, left over or misshapen; all are named.

    Example:
        >>> model = xresnet(3, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))
        >>> copy, _ = xresnet_from_fastai(xresnet_to_fastai(model))
        >>> [w.shape for w in copy.weights] == [w.shape for w in model.weights]
        True

    Source: `fastai.vision.models.xresnet.XResNet`, `timm.models.resnet.resnet50d`.
    """
    names = names_in(state_dict)
    head = f"{names.logits()}.weight"
    if head not in state_dict:
        raise ValueError(f"missing {head}: the network has no last layer")
    sizes = infer_sizes(state_dict, names)
    model = xresnet(np.shape(state_dict[head])[0], activation=activation, **sizes)
    return model, assign_entries(xresnet_entries(model, names), state_dict)


def xresnet_to_fastai(model):
    """The state dict that fastai's `XResNet` of the same build loads.

    Args:
        model: what a function of `tfast.vision.xresnet` made.

    Returns:
        dict of name to array in PyTorch's layout.

    Raises:
        ValueError: the model is no XResNet.

    Example:
        >>> model = xresnet(3, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))
        >>> xresnet_to_fastai(model)["8.weight"].shape
        (3, 64)
    """
    return read_entries(xresnet_entries(model, names_for(model)))


def names_for(model, prefix=""):
    """The `FastaiNames` that fit a model with the body of an XResNet."""
    stems = _count(model, "stem_{}_conv")
    stages = _count(model, "stage_{}_block_0_0_conv")
    if not stems or not stages:
        raise ValueError(f"model {model.name!r} has no layers of an XResNet")
    return FastaiNames(stems, stages, prefix)


def names_in(state_dict, prefix=""):
    """The naming that a state dict follows: `FastaiNames` or `TimmNames`."""
    if "conv1.0.weight" in state_dict:
        return TimmNames()
    pattern = re.compile(re.escape(prefix) + r"(\d+)\.(0\.weight|0\.convpath)")
    found = {match[1]: match[2] for name in state_dict if (match := pattern.match(name))}
    kinds = list(found.values())
    num_stems = kinds.count("0.weight")
    if not num_stems or num_stems == len(kinds):
        raise ValueError(
            "neither fastai's XResNet nor timm's resnet*d: the names begin with "
            f"{', '.join(list(state_dict)[:3])}"
        )
    return FastaiNames(num_stems, len(kinds) - num_stems, prefix)


def xresnet_entries(model, names):
    """An `Entry` for each variable of an XResNet.

    Args:
        model: what a function of `tfast.vision.xresnet` made.
        names: `FastaiNames` or `TimmNames`.
    """
    dense, name = model.get_layer("logits"), names.logits()
    return [
        *body_entries(model, names),
        Entry(dense.kernel, (f"{name}.weight",), DENSE),
        Entry(dense.bias, (f"{name}.bias",)),
    ]


def body_entries(model, names):
    """An `Entry` for each variable before the pooling; see `xresnet_entries`."""
    entries = []
    for i in range(_count(model, "stem_{}_conv")):
        entries += _conv_bn_entries(model, f"stem_{i}", names.stem(i))
    for stage in range(_count(model, "stage_{}_block_0_0_conv")):
        for block in range(_count(model, f"stage_{stage}_block_{{}}_0_conv")):
            entries += _block_entries(model, names, stage, block)
    return entries


def _block_entries(model, names, stage, block):
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


def _conv_bn_entries(model, ours, names):
    convolution, batch_norm = names
    return [
        Entry(model.get_layer(f"{ours}_conv").kernel, (f"{convolution}.weight",), CONVOLUTION),
        *batch_norm_entries(model.get_layer(f"{ours}_norm"), batch_norm),
    ]


def _has(model, name):
    return any(layer.name == name for layer in model.layers)


def _count(model, pattern):
    names = {layer.name for layer in model.layers}
    return next(i for i in itertools.count() if pattern.format(i) not in names)


def infer_sizes(state_dict, names):
    """Arguments of `tfast.vision.xresnet.xresnet`, but for classes and activation.

    Args:
        state_dict: mapping of names to arrays.
        names: `FastaiNames` or `TimmNames`.
    """
    shapes = {name: np.shape(array) for name, array in state_dict.items()}

    def kernels(names_of):
        """Shapes (out, in, height, width) of the convolutions there are, counted from 0."""
        weights = (f"{names_of(i)[0]}.weight" for i in itertools.count())
        return [shapes[name] for name in itertools.takewhile(shapes.__contains__, weights)]

    stem = kernels(names.stem)
    block_counts = []
    while blocks := len(kernels(lambda b: names.convolution(len(block_counts), b, 0))):
        block_counts.append(blocks)
    first = kernels(lambda k: names.convolution(0, 0, k))
    if not stem or len(first) not in (2, 3):
        raise ValueError(f"expected blocks of 2 or 3 convolutions, got {len(first)}")
    inputs = [stem[-1][0], *(shape[0] for shape in first)]
    three = len(first) - 2  # which convolution is the first 3×3
    scales = [shape[0] // 64 for shape in first]
    reduce, _ = names.squeeze(len(block_counts) - 1, 0, len(first))
    units, channels = shapes.get(f"{reduce}.weight", (0, 0, 1, 1))[:2]
    return {
        "block_counts": tuple(block_counts),
        "expansion": scales[-1],
        "inner_scales": (scales[0], scales[three]),
        "groups": inputs[three] // first[three][1],
        "squeeze_reduction": channels // units if units else 0,
        "self_attention": any(name.endswith(".conv.weight_orig") for name in shapes),
        "input_shape": (None, None, stem[0][1]),
        "stem_widths": tuple(shape[0] for shape in stem),
    }
