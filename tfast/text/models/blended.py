"""A text classifier and TF-IDF as one: the geometric mean of what they say."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from tfast import arguments
from tfast.text.models.classifier import classifier_inputs
from tfast.text.models.sizes import num_classes
from tfast.text.models.tfidf import TfidfClassifier
from tfast.types import PathLike, Tensor, TensorLike


@keras.saving.register_keras_serializable(package="tfast")
class BlendedClassifier(keras.Model):
    """The weighted geometric mean of two classifiers' probabilities, sharpened or flattened.

    It takes what both take, and returns logits `(batch, classes)`, float32::

        logits = sharpness * (weight * log p_classifier + (1 - weight) * log p_tfidf)

    up to a number that all classes of a text have in common. `tfast.text.blending.fit_blend`
    chooses both numbers. Where the weight is 0 or 1 the other classifier is not computed.

    Args:
        classifier: a `TextClassifier` or `ForwardBackwardClassifier` that reads forwards.
        tfidf: a `TfidfClassifier` of the same vocabulary and classes.
        weight: of the first, in [0, 1].
        sharpness: above 0; it changes no text's most probable class.

    Raises:
        ValueError: a number is out of range, or the classes or vocabularies differ in number.

    Examples:
        >>> import numpy as np
        >>> from tfast.text.models.classifier import TextClassifier
        >>> model = TextClassifier(50, 2, embed_size=4, hidden_size=6, num_layers=1)
        >>> blend = BlendedClassifier(model, TfidfClassifier(50, 2, 3), weight=0.4)
        >>> logits = blend({"token_ids": np.array([[2, 9, 8]]), "lengths": np.array([3])})
        >>> tuple(logits.shape)
        (1, 2)
    """

    def __init__(
        self,
        classifier: keras.Model,
        tfidf: TfidfClassifier,
        *,
        weight: float,
        sharpness: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.weight = arguments.fraction("weight", weight, one=True)
        self.sharpness = arguments.positive_number("sharpness", sharpness)
        found = num_classes(classifier)
        if found != tfidf.settings["num_classes"]:
            raise ValueError(
                f"tfidf must have the {found} classes of the classifier, "
                f"got {tfidf.settings['num_classes']}"
            )
        self.classifier = classifier
        self.tfidf = tfidf
        self.built = True

    def call(self, inputs: Mapping[str, TensorLike], training: bool = False) -> Tensor:
        """The logits."""
        parts = []
        if self.weight > 0:
            logits = ops.cast(self.classifier(inputs, training=training), "float32")
            parts.append(self.weight * ops.log_softmax(logits))
        if self.weight < 1:
            parts.append((1 - self.weight) * ops.log_softmax(self.tfidf(inputs)))
        return self.sharpness * sum(parts)

    def export(self, filepath: PathLike, *positional: Any, **options: Any) -> None:
        """See `TextClassifier.export`."""
        options.setdefault("input_signature", [classifier_inputs()])
        super().export(filepath, *positional, **options)

    def get_config(self) -> dict[str, Any]:
        """Both models and both numbers."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "classifier": serialize(self.classifier),
            "tfidf": serialize(self.tfidf),
            "weight": self.weight,
            "sharpness": self.sharpness,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "BlendedClassifier":
        """The model with both models inside."""
        names = ("classifier", "tfidf")
        models = {name: keras.saving.deserialize_keras_object(config[name]) for name in names}
        return cls(**(config | models))
