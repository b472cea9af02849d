"""Conversion of XResNets. What converted networks compute: tests/vision/test_xresnet.py."""

import re

import keras
import numpy as np
import pytest
from golden_weights import golden_json, golden_state_dict

from tfast.fastai.conversion import ignored_names
from tfast.fastai.xresnet import xresnet_from_fastai, xresnet_to_fastai
from tfast.fastai.xresnet_names import names_in
from tfast.fastai.xresnet_sizes import infer_sizes
from tfast.vision.xresnet import xresnet, xse_resnext18_deeper

GOLDEN = golden_json("fastai_numerics.json") | golden_json("xresnet_variants.json")


def state_dict(kind):
    return golden_state_dict(GOLDEN[kind]["keys"])


PLAIN = {
    "inner_scales": (1, 1),
    "groups": 1,
    "squeeze_reduction": 0,
    "self_attention": False,
    "input_shape": (None, None, 3),
    "stem_widths": (32, 32, 64),
}
GROUPED = {"groups": 32, "inner_scales": (2, 2)}
SHALLOW, MIDDLE = (2, 2, 2, 2), (3, 4, 6, 3)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("xresnet18", {"block_counts": SHALLOW, "expansion": 1}),
        ("xresnet34", {"block_counts": MIDDLE, "expansion": 1}),
        ("xresnet50", {"block_counts": MIDDLE, "expansion": 4}),
        ("xresnet101", {"block_counts": (3, 4, 23, 3), "expansion": 4}),
        ("xse_resnet18", {"block_counts": SHALLOW, "expansion": 1, "squeeze_reduction": 16}),
        ("xresnet18_deep", {"block_counts": (*SHALLOW, 1, 1), "expansion": 1}),
        ("xresnext18", {"block_counts": SHALLOW, "expansion": 1, **GROUPED}),
        (
            "xse_resnext50_mish_sa",
            {
                "block_counts": MIDDLE,
                "expansion": 4,
                "squeeze_reduction": 16,
                "self_attention": True,
                **GROUPED,
            },
        ),
        (
            "xresnet50_widths_32_64_64",
            {"block_counts": MIDDLE, "expansion": 4, "stem_widths": (32, 64, 64)},
        ),
        ("timm_resnet18d", {"block_counts": SHALLOW, "expansion": 1}),
        ("timm_resnet50d", {"block_counts": MIDDLE, "expansion": 4}),
    ],
)
def test_the_build_is_read_from_names_and_shapes(kind, expected):
    state = state_dict(kind)
    assert infer_sizes(state, names_in(state)) == PLAIN | expected


def test_from_fastai_and_back_is_exact():
    state = state_dict("xse_resnet18")
    model = xresnet_from_fastai(state)
    assert ignored_names(state) == sorted(n for n in state if n.endswith("num_batches_tracked"))
    back = xresnet_to_fastai(model)
    assert set(back) == set(state)
    for name, array in state.items():
        np.testing.assert_array_equal(back[name], array.astype(back[name].dtype), err_msg=name)


def test_to_fastai_and_back_is_exact():
    model = xse_resnext18_deeper(
        4, self_attention=True, input_shape=(None, None, 1), stem_widths=(8, 8, 32)
    )
    copy = xresnet_from_fastai(xresnet_to_fastai(model))
    for ours, theirs in zip(model.weights, copy.weights, strict=True):
        assert ours.path.split("/")[-2:] == theirs.path.split("/")[-2:]
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


def test_misfits_are_named():
    state = state_dict("xresnet18")
    del state["5.0.idpath.1.1.bias"]
    state["6.0.convpath.0.0.weight"] = np.ones((1, 2, 3, 3))
    state["99.weight"] = np.ones(3)
    with pytest.raises(ValueError, match="do not fit") as caught:
        xresnet_from_fastai(state)
    for part in (
        "missing 5.0.idpath.1.1.bias (128,)",
        "6.0.convpath.0.0.weight has shape (1, 2, 3, 3), expected (256, 128, 3, 3)",
        "left over 99.weight (3,)",
    ):
        assert part in str(caught.value)


SMALL = {"block_counts": (2, 2), "expansion": 1, "stem_widths": (4, 4, 8)}


@pytest.mark.parametrize(
    "name",
    [
        "0.0.weight",
        "2.0.weight",  # the last of the stem
        "4.0.convpath.0.0.weight",
        "4.0.convpath.1.0.weight",
        "4.1.convpath.0.0.weight",  # of a stage's last block
        "5.0.convpath.0.0.weight",  # of the last stage
        "5.1.convpath.0.0.weight",
    ],
)
def test_one_missing_convolution_is_all_that_is_named(name):
    state = xresnet_to_fastai(xresnet(2, **SMALL))
    del state[name]
    with pytest.raises(ValueError, match=f"missing {name}") as caught:
        xresnet_from_fastai(state)
    assert "left over" not in str(caught.value)
    assert str(caught.value).count("missing") == 1


def test_a_missing_convolution_of_timm_is_named():
    state = state_dict("timm_resnet18d")
    del state["conv1.0.weight"]
    with pytest.raises(ValueError, match=r"missing conv1\.0\.weight"):
        xresnet_from_fastai(state)


def test_other_networks_are_refused():
    with pytest.raises(ValueError, match=r"must be of fastai's XResNet or timm's"):
        xresnet_from_fastai({"features.0.weight": np.ones((3, 3))})
    headless = {k: v for k, v in state_dict("xresnet18").items() if not k.startswith("11.")}
    with pytest.raises(ValueError, match=r"missing 11\.weight"):
        xresnet_from_fastai(headless)


def test_a_model_that_is_no_xresnet_is_refused():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="no layers of an XResNet"):
        xresnet_to_fastai(model)


def test_names_of_fastai_before_2_are_read():
    """As fast.ai's `xrn50_940.pth` has them."""
    state = state_dict("xresnet50")
    early = {}
    for name, array in state.items():
        name = re.sub(r"\.convpath\.", ".convs.", name)
        name = re.sub(r"\.idpath\.[01]\.", ".idconv.", name)
        early[re.sub(r"^11\.", "10.", name)] = array
    assert {"0.0.weight", "4.0.convs.0.0.weight", "4.0.idconv.0.weight", "10.weight"} <= set(early)
    back = xresnet_to_fastai(xresnet_from_fastai(early))
    assert set(back) == set(state)
    for name, array in state.items():
        np.testing.assert_array_equal(back[name], array.astype(back[name].dtype), err_msg=name)
