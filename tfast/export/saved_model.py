"""What the exports of images and of texts share: answers, names and saving."""

import contextlib
import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import keras
import tensorflow as tf

from tfast.arguments import one_of
from tfast.export.warmup import Request, write_warmup
from tfast.files import atomic_write
from tfast.training.optimizers.keras_private import all_layers
from tfast.types import PathLike, Tensor

# A function of tensors that gives a dict of tensors, and what it takes, by name.
Signature: TypeAlias = tuple[Callable[..., dict[str, Tensor]], Sequence[tf.TensorSpec]]

# Of the weights in a file for LiteRT or onnxruntime.
PRECISIONS = ("float32", "float16", "int8")


def check_precision(precision: str) -> None:
    """Raises a ValueError unless `precision` is one of `PRECISIONS`."""
    one_of("precision", precision, PRECISIONS)


def check_class_names(
    class_names: Sequence[str], num_classes: int, *, multi_label: bool = False
) -> list[str]:
    """One name for each class, in the order of the model's outputs.

    Args:
        class_names: strings, or numbers.
        num_classes: number of outputs of the model.
        multi_label: whether each class is right or wrong by itself.

    Returns:
        A list of str.

    Raises:
        ValueError: another number of names, two that are the same, names of another kind, or one
            output where the classes exclude one another: of one class the answer is always the
            same.
    """
    if num_classes < 2 and not multi_label:
        raise ValueError(
            f"model must have an output for each of two classes or more, got {num_classes}: it is "
            "a regression, or says yes or no of one class, which multi_label=True would cover"
        )
    given, class_names = class_names, list(class_names)
    if isinstance(given, str) or not all(
        isinstance(name, str | numbers.Real) for name in class_names
    ):
        raise ValueError(f"class_names must be a list of strings, got {given!r:.80}")
    class_names = [str(name) for name in class_names]
    if len(class_names) != num_classes or len(set(class_names)) != num_classes:
        raise ValueError(
            f"class_names must be {num_classes} distinct names, one for each output of the "
            f"model; got {len(class_names)}: {class_names[:10]}"
        )
    return class_names


def classify(
    outputs: Tensor,
    class_names: Sequence[str],
    *,
    from_logits: bool = True,
    multi_label: bool = False,
) -> dict[str, Tensor]:
    """A classifier's answer to a request.

    Args:
        outputs: float `(batch, classes)`.
        class_names: list of str.
        from_logits: whether `outputs` are logits; otherwise they are probabilities.
        multi_label: whether each class is right or wrong by itself.

    Returns:
        A dict: `probabilities`, float32 `(batch, classes)`; `class_names`, strings of the same
        shape, the names in the order of the probabilities; and, where one class is right,
        `labels`, strings `(batch,)`, the name of the most probable one.

    Examples:
        >>> answer = classify(tf.constant([[0.0, 3.0]]), ["cat", "dog"])
        >>> answer["labels"].numpy().tolist(), answer["probabilities"].numpy().round(2).tolist()
        ([b'dog'], [[0.05..., 0.94...]])
    """
    probabilities = tf.cast(outputs, tf.float32)
    if from_logits:
        probabilities = (tf.nn.sigmoid if multi_label else tf.nn.softmax)(probabilities)
    names = tf.constant(class_names)
    answer = {
        "probabilities": probabilities,
        "class_names": tf.broadcast_to(names, tf.shape(probabilities)),
    }
    return answer if multi_label else answer | {"labels": tf.gather(names, tf.argmax(outputs, -1))}


def save_signatures(
    signatures: Mapping[str, Signature],
    directory: PathLike,
    *,
    parts: Sequence[keras.Layer],
    warmup: Sequence[Request] = (),
    overwrite: bool = False,
) -> None:
    """Writes a SavedModel whole or not at all.

    Only the parts' weights and lookup tables are written: no optimizer, no metrics. The graphs
    are the same whether there is a GPU or not, and run on either.

    Args:
        signatures: dict of name to `(function, input_signature)`. The function takes tensors
            and returns a dict of tensors; the signature is a list of `tf.TensorSpec` with
            names.
        directory: the folder to write. It appears whole or not at all.
        parts: the Keras models and layers that the functions use.
        warmup: requests that TensorFlow Serving makes when it loads the model: see
            `tfast.export.warmup`.
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
        if warmup:
            write_warmup(temporary, warmup)


@contextlib.contextmanager
def without_cudnn(parts: Sequence[keras.Layer]) -> Iterator[None]:
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
