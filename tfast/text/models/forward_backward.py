"""Two text classifiers as one: one reads forwards, the other backwards."""

from typing import Any

import keras
from keras import ops

from tfast.text.models.classifier import classifier_inputs
from tfast.types import PathLike, Tensor, TensorLike


@keras.saving.register_keras_serializable(package="tfast")
class ForwardBackwardClassifier(keras.Model):
    """Averages the probabilities of a model that reads forwards and one that reads backwards.

    It takes documents as they are read forwards and reverses them itself. The result is the
    logarithm of the mean probability of each class, `(batch, classes)` float32, which is used
    like logits: its softmax is the mean again.

    Args:
        forward: a `TextClassifier`.
        backward: a `TextClassifier` trained on reversed documents.

    Examples:
        >>> import numpy as np
        >>> from tfast.text.models.classifier import TextClassifier
        >>> sizes = {"embed_size": 4, "hidden_size": 6, "num_layers": 1}
        >>> both = ForwardBackwardClassifier(
        ...     TextClassifier(50, 2, **sizes), TextClassifier(50, 2, **sizes)
        ... )
        >>> logits = both({"token_ids": np.array([[2, 9, 8]]), "lengths": np.array([3])})
        >>> tuple(logits.shape)
        (1, 2)
    """

    def __init__(self, forward: keras.Model, backward: keras.Model, **options: Any) -> None:
        super().__init__(**options)
        self.forward = forward
        self.backward = backward
        self.built = True

    def call(self, inputs: dict[str, TensorLike], training: bool = False) -> Tensor:
        """The logarithms of the mean probabilities."""
        token_ids, lengths = inputs["token_ids"], ops.cast(inputs["lengths"], "int32")
        positions = ops.arange(ops.shape(token_ids)[1])[None]
        last = lengths[:, None] - 1
        reversed_positions = ops.where(positions <= last, last - positions, positions)
        reversed_ids = ops.take_along_axis(token_ids, reversed_positions, axis=1)
        forward = self.forward(inputs, training=training)
        backward = self.backward({"token_ids": reversed_ids, "lengths": lengths}, training=training)
        mean = (ops.softmax(forward) + ops.softmax(backward)) / 2
        return ops.log(ops.maximum(mean, keras.config.epsilon()))

    def export(self, filepath: PathLike, *positional: Any, **options: Any) -> None:
        """See `TextClassifier.export`."""
        options.setdefault("input_signature", [classifier_inputs()])
        super().export(filepath, *positional, **options)

    def get_config(self) -> dict[str, Any]:
        """Both models."""
        serialize = keras.saving.serialize_keras_object
        models = {"forward": serialize(self.forward), "backward": serialize(self.backward)}
        return {**super().get_config(), **models}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ForwardBackwardClassifier":
        """The model with both models inside."""
        names = ("forward", "backward")
        models = {name: keras.saving.deserialize_keras_object(config[name]) for name in names}
        return cls(**(config | models))
