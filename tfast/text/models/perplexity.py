"""How well a language model predicts, as a number of words."""

import keras
from keras import ops

from tfast.types import Tensor


@keras.saving.register_keras_serializable(package="tfast")
class Perplexity(keras.metrics.Mean):
    """The exponential of the mean cross-entropy: how many words the model wavers between.

    Examples:
        >>> import math
        >>> metric = Perplexity()
        >>> metric.update_state([math.log(2.0), math.log(8.0)])
        >>> round(float(metric.result()), 4)
        4.0
    """

    def result(self) -> Tensor:
        """A float32 scalar."""
        return ops.exp(super().result())
