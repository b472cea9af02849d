"""The sizes and variants of XResNet, in a module that needs no TensorFlow: help lists them too.

Source: the functions of the same names in fastai's `vision.models.xresnet`; xresnet200 is timm's
resnet200d. timm's resnet{18,34,50,101,152,200}d are xresnet{18,34,50,101,152,200}.
"""

from typing import Any

_BASIC: dict[str, Any] = {"expansion": 1}
_BOTTLENECK: dict[str, Any] = {"expansion": 4}
_SQUEEZED_BASIC: dict[str, Any] = {"expansion": 1, "squeeze_reduction": 16}
_SQUEEZED_BOTTLENECK: dict[str, Any] = {
    "expansion": 4,
    "squeeze_reduction": 16,
    "inner_scales": (2, 4),
}
_GROUPED_BASIC: dict[str, Any] = {"expansion": 1, "groups": 32, "inner_scales": (2, 2)}
_GROUPED_BOTTLENECK: dict[str, Any] = {"expansion": 4, "groups": 32, "inner_scales": (2, 2)}
_BOTH_BASIC: dict[str, Any] = _GROUPED_BASIC | {"squeeze_reduction": 16}
_BOTH_BOTTLENECK: dict[str, Any] = _GROUPED_BOTTLENECK | {"squeeze_reduction": 16}

# The arguments of `xresnet` for each name, in the order in which help shows the names.
XRESNETS: dict[str, dict[str, Any]] = {
    name: {"block_counts": block_counts, **kind}
    for name, block_counts, kind in [
        ("xresnet18", (2, 2, 2, 2), _BASIC),
        ("xresnet34", (3, 4, 6, 3), _BASIC),
        ("xresnet50", (3, 4, 6, 3), _BOTTLENECK),
        ("xresnet101", (3, 4, 23, 3), _BOTTLENECK),
        ("xresnet152", (3, 8, 36, 3), _BOTTLENECK),
        ("xresnet200", (3, 24, 36, 3), _BOTTLENECK),
        ("xresnet18_deep", (2, 2, 2, 2, 1, 1), _BASIC),
        ("xresnet34_deep", (3, 4, 6, 3, 1, 1), _BASIC),
        ("xresnet50_deep", (3, 4, 6, 3, 1, 1), _BOTTLENECK),
        ("xresnet18_deeper", (2, 2, 1, 1, 1, 1, 1, 1), _BASIC),
        ("xresnet34_deeper", (3, 4, 6, 3, 1, 1, 1, 1), _BASIC),
        ("xresnet50_deeper", (3, 4, 6, 3, 1, 1, 1, 1), _BOTTLENECK),
        ("xse_resnet18", (2, 2, 2, 2), _SQUEEZED_BASIC),
        ("xse_resnet34", (3, 4, 6, 3), _SQUEEZED_BASIC),
        ("xse_resnet50", (3, 4, 6, 3), _SQUEEZED_BOTTLENECK),
        ("xse_resnet101", (3, 4, 23, 3), _SQUEEZED_BOTTLENECK),
        ("xse_resnet152", (3, 8, 36, 3), _SQUEEZED_BOTTLENECK),
        ("xresnext18", (2, 2, 2, 2), _GROUPED_BASIC),
        ("xresnext34", (3, 4, 6, 3), _GROUPED_BASIC),
        ("xresnext50", (3, 4, 6, 3), _GROUPED_BOTTLENECK),
        ("xresnext101", (3, 4, 23, 3), _GROUPED_BOTTLENECK),
        ("xse_resnext18", (2, 2, 2, 2), _BOTH_BASIC),
        ("xse_resnext34", (3, 4, 6, 3), _BOTH_BASIC),
        ("xse_resnext50", (3, 4, 6, 3), _BOTH_BOTTLENECK),
        ("xse_resnext101", (3, 4, 23, 3), _BOTH_BOTTLENECK),
        ("xse_resnext18_deep", (2, 2, 2, 2, 1, 1), _BOTH_BASIC),
        ("xse_resnext34_deep", (3, 4, 6, 3, 1, 1), _BOTH_BASIC),
        ("xse_resnext50_deep", (3, 4, 6, 3, 1, 1), _BOTH_BOTTLENECK),
        ("xse_resnext18_deeper", (2, 2, 1, 1, 1, 1, 1, 1), _BOTH_BASIC),
        ("xse_resnext34_deeper", (3, 4, 4, 2, 2, 1, 1, 1), _BOTH_BASIC),
        ("xse_resnext50_deeper", (3, 4, 4, 2, 2, 1, 1, 1), _BOTH_BOTTLENECK),
    ]
}
