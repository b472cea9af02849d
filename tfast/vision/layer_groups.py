"""Where the body of an image classifier ends and its head begins.

layer_groups  both as lists of layers
cut_head      the layer to cut after, in nested models too
"""

import keras

from tfast.training.optimizers.keras_private import producing_operation
from tfast.types import Tensor

_POOLING = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)


def layer_groups(model: keras.Model) -> list[list[keras.Layer]]:
    """Body and head of an image classifier, as `tfast.training` takes its groups of layers.

    The body reaches to the last layer that still gives images `(batch, height, width,
    channels)`; the head is what follows. A head of convolutions, as MobileNet has one, begins
    with the global pooling before them. So this also serves models of `tfast.vision.transfer`
    and of `keras.applications`. Where a model in the model goes from images to something else,
    the cut is in that.

    Args:
        model: a Functional or built Sequential `keras.Model`.

    Returns:
        `[body, head]`, lists of layers, the ones nearest the input first.

    Raises:
        ValueError: no layer gives images, or the last one does.

    Examples:
        >>> from tfast.vision.xresnet import xresnet
        >>> body, head = layer_groups(xresnet(10, block_counts=(1,), expansion=1))
        >>> body[-1].name, [layer.name for layer in head]
        ('stage_0_block_0_activation', ['pool', 'dropout', 'logits'])
    """
    last, nested = cut_head(model)
    if nested is None:
        cut = model.layers.index(last) + 1
        return [model.layers[:cut], model.layers[cut:]]
    at = model.layers.index(nested)
    body, head = layer_groups(nested)
    return [model.layers[:at] + body, head + model.layers[at + 1 :]]


def cut_head(model: keras.Model) -> tuple[keras.Layer | None, keras.Model | None]:
    """Where the body of an image classifier ends.

    Args:
        model: see `layer_groups`.

    Returns:
        `(last, nested)`: the last layer that gives images, or None; and the model after it, if
        that takes images and the body ends in there, or None.

    Raises:
        ValueError: as `layer_groups`.

    Examples:
        >>> from tfast.vision.xresnet import xresnet
        >>> last, nested = cut_head(xresnet(10, block_counts=(1,), expansion=1))
        >>> last.name, nested
        ('stage_0_block_0_activation', None)
    """
    if not model.built:
        raise ValueError(f"model {model.name!r} must be built: call it on a batch of images")
    images = [i for i, layer in enumerate(model.layers) if _is_image(layer.output)]
    # What a head of convolutions gives is 4-D too: all that pooling left, as one pixel.
    pooling = _pooling_before(model.layers[images[-1]]) if images else []
    pooled = next((i for i, layer in enumerate(model.layers) if layer in pooling), None)
    images = [i for i in images if pooled is None or i < pooled]
    cut = images[-1] + 1 if images else 0
    last = model.layers[cut - 1] if images else None
    following = model.layers[cut] if cut < len(model.layers) else None
    if isinstance(following, keras.Model) and _is_image(following.input):
        return last, following
    if last is None or following is None:
        raise ValueError(
            f"model {model.name!r} must go from images (batch, height, width, channels) to "
            f"something else, its last layer gives {model.output_shape}"
        )
    return last, None


def _pooling_before(layer: keras.Layer) -> list[keras.Layer]:
    """The global poolings that all a layer gives has gone through; none if some has not.

    Squeeze and excitation pools too, but what it multiplies with that is not pooled.
    """
    found, seen, ahead = [], set(), [layer]
    while ahead:
        operation = ahead.pop()
        if isinstance(operation, keras.layers.InputLayer | keras.Model):
            return []
        if isinstance(operation, _POOLING):
            found.append(operation)
        elif operation not in seen:
            seen.add(operation)
            ahead += [producing_operation(x) for x in keras.tree.flatten(operation.input)]
    return found


def _is_image(tensor: Tensor) -> bool:
    return hasattr(tensor, "shape") and len(tensor.shape) == 4
