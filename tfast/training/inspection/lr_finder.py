"""The learning-rate range test: a mock training whose rate grows until the loss explodes."""

import contextlib
import math
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from tfast.arguments import fraction, whole_number
from tfast.training.inspection.lr_curve import LearningRateCurve as LearningRateCurve
from tfast.training.inspection.random_states import random_states_kept
from tfast.training.optimizers.inner_optimizers import innermost
from tfast.training.optimizers.keras_private import (
    build_for_training,
    replace_learning_rate,
    step_count,
)
from tfast.types import Tensor

_CUT_END = 5  # points at the curve's end that suggestions and plot leave out, as in fastai
_EXPLODED = 4  # times the best smoothed loss
_FIT_CHANGES = ("history", "stop_training", "steps_per_execution")  # attributes of a model


def find_learning_rate(
    model: keras.Model,
    dataset: Any,
    *,
    start: float = 1e-7,
    end: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.98,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> LearningRateCurve:
    """Trains with rates from `start` to `end` and gives the losses; the model stays as it was.

    Stops early where the smoothed loss is more than 4 times its best or no number any more.
    However it ends, by an error or Ctrl-C too, everything is put back: weights, batch norm
    statistics, seed generators, the optimizer's state and rate (a float or a schedule),
    metrics, the global random generators (Python, NumPy, Keras, `tf.random`); callbacks that a
    broken search leaves attached hear that training ended. Only the dataset goes on: one that
    shuffles again in each pass has made a pass or more, and gives the next `fit` another order.

    Each batch is a step of its own, whatever the model's `steps_per_execution`. A step whose
    gradients overflow under loss scaling changes no weight and leaves the rate where it is.

    Args:
        model: a compiled Keras model.
        dataset: what `model.fit` takes as its only data: a `tf.data.Dataset` of batches,
            a `PyDataset` or a `DataLoader`, not arrays. It is repeated if it has too few batches.
        start: the first rate, above 0.
        end: the last rate, above `start`.
        steps: number of rates, equally far apart on a logarithmic scale, from 2 on.
        smoothing: weight of the past in the smoothed loss, in [0, 1).
        callbacks: Keras callbacks that take part, like `LayerwiseLearningRates`.

    Returns:
        A `LearningRateCurve`.

    Raises:
        ValueError: a number is out of its range, the model is not compiled or has a
            `MultiOptimizer` (no one rate), the dataset is empty or is arrays, or the loss is no
            finite number from the first step on.

    Examples:
        >>> from tensorflow import data
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> dataset = data.Dataset.from_tensors((np.ones((4, 1)), np.ones((4, 1))))
        >>> curve = find_learning_rate(model, dataset, steps=20)
        >>> len(curve.losses) <= 20 and int(model.optimizer.iterations)
        0

    Source: Smith, arXiv:1506.01186; fastai `Learner.lr_find`, `LRFinder`.
    Differs: the last rate is `end` itself; fastai stops one step before it.
    """
    _check(model, dataset, start=start, end=end, steps=steps, smoothing=smoothing)
    rates = np.geomspace(start, end, steps)
    optimizer = innermost(model.optimizer)
    with random_states_kept():
        _build(model, dataset)
        ramp = _Ramp(optimizer, len(rates), smoothing)
        with _as_it_was(model, optimizer, _Growth(rates, ramp.first_step)):
            losses = _train(model, dataset, ramp, list(callbacks))
    if len(losses) < 2:
        raise ValueError(f"the loss exploded after the first step: start={start} is too high")
    return LearningRateCurve(rates[: len(losses)], np.array(losses), len(rates) // 10, _CUT_END)


def _check(
    model: keras.Model, dataset: Any, *, start: float, end: float, steps: int, smoothing: float
) -> None:
    if not getattr(model, "compiled", False):
        raise ValueError("model is not compiled: call model.compile(...) before")
    optimizer = innermost(model.optimizer)
    if isinstance(optimizer, keras.optimizers.MultiOptimizer):
        raise ValueError("model has a MultiOptimizer, which has no rate that could grow")
    if isinstance(dataset, tuple | list | dict) or hasattr(dataset, "shape"):
        raise ValueError(
            "dataset must give batches, like a tf.data.Dataset or a PyDataset, "
            f"got a {type(dataset).__name__}"
        )
    if not 0 < start < end < math.inf:
        raise ValueError(f"start and end must be rates with 0 < start < end, got {start} and {end}")
    whole_number("steps", steps, minimum=2)
    fraction("smoothing", smoothing)


def _train(
    model: keras.Model, dataset: Any, ramp: "_Ramp", callbacks: list[keras.callbacks.Callback]
) -> list[float]:
    repeats = hasattr(dataset, "repeat")  # other data is gone through again, in many epochs
    try:
        model.fit(
            dataset.repeat() if repeats else dataset,
            steps_per_epoch=ramp.max_batches if repeats else None,
            epochs=1 if repeats else ramp.max_batches,
            shuffle=not repeats,
            verbose=0,
            callbacks=[ramp, *callbacks],
        )
    except BaseException:
        # Keras does not tell callbacks of a fit that breaks: what they attached would stay.
        for callback in callbacks if ramp.has_begun else ():
            callback.on_train_end()
        raise
    return ramp.losses


class _Ramp(keras.callbacks.Callback):
    """Notes each batch's loss and ends the fit."""

    def __init__(
        self, optimizer: keras.optimizers.Optimizer, num_rates: int, smoothing: float
    ) -> None:
        super().__init__()
        self.optimizer = optimizer
        self.num_rates = num_rates
        self.smoothing = smoothing
        # More than rates: an overflow takes a batch and is no step.
        self.max_batches = 10 * num_rates
        self.losses: list[float] = []
        self.has_begun = False  # which all callbacks have, then
        self._batches = 0
        self._mean = 0.0
        self.first_step = self._step()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.has_begun = True

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.model.reset_metrics()  # so that the logs are of this batch alone

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        _ = self.model  # on JAX: brings the variables up to date
        loss = float((logs or {})["loss"])
        self._batches += 1
        done = self._step() - self.first_step
        if done > len(self.losses) and self._note(loss):
            self.model.stop_training = True
        if done >= self.num_rates or self._batches >= self.max_batches:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._batches:
            raise ValueError("dataset is empty: it gave no batch")

    def _note(self, loss: float) -> bool:
        """Takes a step's loss in; says whether it has exploded."""
        if not math.isfinite(loss):
            if not self.losses:
                raise ValueError(f"the loss is {loss} from the first step: look at data and model")
            return True
        self._mean = self.smoothing * self._mean + (1 - self.smoothing) * loss
        self.losses.append(self._mean / (1 - self.smoothing ** (len(self.losses) + 1)))
        best = min(self.losses)
        return self.losses[-1] > _EXPLODED * best > 0

    def _step(self) -> int:
        return int(ops.convert_to_numpy(step_count(self.optimizer)))


class _Growth(LearningRateSchedule):
    """Geometric: the first rate at `first_step`, and so on to the last.

    In the graph, because on JAX the step would not see another variable change.
    """

    def __init__(self, rates: np.ndarray, first_step: int) -> None:
        self.logarithms = math.log(rates[0]), math.log(rates[-1])
        self.steps, self.first_step = len(rates) - 1, first_step

    def __call__(self, step: Tensor) -> Tensor:
        first, last = self.logarithms
        position = ops.cast(step - self.first_step, "float32") / self.steps
        return ops.exp(first + (last - first) * position)


def _build(model: keras.Model, dataset: Any) -> None:
    """Makes all variables, which Keras may put off to the first step."""
    if hasattr(dataset, "element_spec"):
        batch = dataset.element_spec
    elif isinstance(dataset, keras.utils.PyDataset):
        batch = dataset[0] if len(dataset) else None
    else:
        batch = next(iter(dataset), None)
    if batch is None:
        raise ValueError("dataset is empty: it gave no batch")
    build_for_training(model, batch)


@contextlib.contextmanager
def _as_it_was(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, rate: LearningRateSchedule
) -> Iterator[None]:
    """Inside, the optimizer has another rate; after it all of a built model is as before."""
    variables = [*model.variables, *model.metrics_variables, *model.optimizer.variables]
    values = [ops.convert_to_numpy(variable) for variable in variables]
    kept = {name: getattr(model, name) for name in _FIT_CHANGES if hasattr(model, name)}
    put_rate_back = replace_learning_rate(optimizer, rate)
    model.steps_per_execution = 1
    model.train_function = None  # it is traced for the rate it had
    try:
        with warnings.catch_warnings():
            # Of data that cannot be repeated, in each epoch.
            warnings.filterwarnings("ignore", "Your input ran out of data")
            yield
    finally:
        for name, value in kept.items():
            setattr(model, name, value)
        put_rate_back()
        model.train_function = None
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
