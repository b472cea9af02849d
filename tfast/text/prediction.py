"""What a model says to documents, in their order."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfast.text.classifier_batches import classifier_batches, restore_order


def predict_documents(
    function: Callable[[dict[str, tf.Tensor]], Any],
    documents: tf.RaggedTensor,
    *,
    batch_size: int = 32,
    reverse: bool = False,
    show_progress: bool = False,
) -> np.ndarray:
    """Outputs of a model for documents of any length, in their order.

    It gives what `model.predict` and `restore_order` give. But `model.predict` traces a model up to
    three times where the batches differ in length and size, which takes seconds, more than a few
    hundred texts, and after a few models TensorFlow warns of it. Here it is traced once.

    Args:
        function: a classifier, or what else makes a tensor `(batch, ...)` of the inputs that
            `classifier_batches` gives, such as `TextClassifier.pool`.
        documents: int32 `tf.RaggedTensor` `(documents, None)` of token ids.
        batch_size: documents that are read at a time.
        reverse: whether each document is read from its end to its beginning.
        show_progress: whether to show progress.

    Returns:
        An array `(documents, ...)` of the function's dtype.

    Raises:
        ValueError: see `classifier_batches`.

    Examples:
        >>> documents = tf.ragged.constant([[2], [2, 10, 11]], dtype="int32")
        >>> predict_documents(lambda inputs: inputs["lengths"], documents).tolist()
        [1, 3]
    """
    batches = classifier_batches(documents, batch_size=batch_size, training=False, reverse=reverse)
    traced = tf.function(function, input_signature=[batches.element_spec])
    progress = keras.utils.Progbar(len(batches)) if show_progress else None
    outputs = []
    for inputs in batches:
        outputs.append(traced(inputs).numpy())
        if progress is not None:
            progress.add(1)
    return restore_order(np.concatenate(outputs), documents)
