"""Small networks as timm and fast.ai publish theirs."""

import json
import re

import safetensors.numpy
from golden_weights import golden_json, golden_state_dict

from tfast.fastai.conversion import read_entries
from tfast.fastai.xresnet import xresnet_entries
from tfast.fastai.xresnet_names import TimmNames
from tfast.vision.xresnet import xresnet

# As on the hub, but for the sizes: `timm/resnet50d.a3_in1k` and the ra4 weights in one.
SETTINGS = {
    "tag": "test_in1k",
    "custom_load": False,
    "input_size": [3, 32, 32],
    "test_input_size": [3, 48, 48],
    "fixed_input_size": False,
    "interpolation": "bicubic",
    "crop_pct": 0.9,
    "test_crop_pct": 1.0,
    "crop_mode": "center",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.4, 0.5],
    "pool_size": [1, 1],
    "first_conv": "conv1.0",
    "classifier": "fc",
    "license": "apache-2.0",
}


def config_json(num_classes, settings=(), **more):
    """timm's `config.json`."""
    content = {
        "architecture": "resnet18d",
        "num_classes": num_classes,
        "num_features": 512,
        "global_pool": "avg",
        "model_args": {"in_chans": 3, "num_classes": num_classes, "global_pool": "avg"},
        "pretrained_cfg": SETTINGS | {"num_classes": num_classes} | dict(settings),
    }
    return json.dumps(content | more).encode()


def timm_files():
    """A network of one block in each stage, for three classes, as two files."""
    model = xresnet(3, block_counts=(1,) * 4, expansion=1)
    state = read_entries(xresnet_entries(model, TimmNames()))
    return {"config.json": config_json(3), "model.safetensors": safetensors.numpy.save(state)}


def golden_timm_files():
    """The resnet18d whose logits are in `tests/golden`."""
    state = golden_state_dict(golden_json("xresnet_variants.json")["timm_resnet18d"]["keys"])
    state = {name: array.astype("float32") for name, array in state.items()}
    return {"config.json": config_json(10), "model.safetensors": safetensors.numpy.save(state)}


def early_names(state):
    """A state dict of fastai's XResNet with the names of `xrn50_940.pth`."""
    early = {}
    for name, array in state.items():
        name = re.sub(r"\.convpath\.", ".convs.", name)
        name = re.sub(r"\.idpath\.[01]\.", ".idconv.", name)
        early[re.sub(r"^11\.", "10.", name)] = array
    return early
