"""What the exports of images and of texts share: answers, names and saving."""

import contextlib

import keras
import tensorflow as tf

from tfast.files import atomic_write
from tfast.training.optimizers.keras_private import all_layers

# Of the weights in a file for LiteRT or onnxruntime.
PRECISIONS = ("float32", "float16", "int8")


def check_precision(precision):
    """Raises a ValueError unless `precision` is one of `PRECISIONS`."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; expected one of {PRECISIONS}")


def check_class_names(class_names, num_classes):
    """One name for each class, in the order of the model's outputs.

    Args:
        class_names: strings.
        num_classes: number of outputs of the model.

    Returns:
        A list of str.

    Raises:
        ValueError: another number of names, or two that are the same.
    """
    class_names = [str(name) for name in class_names]
    if len(class_names) != num_classes or len(set(class_names)) != num_classes:
        raise ValueError(
            f"class_names must be {num_classes} distinct names, one for each output of the "
            f"model; got {len(class_names)}: {class_names[:10]}"
        )
    return class_names


def classify(logits, class_names):
    """A classifier's answer to a request.

    Args:
        logits: float `(batch, classes)`.
        class_names: list of str.

    Returns:
        A dict: `probabilities`, float32 `(batch, classes)`, in the order of the names, and
        `labels`, strings `(batch,)`, the name of the most probable class.

    Example:
        >>> answer = classify(tf.constant([[0.0, 3.0]]), ["cat", "dog"])
        >>> answer["labels"].numpy().tolist(), answer["probabilities"].numpy().round(2).tolist()
        ([b'dog'], [[0.05..., 0.94...]])
    """
    probabilities = tf.nn.softmax(tf.cast(logits, "float32"))
    labels = tf.gather(tf.constant(class_names), tf.argmax(probabilities, -1))
    return {"probabilities": probabilities, "labels": labels}


def save_signatures(signatures, directory, *, parts, overwrite=False):
    """Writes a SavedModel whole or not at all.

    Only the parts' weights and lookup tables are written: no optimizer, no metrics. The graphs
    are the same whether there is a GPU or not, and run on either.

    Args:
        signatures: dict of name to `(function, input_signature)`. The function takes tensors
            and returns a dict of tensors; the signature is a list of `tf.TensorSpec` with
            names.
        directory: where the SavedModel shall stand.
        parts: the Keras models and layers that the functions use.
        overwrite: whether an existing directory may be replaced.

    Raises:
        ValueError: the directory exists and `overwrite` is False.
    """
    module = tf.Module()
    # Models hold their optimizer, and would be saved with it; other layers hold tables.
    module.weights = [
        weight.value for part in parts if isinstance(part, keras.Model) for weight in part.weights
    ]
    module.layers = [part for part in parts if not isinstance(part, keras.Model)]
    with atomic_write(directory, overwrite=overwrite) as temporary, without_cudnn(parts):
        functions = {
            name: tf.function(function, input_signature=specs).get_concrete_function()
            for name, (function, specs) in signatures.items()
        }
        tf.saved_model.save(module, str(temporary), signatures=functions)


@contextlib.contextmanager
def without_cudnn(parts):
    """Inside, recurrent layers are traced as they are where cuDNN is missing.

    Its operations have no kernel on a processor: a graph with them could not be served there.
    """
    layers = [layer for part in parts for layer in all_layers(part)]
    choices = [(layer, layer.use_cudnn) for layer in layers if hasattr(layer, "use_cudnn")]
    try:
        for layer, _ in choices:
            layer.use_cudnn = False
        yield
    finally:
        for layer, use_cudnn in choices:
            layer.use_cudnn = use_cudnn
