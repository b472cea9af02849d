"""fastai's `vision_learner` models on an XResNet, to ours and back."""

import keras
import numpy as np

from tfast.fastai.conversion import (
    DENSE,
    Entry,
    StateDict,
    assign_entries,
    batch_norm_entries,
    check_tensors,
    read_entries,
)
from tfast.fastai.xresnet import body_entries, names_for
from tfast.fastai.xresnet_names import Names, names_in
from tfast.fastai.xresnet_sizes import checked_sizes
from tfast.vision.transfer import transfer_model
from tfast.vision.xresnet import xresnet

_BODY = "0."
_LAST = "1.8.weight"


def image_classifier_from_fastai(state_dict: StateDict, *, activation: str = "relu") -> keras.Model:
    """An image classifier with the weights of fastai's `vision_learner` on an XResNet.

    The body is read from names and shapes as in `xresnet_from_fastai` (one of timm's, such as
    `vision_learner(dls, "resnet50d")`, too); the head is fastai's `create_head` with its
    defaults.

    Args:
        state_dict: mapping of names to arrays (see `load_weights`): what
            `vision_learner(...).save()` writes.
        activation: of the body; the head's is relu.

    Returns:
        The model, from images `(batch, height, width, channels)` to logits. Whether an image
        has one of the classes or several the weights do not tell.

    Raises:
        ValueError: tensors are missing, left over or misshapen; all are named.

    Examples:
        >>> model = transfer_model(xresnet(9, block_counts=(1,), expansion=1), 2)
        >>> copy = image_classifier_from_fastai(image_classifier_to_fastai(model))
        >>> copy.output_shape
        (None, 2)

    Source: `fastai.vision.learner.create_vision_model`.
    """
    check_tensors(state_dict)
    names = names_in(state_dict, _BODY)
    if _LAST not in state_dict:
        raise ValueError(f"missing {_LAST}: the head is not `create_head` with its defaults")
    num_classes, sizes = checked_sizes(state_dict, names, _LAST)
    model = transfer_model(xresnet(num_classes, activation=activation, **sizes), num_classes)
    assign_entries(_entries(model, names), state_dict)
    return model


def image_classifier_to_fastai(model: keras.Model) -> dict[str, np.ndarray]:
    """The state dict that `vision_learner(...).model.load_state_dict` takes.

    Args:
        model: an XResNet's body under fastai's head, see `tfast.vision.transfer`.

    Returns:
        dict of name to array in PyTorch's layout.

    Raises:
        ValueError: the model has another body or head.

    Examples:
        >>> model = transfer_model(xresnet(9, block_counts=(1,), expansion=1), 2)
        >>> image_classifier_to_fastai(model)["1.8.weight"].shape
        (2, 512)
    """
    return read_entries(_entries(model, names_for(model, _BODY)))


def _entries(model: keras.Model, names: Names) -> list[Entry]:
    layers = {layer.name: layer for layer in model.layers}
    if "head_1_norm" not in layers:
        raise ValueError(f"model {model.name!r} has no fastai head (`transfer_model`)")
    return [
        *body_entries(model, names),
        *batch_norm_entries(layers["head_0_norm"], "1.2"),
        Entry(layers["head_0_dense"].kernel, ("1.4.weight",), DENSE),
        *batch_norm_entries(layers["head_1_norm"], "1.6"),
        Entry(layers["logits"].kernel, (_LAST,), DENSE),
    ]
