"""XResNet's variants: more stages, squeeze-excite, grouped convolutions.

    xresnet{18,34,50}_deep, _deeper          six and eight stages
    xse_resnet{18,34,50,101,152}             squeeze-excite
    xresnext{18,34,50,101}                   32 groups
    xse_resnext{18,34,50,101}                both
    xse_resnext{18,34,50}_deep, _deeper      all three

Each is `xresnet` with some arguments given and takes the others; `activation="mish"` and
`self_attention=True` go with any of them.

Example:
    >>> model = xresnext18(10, activation="mish")
    >>> model.get_layer("stage_3_block_1_0_conv").groups
    32

Source: the functions of the same names in fastai's `vision.models.xresnet`.
Differs: fastai's `xsenet154` is left out: its arguments are mixed up there, it builds nothing.
"""

from functools import partial

from tfast.vision.xresnet import xresnet

_18, _34, _101, _152 = (2, 2, 2, 2), (3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)
_18_deep, _18_deeper = (*_18, 1, 1), (2, 2, 1, 1, 1, 1, 1, 1)
_34_deep, _34_deeper = (*_34, 1, 1), (*_34, 1, 1, 1, 1)
_34_grouped_deeper = (3, 4, 4, 2, 2, 1, 1, 1)

_basic = partial(xresnet, expansion=1)
_bottleneck = partial(xresnet, expansion=4)
_squeezed_basic = partial(_basic, squeeze_reduction=16)
_squeezed_bottleneck = partial(_bottleneck, squeeze_reduction=16, inner_scales=(2, 4))
_grouped_basic = partial(_basic, groups=32, inner_scales=(2, 2))
_grouped_bottleneck = partial(_bottleneck, groups=32, inner_scales=(2, 2))
_both_basic = partial(_grouped_basic, squeeze_reduction=16)
_both_bottleneck = partial(_grouped_bottleneck, squeeze_reduction=16)

xresnet18_deep = partial(_basic, block_counts=_18_deep, name="xresnet18_deep")
xresnet34_deep = partial(_basic, block_counts=_34_deep, name="xresnet34_deep")
xresnet50_deep = partial(_bottleneck, block_counts=_34_deep, name="xresnet50_deep")
xresnet18_deeper = partial(_basic, block_counts=_18_deeper, name="xresnet18_deeper")
xresnet34_deeper = partial(_basic, block_counts=_34_deeper, name="xresnet34_deeper")
xresnet50_deeper = partial(_bottleneck, block_counts=_34_deeper, name="xresnet50_deeper")

xse_resnet18 = partial(_squeezed_basic, block_counts=_18, name="xse_resnet18")
xse_resnet34 = partial(_squeezed_basic, block_counts=_34, name="xse_resnet34")
xse_resnet50 = partial(_squeezed_bottleneck, block_counts=_34, name="xse_resnet50")
xse_resnet101 = partial(_squeezed_bottleneck, block_counts=_101, name="xse_resnet101")
xse_resnet152 = partial(_squeezed_bottleneck, block_counts=_152, name="xse_resnet152")

xresnext18 = partial(_grouped_basic, block_counts=_18, name="xresnext18")
xresnext34 = partial(_grouped_basic, block_counts=_34, name="xresnext34")
xresnext50 = partial(_grouped_bottleneck, block_counts=_34, name="xresnext50")
xresnext101 = partial(_grouped_bottleneck, block_counts=_101, name="xresnext101")

xse_resnext18 = partial(_both_basic, block_counts=_18, name="xse_resnext18")
xse_resnext34 = partial(_both_basic, block_counts=_34, name="xse_resnext34")
xse_resnext50 = partial(_both_bottleneck, block_counts=_34, name="xse_resnext50")
xse_resnext101 = partial(_both_bottleneck, block_counts=_101, name="xse_resnext101")

xse_resnext18_deep = partial(_both_basic, block_counts=_18_deep, name="xse_resnext18_deep")
xse_resnext34_deep = partial(_both_basic, block_counts=_34_deep, name="xse_resnext34_deep")
xse_resnext50_deep = partial(_both_bottleneck, block_counts=_34_deep, name="xse_resnext50_deep")
xse_resnext18_deeper = partial(_both_basic, block_counts=_18_deeper, name="xse_resnext18_deeper")
xse_resnext34_deeper = partial(
    _both_basic, block_counts=_34_grouped_deeper, name="xse_resnext34_deeper"
)
xse_resnext50_deeper = partial(
    _both_bottleneck, block_counts=_34_grouped_deeper, name="xse_resnext50_deeper"
)
