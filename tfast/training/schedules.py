"""What follows the step: learning-rate schedules, and momentum that runs against them.

The three schedules are Keras `LearningRateSchedule`s: give one to any optimizer as its
learning rate. Position 0 is the first step and 1 is `total_steps`; before and after them the
value does not change. The step is the optimizer's count of batches, whatever
`steps_per_execution` or gradient accumulation make of it.
"""

import math
from typing import Any

import keras
from keras import ops

from tfast.arguments import fraction, positive_number, whole_number
from tfast.training.momentum import MomentumSchedule as MomentumSchedule
from tfast.types import Tensor, TensorLike


def _smooth_turn(start: float, end: float, position: Tensor) -> Tensor:
    """From `start` at position 0 to `end` at 1 on half a wave of the cosine."""
    # cos² and sin² where one finds (1 ± cos) / 2: those lose the small end to rounding.
    angle = 0.5 * math.pi * position
    return start * ops.square(ops.cos(angle)) + end * ops.square(ops.sin(angle))


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The position of a step in a run, and the config; subclasses give the value there."""

    def __init__(self, total_steps: int, first_step: int, **options: float) -> None:
        self.total_steps = whole_number("total_steps", total_steps)
        self.first_step = first_step
        self._options = options

    def __call__(self, step: TensorLike) -> Tensor:
        position = (ops.cast(step, "float32") - self.first_step) / self.total_steps
        return self.value_at(ops.clip(position, 0.0, 1.0))

    def value_at(self, position: Tensor) -> Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {"total_steps": self.total_steps, "first_step": self.first_step} | self._options


@keras.saving.register_keras_serializable(package="tfast")
class OneCycle(_Schedule):
    """Up from a small rate to the peak, then down to nearly nothing, both on a cosine.

    Args:
        peak: the highest rate, above 0.
        total_steps: batches in the whole run.
        start_factor: the first rate is `peak / start_factor`.
        end_factor: the last rate is `peak / end_factor`.
        rising: fraction of the steps on the way up, between 0 and 1.
        first_step: the optimizer's step at which the cycle begins, where a run goes on with
            an optimizer that has stepped before.

    Raises:
        ValueError: a number is out of its range.

    Examples:
        >>> schedule = OneCycle(1e-3, total_steps=100)
        >>> [float(f"{float(schedule(step)):.1e}") for step in (0, 25, 100, 101)]
        [4e-05, 0.001, 1e-08, 1e-08]

    Source: fastai `fit_one_cycle`; Smith and Topin, arXiv:1708.07120.
    """

    def __init__(
        self,
        peak: float,
        total_steps: int,
        *,
        start_factor: float = 25.0,
        end_factor: float = 1e5,
        rising: float = 0.25,
        first_step: int = 0,
    ) -> None:
        positive_number("peak", peak)
        positive_number("start_factor", start_factor)
        positive_number("end_factor", end_factor)
        fraction("rising", rising, zero=False)
        options = {"start_factor": start_factor, "end_factor": end_factor, "rising": rising}
        super().__init__(total_steps, first_step, peak=peak, **options)
        self.peak, self.rising = peak, rising
        self.start, self.end = peak / start_factor, peak / end_factor

    def value_at(self, position: Tensor) -> Tensor:
        """The rate at a position between 0 and 1."""
        up = _smooth_turn(self.start, self.peak, position / self.rising)
        down = _smooth_turn(self.peak, self.end, (position - self.rising) / (1 - self.rising))
        return ops.where(position < self.rising, up, down)


@keras.saving.register_keras_serializable(package="tfast")
class OneCycleMomentum(_Schedule):
    """The momentum beside `OneCycle`: low where the rate is high. For `MomentumSchedule`.

    Args:
        total_steps: batches in the whole run.
        high: momentum at both ends, between 0 and 1.
        low: momentum at the peak of the rate, between 0 and 1.
        rising: fraction of the steps in which the rate rises and the momentum falls.
        first_step: the optimizer's step at which the cycle begins.

    Raises:
        ValueError: a number is out of its range.

    Examples:
        >>> schedule = OneCycleMomentum(total_steps=100)
        >>> [round(float(schedule(step)), 3) for step in (0, 25, 100)]
        [0.95, 0.85, 0.95]

    Source: fastai `fit_one_cycle`, `moms`.
    """

    def __init__(
        self,
        total_steps: int,
        *,
        high: float = 0.95,
        low: float = 0.85,
        rising: float = 0.25,
        first_step: int = 0,
    ) -> None:
        fraction("high", high, zero=False)
        fraction("low", low, zero=False)
        fraction("rising", rising, zero=False)
        super().__init__(total_steps, first_step, high=high, low=low, rising=rising)
        self.high, self.low, self.rising = high, low, rising

    def value_at(self, position: Tensor) -> Tensor:
        """The momentum at a position between 0 and 1."""
        down = _smooth_turn(self.high, self.low, position / self.rising)
        up = _smooth_turn(self.low, self.high, (position - self.rising) / (1 - self.rising))
        return ops.where(position < self.rising, down, up)


@keras.saving.register_keras_serializable(package="tfast")
class FlatCosine(_Schedule):
    """One rate for most of the run, then down to nearly nothing on a cosine.

    Args:
        rate: the rate of the flat part, above 0.
        total_steps: batches in the whole run.
        flat: fraction of the steps before the descent, from 0 to below 1.
        end_factor: the last rate is `rate / end_factor`.
        first_step: the optimizer's step at which the schedule begins.

    Raises:
        ValueError: a number is out of its range.

    Examples:
        >>> schedule = FlatCosine(0.5, total_steps=100)
        >>> [round(float(schedule(step)), 3) for step in (0, 75, 100)]
        [0.5, 0.5, 0.0]

    Source: fastai `fit_flat_cos`.
    """

    def __init__(
        self,
        rate: float,
        total_steps: int,
        *,
        flat: float = 0.75,
        end_factor: float = 1e5,
        first_step: int = 0,
    ) -> None:
        positive_number("rate", rate)
        positive_number("end_factor", end_factor)
        fraction("flat", flat)
        super().__init__(total_steps, first_step, rate=rate, flat=flat, end_factor=end_factor)
        self.rate, self.flat, self.end = rate, flat, rate / end_factor

    def value_at(self, position: Tensor) -> Tensor:
        """The rate at a position between 0 and 1."""
        descent = ops.maximum((position - self.flat) / (1 - self.flat), 0.0)
        return _smooth_turn(self.rate, self.end, descent)


@keras.saving.register_keras_serializable(package="tfast")
class SlantedTriangular(_Schedule):
    """A short straight rise to the peak and a long straight fall: ULMFiT's schedule.

    Args:
        peak: the highest rate, above 0.
        total_steps: batches in the whole run.
        rising: fraction of the steps on the way up, between 0 and 1.
        ratio: how many times smaller than the peak the rate is at both ends.
        first_step: the optimizer's step at which the schedule begins.

    Raises:
        ValueError: a number is out of its range.

    Examples:
        >>> schedule = SlantedTriangular(0.32, total_steps=100)
        >>> [round(float(schedule(step)), 3) for step in (0, 10, 55, 100)]
        [0.01, 0.32, 0.165, 0.01]

    Source: Howard and Ruder, arXiv:1801.06146, equation 3.
    Differs: the peak's position is not rounded down to a whole step.
    """

    def __init__(
        self,
        peak: float,
        total_steps: int,
        *,
        rising: float = 0.1,
        ratio: float = 32.0,
        first_step: int = 0,
    ) -> None:
        positive_number("peak", peak)
        fraction("rising", rising, zero=False)
        positive_number("ratio", ratio)
        super().__init__(total_steps, first_step, peak=peak, rising=rising, ratio=ratio)
        self.peak, self.rising, self.low = peak, rising, peak / ratio

    def value_at(self, position: Tensor) -> Tensor:
        """The rate at a position between 0 and 1."""
        height = ops.minimum(position / self.rising, (1 - position) / (1 - self.rising))
        return self.low + (self.peak - self.low) * height
