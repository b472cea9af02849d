"""`AveragedWeights`: train with the weights of each step, keep their average."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tfast.arguments import whole_number
from tfast.training.layer_groups import unfrozen_variables
from tfast.training.optimizers.inner_optimizers import innermost, with_inner_optimizers
from tfast.types import Tensor


class AveragedWeights(keras.callbacks.Callback):
    """Averages the trainable weights, all equally, from a trigger on.

    The trigger is a step (stochastic weight averaging) or the moment at which the validation
    loss stops getting better (NT-ASGD, the "A" of AWD-LSTM). Once there is an average,

    - the evaluation at the end of an epoch sees the average, which stays in the model until the
      next epoch begins. So `ModelCheckpoint` and `EarlyStopping` keep the weights that the
      validation numbers in the logs were measured with, whatever the order of the callbacks.
      (The numbers of training, like `loss`, are those of the weights of training.);
    - training goes on with its own weights; files written in the middle of an epoch, or after
      one without an evaluation, hold those;
    - when `fit` ends the model holds the average, unless another callback has put weights of its
      own there (`EarlyStopping(restore_best_weights=True)`: the best average), and the optimizer
      the moments of the last step of training.

    All weights are averaged that train when `fit` begins or that `layer_groups.freeze_to` has
    frozen, so that they may freeze and unfreeze meanwhile (`unfreezing.GradualUnfreezing`).

    A `fit` that breaks (Ctrl-C) leaves the weights of training in the model, but in or after
    an evaluation the average: then the next `fit` with this object puts those of training
    back, unless the model was given others in between.

    Batch normalisation's moving statistics are not weights: they stay those of training, in
    evaluation too. For a model that has them, run some batches through `model(..., training=True)`
    after the fit, or they fit the averaged weights only roughly.

    A step is one update of the optimizer; batches that only accumulate gradients, or overflow,
    are none. With `steps_per_execution` the callback sees the weights only every so many steps
    and takes those it sees next.

    Args:
        start: the first step after which the weights go into the average, from 1 on.
        period: steps between the weights that are taken.
        patience: evaluations. The average starts with the step after an evaluation that is
            worse than the best of those more than `patience` evaluations ago. Exactly one of
            `start` and `patience` is given.
        monitor: the name of the loss in the logs that `patience` looks at.

    Raises:
        ValueError: an argument is out of its range; (when `fit` begins) the optimizer has
            `use_ema`, which would end with averages of its own; or (at the end of an epoch) the
            logs have a validation loss but none of the name `monitor`.

    Warns:
        UserWarning: fit ended without one evaluation to look at.

    Examples:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> average = AveragedWeights(start=3)
        >>> data = np.ones((8, 1)), np.ones((8, 1))
        >>> history = model.fit(*data, batch_size=2, callbacks=[average], verbose=0)
        >>> average.count
        2

    Source: Merity et al., arXiv:1708.02182, algorithm 1; Izmailov et al., arXiv:1803.05407;
        tensorflow_addons `SWA`, whose `start_averaging` counts from 0.
    """

    def __init__(
        self,
        *,
        start: int | None = None,
        period: int = 1,
        patience: int | None = None,
        monitor: str = "val_loss",
    ) -> None:
        super().__init__()
        if (start is None) == (patience is None):
            raise ValueError(f"give either start or patience, got {start!r} and {patience!r}")
        for name, value in (("start", start), ("patience", patience)):
            if value is not None:
                whole_number(name, value)
        self.period = whole_number("period", period)
        self.patience = patience
        self.monitor = monitor
        self._first_start = start
        self._variables: list[keras.Variable] = []
        self._reset()

    def _reset(self) -> None:
        self.start = self._first_start
        self.count = 0  # weights in the average so far
        self._average: list[Tensor] = []
        # The weights of training: set aside while the model holds the average.
        self._of_training: list[np.ndarray] | None = None
        self._at_epoch_end: list[np.ndarray] = []
        self._in_fit = False
        self._step = 0
        self._losses: list[float] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Each fit begins an average of its own; `set_state` after this goes on with another."""
        if any(each.use_ema for each in with_inner_optimizers(self.model.optimizer)):
            raise ValueError(
                "AveragedWeights: the optimizer must not have use_ema, got use_ema=True"
            )
        if self._of_training is not None and self._holds(self._average):
            self._put_training_back()  # a fit broke
        self._reset()
        self._in_fit = True
        self._variables = unfrozen_variables(self.model)
        self._step = self._steps_done()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Puts the weights of training back."""
        self._put_training_back()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Takes the weights into the average where their turn has come."""
        if self.start is None:
            return
        before, self._step = self._step, self._steps_done()
        turn = (self._step - self.start) // self.period
        if self._step >= self.start and turn > (before - self.start) // self.period:
            self._take()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the average into the model."""
        if self.count and self._of_training is None:
            self._of_training = self._copies()
            self._assign(self._average)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the weights of training back where no `fit` runs; there the average stays."""
        if not self._in_fit:
            self._put_training_back()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks whether the validation loss still gets better."""
        self._at_epoch_end = self._copies() if self.count and self._of_training is None else []
        logs = logs or {}
        if self.patience is None or self.start is not None:
            return
        if self.monitor not in logs:
            if any(name.startswith("val_") for name in logs):
                raise ValueError(f"monitor={self.monitor!r} is not among the logs {sorted(logs)}")
            return
        earlier = self._losses[: -self.patience]
        self._losses.append(float(logs[self.monitor]))
        if earlier and self._losses[-1] > min(earlier):
            self._step = self._steps_done()
            self.start = self._step + 1

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leaves the average in the model, or what another callback has put there."""
        if self.patience is not None and self.start is None and not self._losses:
            warnings.warn(
                f"AveragedWeights never saw {self.monitor!r}: fit had no validation data",
                stacklevel=2,
            )
        if self.count and self._of_training is None and self._holds(self._at_epoch_end):
            self._assign(self._average)
        self._of_training, self._in_fit = None, False

    def get_state(self) -> dict[str, Any]:
        """All that a resumed run needs, as a dict of NumPy arrays."""
        averages = {f"average.{i}": np.asarray(a) for i, a in enumerate(self._average)}
        averages |= {f"of_training.{i}": a for i, a in enumerate(self._of_training or [])}
        start = 0 if self.start is None else self.start
        numbers = {"start": start, "count": self.count, "step": self._step}
        return averages | numbers | {"losses": np.asarray(self._losses, "float64")}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `get_state` gave."""
        self.start, self.count, self._step = (
            int(state[name]) for name in ("start", "count", "step")
        )
        self.start = self.start or None
        self._losses = [float(loss) for loss in state["losses"]]
        self._average = [ops.convert_to_tensor(each) for each in _numbered("average", state)]
        self._of_training = _numbered("of_training", state) or None

    @property
    def _weights(self) -> list[keras.Variable]:
        _ = self.model  # on JAX: brings the variables up to date
        return self._variables

    def _copies(self) -> list[np.ndarray]:
        return [np.array(ops.convert_to_numpy(weight)) for weight in self._weights]

    def _put_training_back(self) -> None:
        if self._of_training is not None:
            self._assign(self._of_training)
            self._of_training = None

    def _holds(self, values: Sequence[Any]) -> bool:
        pairs = zip(self._weights, values, strict=False)
        return all(bool(ops.all(ops.equal(w, ops.cast(a, w.dtype)))) for w, a in pairs)

    def _steps_done(self) -> int:
        optimizer = innermost(self.model.optimizer)
        return int(ops.convert_to_numpy(optimizer.iterations))

    def _take(self) -> None:
        weights = self._weights
        self.count += 1
        average = self._average or [ops.zeros(weight.shape, "float32") for weight in weights]
        self._average = [a + (w - a) / self.count for a, w in zip(average, weights, strict=True)]

    def _assign(self, values: Sequence[Any]) -> None:
        for weight, value in zip(self._weights, values, strict=True):
            # A copy: JAX takes the memory of a model's weights away in the next step.
            weight.assign(ops.cast(ops.copy(value), weight.dtype))


def _numbered(name: str, state: Mapping[str, Any]) -> list[Any]:
    count = sum(key.startswith(f"{name}.") for key in state)
    return [state[f"{name}.{index}"] for index in range(count)]
