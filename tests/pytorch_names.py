"""PyTorch's names for the weights of an XResNet, and their values in Keras's layout."""

import re

import numpy as np

# What a layer's variable is called in a PyTorch module of the same kind.
VARIABLES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
ATTENTION = {
    "kernel": "conv.weight_orig",
    "gamma": "gamma",
    "left": "conv.weight_u",
    "right": "conv.weight_v",
}


def fastai_name(path, model):
    """`stage_1_block_0_2_norm/gamma` to `5.0.convpath.2.1.weight`, and so on."""
    layer, variable = path.split("/")[-2:]
    stages = 1 + max(int(i) for i in re.findall(r"stage_(\d+)", " ".join(names_of(model))))
    if layer == "logits":
        return f"{4 + stages + 3}.{VARIABLES[variable]}"  # after pooling, flattening, dropout
    if match := re.fullmatch(r"stem_(\d+)_(conv|norm)", layer):
        return f"{match[1]}.{place(match[2])}.{VARIABLES[variable]}"
    stage, block, part = re.fullmatch(r"stage_(\d+)_block_(\d+)_(.+)", layer).groups()
    module = f"{4 + int(stage)}.{block}"
    convolutions = sum(
        bool(re.fullmatch(rf"stage_{stage}_block_{block}_\d+_conv", name))
        for name in names_of(model)
    )
    if match := re.fullmatch(r"(\d+)_(conv|norm)", part):
        return f"{module}.convpath.{match[1]}.{place(match[2])}.{VARIABLES[variable]}"
    if match := re.fullmatch(r"shortcut_(conv|norm)", part):
        pooled = f"stage_{stage}_block_{block}_shortcut_pool" in names_of(model)
        return f"{module}.idpath.{int(pooled)}.{place(match[1])}.{VARIABLES[variable]}"
    if match := re.fullmatch(r"squeeze_(reduce|expand)", part):
        number = {"reduce": 1, "expand": 2}[match[1]]
        return f"{module}.convpath.{convolutions}.layers.{number}.0.{VARIABLES[variable]}"
    squeezed = f"stage_{stage}_block_{block}_squeeze_pool" in names_of(model)
    return f"{module}.convpath.{convolutions + squeezed}.{ATTENTION[variable]}"


def timm_name(path, model):
    """`stage_1_block_0_2_norm/gamma` to `layer2.0.bn3.weight`, and so on."""
    layer, variable = path.split("/")[-2:]
    variable = VARIABLES[variable]
    if layer == "logits":
        return f"fc.{variable}"
    if match := re.fullmatch(r"stem_(\d+)_(conv|norm)", layer):
        place_in_stem = 3 * int(match[1]) + place(match[2])
        return f"bn1.{variable}" if place_in_stem == 7 else f"conv1.{place_in_stem}.{variable}"
    stage, block, part, kind = re.fullmatch(
        r"stage_(\d+)_block_(\d+)_(\d+|shortcut)_(conv|norm)", layer
    ).groups()
    module = f"layer{int(stage) + 1}.{block}"
    if part == "shortcut":
        return f"{module}.downsample.{1 + place(kind)}.{variable}"
    return f"{module}.{'conv' if kind == 'conv' else 'bn'}{int(part) + 1}.{variable}"


def names_of(model):
    return [layer.name for layer in model.layers]


def place(kind):
    return {"conv": 0, "norm": 1}[kind]


def keras_layout(array, shape):
    """A PyTorch weight for a Keras variable of `shape`."""
    array = np.asarray(array)
    if array.ndim == 4:  # out, in, height, width
        array = array.transpose(2, 3, 1, 0)
    elif array.ndim in (2, 3):  # out, in(, 1)
        array = array.reshape(array.shape[:2]).T
    return array.reshape(shape)


def load_state_dict(model, state, name_of=fastai_name):
    """Sets every weight of `model`; each entry of `state` must be used once."""
    state = {name: a for name, a in state.items() if not name.endswith("num_batches_tracked")}
    for weight in model.weights:
        weight.assign(keras_layout(state.pop(name_of(weight.path, model)), weight.shape))
    assert not state, f"not used: {list(state)[:5]}"
