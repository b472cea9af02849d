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
    """The naming that a state dict follows: `FastaiNames` or `TimmNames`.

    Tensors may be missing: what is there of the last stem and of the last stage tells how many
    there are.
    """
    if any(name.startswith(("conv1.0.", "conv1.3.")) for name in state_dict):
        return TimmNames()

    def largest(part):
        pattern = re.compile(rf"{re.escape(prefix)}(\d+)\.{part}")
        return max((int(m[1]) for name in state_dict if (m := pattern.match(name))), default=0)

    num_stems = largest(r"[01]\.(weight|bias|running_)") + 1
    num_stages = largest(r"\d+\.convpath\.") - num_stems  # the pooling is between them
    if num_stages < 1:
        raise ValueError(
            "neither fastai's XResNet nor timm's resnet*d: the names begin with "
            f"{', '.join(list(state_dict)[:3])}"
        )
    return FastaiNames(num_stems, num_stages, prefix)


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

    Raises:
        ValueError: a tensor that tells the build is missing; it is named.
    """
    modules = {name[: dot.start()] for name in state_dict for dot in re.finditer(r"\.", name)}

    def count(*names_of):
        """One more than the largest number of which there is any tensor; at least 1."""
        numbers = range(len(modules))
        return max((i for i in numbers if any(n(i) in modules for n in names_of)), default=0) + 1

    def kernel(names_of, i):
        """Shape (out, in, height, width) of a convolution."""
        name = f"{names_of(i)[0]}.weight"
        if name not in state_dict:
            raise ValueError(f"missing {name}: it tells how the network is built")
        return np.shape(state_dict[name])

    def first_block(k):
        return names.convolution(0, 0, k)

    stem = [kernel(names.stem, i) for i in range(names.num_stems)]
    stages = range(names.num_stages)
    block_counts = tuple(count(lambda i, s=stage: names.block(s, i)) for stage in stages)
    depth = count(lambda k: first_block(k)[0], lambda k: first_block(k)[1])
    if depth not in (2, 3):
        raise ValueError(f"expected blocks of 2 or 3 convolutions, got {depth}")
    first = [kernel(first_block, k) for k in range(depth)]
    inputs = [stem[-1][0], *(shape[0] for shape in first)]
    three = depth - 2  # which convolution is the first 3×3
    scales = [shape[0] // 64 for shape in first]
    reduce, _ = names.squeeze(len(block_counts) - 1, 0, depth)
    units, channels = np.shape(state_dict.get(f"{reduce}.weight", np.empty((0, 0))))[:2]
    return {
        "block_counts": block_counts,
        "expansion": scales[-1],
        "inner_scales": (scales[0], scales[three]),
        "groups": inputs[three] // first[three][1],
        "squeeze_reduction": channels // units if units else 0,
        "self_attention": any(name.endswith(".conv.weight_orig") for name in state_dict),
        "input_shape": (None, None, stem[0][1]),
        "stem_widths": tuple(shape[0] for shape in stem),
    }
