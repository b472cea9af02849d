"""Batch norms folded into the layers before them: the same outputs, fewer operations."""

import collections

import keras
import numpy as np
from keras import layers

from tfast.training.optimizers.keras_private import function_nodes, producing_operation


def fold_batch_norms(model):
    """A copy of `model` for inference, without the batch norms that follow a convolution.

    At inference a batch norm is a scale and a shift of each channel. A convolution or dense
    layer before it takes them into its kernel and bias. A batch norm stays where it does not
    follow one directly, where something else uses the convolution's outputs too, or
    where one of the two is used twice. In half precision they stay too: there folding would
    round at another place.

    The copy gives what `model` gives in inference mode, up to rounding: 1e-5 of the logits'
    scale for the models of `tfast.vision`. Training it would be another thing.

    Args:
        model: a Functional or built Sequential `keras.Model`.

    Returns:
        A Functional `keras.Model` with weights of its own. Layers keep their names.

    Raises:
        ValueError: `model` is neither Functional nor Sequential, or not built.

    Example:
        >>> model = keras.Sequential(
        ...     [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization()])
        >>> len(model.layers), len(fold_batch_norms(model).layers[1:])
        (2, 1)
    """
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ValueError(f"model must be Functional or a built Sequential, got {model!r}")
    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    norm_after = _foldable(model)
    norm_names = {norm.name for norm in norm_after.values()}

    def copy(layer):
        config = layer.get_config()
        if layer.name in norm_after:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer, *inputs, **options):
        return inputs[0] if layer.name in norm_names else layer(*inputs, **options)

    folded = keras.models.clone_model(model, clone_function=copy, call_function=call)
    for layer in folded.layers:
        if not layer.weights:
            continue
        original = model.get_layer(layer.name)
        if layer.name in norm_after:
            layer.set_weights(_folded_weights(original, norm_after[layer.name]))
        else:
            layer.set_weights(original.get_weights())
    return folded


def _foldable(model):
    """Batch norms by the name of the layer into which they can be folded."""
    nodes = function_nodes(model)
    calls = collections.Counter(node.operation for node in nodes)
    used = [tensor for node in nodes for tensor in node.input_tensors] + model.outputs
    uses = collections.Counter(id(tensor) for tensor in used)
    found = {}
    for node in nodes:
        norm = node.operation
        if not isinstance(norm, layers.BatchNormalization) or len(node.input_tensors) != 1:
            continue
        tensor = node.input_tensors[0]
        before = producing_operation(tensor)
        if (
            isinstance(before, (layers.Conv2D, layers.Dense))
            and before.activation is keras.activations.linear
            and before.compute_dtype == norm.compute_dtype == "float32"
            and getattr(before, "data_format", "channels_last") == "channels_last"
            and norm.axis in (-1, len(tensor.shape) - 1)
            and calls[norm] == calls[before] == uses[id(tensor)] == 1
        ):
            found[before.name] = norm
    return found


def _folded_weights(layer, norm):
    """Kernel and bias of `layer` followed by `norm`."""

    def numbers(variable):
        return np.asarray(keras.ops.convert_to_numpy(variable), "float64")

    kernel, *bias = map(numbers, layer.weights)
    scale = 1 / np.sqrt(numbers(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        scale = scale * numbers(norm.gamma)
    shift = -scale * numbers(norm.moving_mean)
    if norm.center:
        shift = shift + numbers(norm.beta)
    if bias:
        shift = shift + scale * bias[0]
    # The channels of the result are a kernel's last axis.
    return [kernel * scale, shift]
