"""Ends a run whose weights are no longer finite, before it saves them."""

import keras
import numpy as np

from tfast.recipes.errors import DivergedError

# Each step whose gradients overflow float16 halves the scale of the loss. So far down, 29 halves
# from where Keras begins, gradients far above 65,504 are no accident; at 0 nothing would be learned
# any more, without a sign. Source: Fairseq's `min_loss_scale`.
LEAST_LOSS_SCALE = 1e-4


class StopAtDivergence(keras.callbacks.Callback):
    """Raises `DivergedError` after the first step that leaves weights that are not finite.

    A loss that is not finite is not enough: in float16 the optimizer skips such a step, and the
    weights stay as they were. And it comes a step late: so `resumable_fit`, which calls
    `before_checkpoint`, keeps the last good weights.

    Examples:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.SGD(1e30), "mse")
        >>> data = np.full((8, 1), 1e9), np.ones((8, 1))
        >>> model.fit(*data, batch_size=2, callbacks=[StopAtDivergence()], verbose=0)
        Traceback (most recent call last):
        tfast.errors.DivergedError: the training diverged in step 2: ...
    """

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Looks at the loss; and at the weights if that is not finite."""
        if not np.isfinite((logs or {}).get("loss", 0.0)):
            self._check()

    def before_checkpoint(self) -> None:
        """Looks at the weights: what is written must be good."""
        self._check()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Looks at the weights: some operations hide that they are not finite from the loss."""
        check_finite(self.model, f"in epoch {epoch + 1}")

    def _check(self) -> None:
        optimizer = self.model.optimizer
        step = f"in step {int(optimizer.iterations)}"
        check_finite(self.model, step)
        scale = float(getattr(optimizer, "dynamic_scale", 1.0))
        if scale < LEAST_LOSS_SCALE:
            raise DivergedError(
                f"the training diverged {step}: gradients overflow float16 at a loss scale of "
                f"{scale:.1e}; take a lower learning rate or another precision, and another "
                "output folder"
            )


def check_finite(model: keras.Model, when: str) -> None:
    """Raises `DivergedError` if a weight of `model` is not finite, naming the first.

    Args:
        model: a built model.
        when: for the message.
    """
    for weight in model.weights:
        if "float" in weight.dtype and not bool(keras.ops.all(keras.ops.isfinite(weight))):
            raise DivergedError(
                f"the training diverged {when}: {weight.path} is not finite; "
                "take a lower learning rate and another output folder"
            )
