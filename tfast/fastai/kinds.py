"""Which model a state dict is of, told by the names of its tensors."""

import re
from collections.abc import Iterable, Mapping

from tfast.fastai.xresnet_names import names_in

# Of each kind: a name that only its state dicts have.
_KINDS = {
    "language_model": r"0\.encoder\.weight",
    "text_classifier": r"0\.module\.encoder\.weight",
    "encoder": r"encoder\.weight",
    "image_classifier": r"0\.(0\.0|model\.conv1\.0)\.weight",
}
# Language models that have names of ours too.
_LOOKALIKES = {
    r".*rnns\.\d+\.layers\.\d+\.linear\..*": "a QRNN (AWD_QRNN, MultiFiT); AWD_LSTM is read",
    r".*encoder_with_dropout\.embed\.weight": "a language model of fastai before 1.0, which took "
    "other tokens (_unk_, t_up); those since then are read",
}
# Others that people have. The first that fits is named.
_OTHERS = {
    r"0\.4\.0\.conv1\.weight": "a vision_learner on torchvision's ResNet; fastai's xresnet18 to "
    "xresnext152 and timm's resnet*d are read",
    r"(.*\.)?layer1\.0\.conv1\.weight": "a ResNet without the three convolutions at its start, "
    "such as torchvision's; timm's resnet*d are read",
    r"layers\.0\.\d+\.0\.\d+\..*|layers\.0\.0\.0\.weight": "a U-Net of unet_learner",
    r"embeds\.\d+\.weight|bn_cont\.weight": "a tabular model",
    r"(u|i)_(weight|bias)\.weight": "a collaborative filter",
    r"(.*\.)?(attn|attention|self_attn|q_proj|query)\..*": "a transformer",
    r"(state|param_groups|hypers)(\..*)?": "the state of an optimizer",
}


def kind_of(names: Iterable[str]) -> str:
    """Which of fastai's models a state dict is of, and so which function converts it.

    Args:
        names: a state dict, or the names of its tensors.

    Returns:
        "language_model", "text_classifier" or "encoder" (of `learn.save_encoder`), for the
        functions of `tfast.fastai.text_models`; "image_classifier" (`vision_learner` on an
        XResNet), for `image_classifier_from_fastai`; or "xresnet", also one of timm's
        resnet*d, for `xresnet_from_fastai`.

    Raises:
        ValueError: of another model, which is named where it is known.

    Examples:
        >>> kind_of(["encoder.weight", "rnns.0.weight_hh_l0_raw"])
        'encoder'
        >>> kind_of(["conv1.weight", "layer1.0.conv1.weight"])
        Traceback (most recent call last):
        ValueError: weights must be of a model that tfast.fastai reads, got a ResNet without ...
    """
    names = list(names)
    _refuse(_other_model(names, _LOOKALIKES), names)
    # Transformers have an encoder too.
    is_recurrent = any(re.search(r"(^|\.)rnns\.\d+\.(weight_hh|module)", n) for n in names)
    is_recurrent |= "1.decoder.bias" in names
    candidates = [kind for kind in _KINDS if (kind == "image_classifier") != is_recurrent]
    for kind in candidates:
        if any(re.fullmatch(_KINDS[kind], name) for name in names):
            return kind
    try:
        names_in(names)
    except ValueError as error:
        _refuse(_other_model(names, _OTHERS), names)
        raise ValueError(
            f"{error}; nor are they of its language models (AWD_LSTM), text classifiers or "
            "vision_learner models on an XResNet"
        ) from None
    return "xresnet"


def _other_model(names: list[str], others: Mapping[str, str]) -> str | None:
    for pattern, description in others.items():
        if any(re.fullmatch(pattern, name) for name in names):
            return description
    return None


def _refuse(other: str | None, names: list[str]) -> None:
    if other is not None:
        raise ValueError(
            f"weights must be of a model that tfast.fastai reads, got {other}; the names begin "
            f"with {', '.join(names[:3])}"
        ) from None
