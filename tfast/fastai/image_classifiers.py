"""fastai's `vision_learner` models on an XResNet, to ours and back."""

import numpy as np

from tfast.fastai.conversion import (
    DENSE,
    Entry,
    assign_entries,
    batch_norm_entries,
    read_entries,
)
from tfast.fastai.xresnet import body_entries, infer_sizes, names_for, names_in
from tfast.vision.transfer import transfer_model
from tfast.vision.xresnet import xresnet

_BODY = "0."
_LAST = "1.8.weight"


def image_classifier_from_fastai(state_dict, *, activation="relu"):
    """A picture classifier with the weights of fastai's `vision_learner` on an XResNet.

    The body is read from names and shapes as in `xresnet_from_fastai`; the head is fastai's
    `create_head` with its defaults.

    Args:
        state_dict: mapping of names to arrays (see `load_weights`): what
            `vision_learner(...).save()` writes.
        activation: of the body; the head's is relu.

    Returns:
        The model, and the sorted list of the tensors that said nothing new.

    Raises:
        ValueError: tensors are missing, left over or misshapen; all are named.

    Example:
        >>> model = transfer_model(xresnet(9, block_counts=(1,), expansion=1), 2)
        >>> copy, _ = image_classifier_from_fastai(image_classifier_to_fastai(model))
        >>> copy.output_shape
        (None, 2)

    Source: `fastai.vision.learner.create_vision_model`.
    """
    names = names_in(state_dict, _BODY)
    if _LAST not in state_dict:
        raise ValueError(f"missing {_LAST}: the head is not `create_head` with its defaults")
    num_classes = np.shape(state_dict[_LAST])[0]
    body = xresnet(num_classes, activation=activation, **infer_sizes(state_dict, names))
    model = transfer_model(body, num_classes)
    return model, assign_entries(_entries(model, names), state_dict)


def image_classifier_to_fastai(model):
    """The state dict that `vision_learner(...).model.load_state_dict` takes.

    Args:
        model: an XResNet's body under fastai's head, see `tfast.vision.transfer`.

    Returns:
        dict of name to array in PyTorch's layout.

    Raises:
        ValueError: the model has another body or head.

    Example:
        >>> model = transfer_model(xresnet(9, block_counts=(1,), expansion=1), 2)
        >>> image_classifier_to_fastai(model)["1.8.weight"].shape
        (2, 512)
    """
    return read_entries(_entries(model, names_for(model, _BODY)))


def _entries(model, names):
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
