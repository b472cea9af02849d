"""Models of mixed precision as the same in float32, for runtimes that multiply nothing else."""

import keras

from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.training.precision import float32_copy
from tfast.vision.transfer import leaves, with_dtype_policy


def in_float32(model: keras.Model) -> keras.Model:
    """`model` itself, or where it computes in half precision a copy that computes in float32.

    Args:
        model: a `TextClassifier`, a `ForwardBackwardClassifier`, a `BlendedClassifier`, or a
            Functional or Sequential model.

    Returns:
        A model with the same weights.

    Examples:
        >>> model = TextClassifier(
        ...     9, 2, embed_size=4, hidden_size=6, num_layers=1, dtype="mixed_bfloat16")
        >>> in_float32(model).compute_dtype
        'float32'
    """
    if isinstance(model, BlendedClassifier):
        inner = in_float32(model.classifier)
        if inner is model.classifier:
            return model
        numbers = {"weight": model.weight, "sharpness": model.sharpness}
        return BlendedClassifier(inner, model.tfidf, **numbers)
    if isinstance(model, ForwardBackwardClassifier):
        parts = [in_float32(part) for part in (model.forward, model.backward)]
        same = parts == [model.forward, model.backward]
        return model if same else ForwardBackwardClassifier(*parts)
    if isinstance(model, TextClassifier):
        return model if model.compute_dtype == "float32" else float32_copy(model)
    # The policy of an input is that of the process that loaded it, whatever the model computes.
    layers = [layer for layer in leaves(model) if not isinstance(layer, keras.layers.InputLayer)]
    if all(layer.compute_dtype == "float32" for layer in layers):
        return model
    return with_dtype_policy(model, "float32")
