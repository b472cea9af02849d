"""Batch norms folded into the layers before them: the same outputs, fewer operations."""

import collections
from typing import Any

import keras
import numpy as np
from keras import layers

from tfast.training.batch_norm import BatchNorm
from tfast.training.optimizers.keras_private import function_nodes, producing_operation
from tfast.vision.layers.residual_blocks import Convolution

# Of these it is known that they do nothing but multiply by their kernel, and nothing but scale
# and shift. A subclass may transform its kernel first, as weight standardisation does.
_FOLDABLE = (layers.Conv2D, layers.Dense, Convolution)
_NORMS = (layers.BatchNormalization, BatchNorm)


def fold_batch_norms(model: keras.Model) -> keras.Model:
    """A copy of `model` for inference, without the batch norms that follow a convolution.

    At inference a batch norm is a scale and a shift of each channel. A convolution or dense
    layer before it takes them into its kernel and bias. A batch norm stays where it does not
    follow one directly, where something else uses the convolution's outputs too, or
    where one of the two is used twice. It stays after layers in half precision or quantized,
    which would round other numbers, with LoRA, and of classes that are not Keras's or tfast's
    own, which may do more than multiply by their kernel.

    The copy gives what `model` gives in inference mode, up to rounding: 1e-5 of the logits'
    scale for the models of `tfast.vision`. Training it would be another thing.

    Args:
        model: a Functional or built Sequential `keras.Model`.

    Returns:
        A Functional `keras.Model` with weights of its own. Layers keep their names.

    Raises:
        ValueError: `model` is neither Functional nor Sequential, not built, or has a layer whose
            configuration makes another layer.

    Examples:
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

    def copy(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if layer.name in norm_after:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer: keras.Layer, *inputs: Any, **options: Any) -> Any:
        return inputs[0] if layer.name in norm_names else layer(*inputs, **options)

    folded = keras.models.clone_model(model, clone_function=copy, call_function=call)
    for layer in folded.layers:
        if not layer.weights:
            continue
        original, norm = model.get_layer(layer.name), norm_after.get(layer.name)
        weights = _folded_weights(original, norm) if norm else original.get_weights()
        if [w.shape for w in weights] != [w.shape for w in layer.weights]:
            raise ValueError(
                f"model must have layers that their configuration makes again, got {layer.name!r} "
                f"({type(layer).__name__}) whose copy has other weights"
            )
        layer.set_weights(weights)
    return folded


def scale_and_shift(
    norm: keras.layers.BatchNormalization,
) -> tuple[np.ndarray, np.ndarray]:
    """What a batch norm does at inference: it multiplies by a scale and adds a shift.

    Args:
        norm: a built batch norm.

    Returns:
        Scale and shift, float64 `(channels,)`.

    Examples:
        >>> norm = layers.BatchNormalization(epsilon=0.0)
        >>> norm.build((None, 2))
        >>> norm.set_weights([np.array(w) for w in ([2, 2], [0, 1], [3, 0], [4, 1])])
        >>> [numbers.tolist() for numbers in scale_and_shift(norm)]
        [[1.0, 2.0], [-3.0, 1.0]]
    """
    scale = 1 / np.sqrt(_numbers(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        scale = scale * _numbers(norm.gamma)
    shift = -scale * _numbers(norm.moving_mean)
    if norm.center:
        shift = shift + _numbers(norm.beta)
    return scale, shift


def _foldable(model: keras.Model) -> dict[str, keras.layers.BatchNormalization]:
    """Batch norms by the name of the layer into which they can be folded."""
    nodes = function_nodes(model)
    calls = collections.Counter(node.operation for node in nodes)
    used = [tensor for node in nodes for tensor in node.input_tensors] + model.outputs
    uses = collections.Counter(id(tensor) for tensor in used)
    found = {}
    for node in nodes:
        norm = node.operation
        if type(norm) not in _NORMS or len(node.input_tensors) != 1:
            continue
        tensor = node.input_tensors[0]
        before = producing_operation(tensor)
        if (
            type(before) in _FOLDABLE
            and before.activation is keras.activations.linear
            and before.dtype_policy.name == norm.dtype_policy.name == "float32"
            and not getattr(before, "lora_enabled", False)
            and getattr(before, "data_format", "channels_last") == "channels_last"
            and norm.axis in (-1, len(tensor.shape) - 1)
            and calls[norm] == calls[before] == uses[id(tensor)] == 1
        ):
            found[before.name] = norm
    return found


def _folded_weights(layer: keras.Layer, norm: keras.layers.BatchNormalization) -> list[np.ndarray]:
    """Kernel and bias of `layer` followed by `norm`."""
    kernel, *bias = map(_numbers, layer.weights)
    scale, shift = scale_and_shift(norm)
    if bias:
        shift = shift + scale * bias[0]
    # The channels of the result are a kernel's last axis.
    return [kernel * scale, shift]


def _numbers(variable: keras.Variable) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable), "float64")
