"""AR and TAR, the two regularizers of activations of AWD-LSTM."""

from keras import ops

from tfast.types import Tensor, TensorLike


def activation_regularization(outputs: TensorLike, alpha: float) -> Tensor:
    """AR: `alpha` times the mean square of `outputs`, which keeps activations small.

    Args:
        outputs: any shape; in AWD-LSTM the last layer's outputs after dropout.
        alpha: weight, 2 in AWD-LSTM.

    Returns:
        A float32 scalar.

    Source: Merity et al. 2017, Revisiting Activation Regularization; fastai 2.8.12
        `RNNRegularizer`.

    Examples:
        >>> import numpy as np
        >>> float(activation_regularization(np.array([[1.0, 3.0]]), 2.0))
        10.0
    """
    return alpha * ops.mean(ops.square(ops.cast(outputs, "float32")))


def temporal_activation_regularization(outputs: TensorLike, beta: float) -> Tensor:
    """TAR: `beta` times the mean squared change from each time step to the next.

    Args:
        outputs: `(batch, time, features)`; in AWD-LSTM the last layer's outputs before dropout.
        beta: weight, 1 in AWD-LSTM.

    Returns:
        A float32 scalar, 0 for a single time step.

    Source: as `activation_regularization`.

    Examples:
        >>> import numpy as np
        >>> float(temporal_activation_regularization(np.array([[[1.0], [3.0]]]), 1.0))
        4.0
    """
    outputs = ops.cast(outputs, "float32")
    changes = ops.square(outputs[:, 1:] - outputs[:, :-1])
    # Not a mean: that of a single step would be 0 / 0.
    return beta * ops.sum(changes) / ops.cast(ops.maximum(ops.size(changes), 1), "float32")
