"""Mixed precision by the names people use for it, and outputs that stay float32."""

from typing import Any

import keras

from tfast.arguments import one_of

POLICIES = {"float32": "float32", "float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}


def set_precision(precision: str) -> None:
    """Sets the dtype policy of all layers made from now on.

    Weights stay float32 in each. Under "float16" `model.compile` puts Keras's
    `LossScaleOptimizer` around the optimizer: a step whose gradients overflow changes no
    weight and no moment, halves the scale and does not count as a step.

    Args:
        precision: "float32", "float16" (for GPUs) or "bfloat16" (for TPUs, newer GPUs and CPUs).

    Raises:
        ValueError: another word.

    Examples:
        >>> set_precision("bfloat16")
        >>> keras.layers.Dense(1).compute_dtype
        'bfloat16'
        >>> set_precision("float32")
    """
    keras.mixed_precision.set_global_policy(POLICIES[one_of("precision", precision, POLICIES)])


def float32_copy(model: keras.Model, **changes: Any) -> keras.Model:
    """The same model with float32 arithmetic: whoever loads it may have no other.

    Args:
        model: of a class whose `get_config` has its `dtype` and everything else, and which is
            built when it is made.
        **changes: what else shall differ in its configuration; not the shapes of weights.

    Returns:
        A new model with the same weights, not compiled.

    Examples:
        >>> from tfast.text import TextClassifier
        >>> model = TextClassifier(9, 2, embed_size=4, num_layers=1, dtype="mixed_bfloat16")
        >>> float32_copy(model).dtype_policy.name
        'float32'
    """
    copy = type(model).from_config(model.get_config() | {"dtype": "float32"} | changes)
    copy.set_weights(model.get_weights())
    return copy


def float32_output(name: str | None = None) -> keras.Layer:
    """A last layer that changes nothing but the dtype: losses and softmax are wrong in less.

    Args:
        name: name of the layer.

    Returns:
        A layer from a tensor of any shape and floating dtype to the same in float32.

    Examples:
        >>> float32_output()(keras.ops.ones((2, 3), dtype="float16")).dtype.name
        'float32'
    """
    return keras.layers.Activation("linear", dtype="float32", name=name)
