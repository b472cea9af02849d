"""Two text classifiers as one: one reads forwards, the other backwards."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfast")
class ForwardBackwardClassifier(keras.Model):
    """Averages the probabilities of a model that reads forwards and one that reads backwards.

    It takes documents as they are read forwards and turns them round itself. The result is the
    logarithm of the mean probability of each class, `(batch, classes)` float32, which is used
    like logits: its softmax is the mean again.

    Args:
        forward: a `TextClassifier`.
        backward: a `TextClassifier` trained on reversed documents.

    Example:
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

    def __init__(self, forward, backward, **kwargs):
        super().__init__(**kwargs)
        self.forward = forward
        self.backward = backward
        self.built = True

    def call(self, inputs, training=False):
        """The logarithms of the mean probabilities."""
        token_ids, lengths = inputs["token_ids"], ops.cast(inputs["lengths"], "int32")
        places = ops.arange(ops.shape(token_ids)[1])[None]
        last = lengths[:, None] - 1
        turned = ops.where(places <= last, last - places, places)
        turned_ids = ops.take_along_axis(token_ids, turned, axis=1)
        forward = self.forward(inputs, training=training)
        backward = self.backward({"token_ids": turned_ids, "lengths": lengths}, training=training)
        mean = (ops.softmax(forward) + ops.softmax(backward)) / 2
        return ops.log(ops.maximum(mean, keras.config.epsilon()))

    def get_config(self):
        """Both models."""
        serialize = keras.saving.serialize_keras_object
        models = {"forward": serialize(self.forward), "backward": serialize(self.backward)}
        return {**super().get_config(), **models}

    @classmethod
    def from_config(cls, config):
        """The model with both models inside."""
        models = {
            key: keras.saving.deserialize_keras_object(config.pop(key))
            for key in ("forward", "backward")
        }
        return cls(**models, **config)
