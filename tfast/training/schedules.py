"""What follows the step: learning-rate schedules, and momentum that runs against them.

The three schedules are Keras `LearningRateSchedule`s: give one to any optimizer as its
learning rate. Position 0 is the first step and 1 is `total_steps`; before and behind them the
value stays where it was. The step is the optimizer's count of batches, whatever
`steps_per_execution` or gradient accumulation make of it.
"""

import math

import keras
from keras import ops

from tfast.training.momentum import MomentumSchedule as MomentumSchedule


def _smooth_turn(start, end, position):
    """From `start` at position 0 to `end` at 1 on half a wave of the cosine."""
    # cos² and sin² where one finds (1 ± cos) / 2: those lose the small end to rounding.
    angle = 0.5 * math.pi * position
    return start * ops.square(ops.cos(angle)) + end * ops.square(ops.sin(angle))


def _check_number(name, value, *, above, below=math.inf):
    if not above < value < below:
        raise ValueError(f"{name} must lie between {above} and {below}, got {value!r}")


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Where a step stands in a run, and the config; subclasses say the value there."""

    def __init__(self, total_steps, first_step, **options):
        if total_steps != int(total_steps) or total_steps < 1:
            raise ValueError(f"total_steps must be a whole number from 1 on, got {total_steps!r}")
        self.total_steps = int(total_steps)
        self.first_step = first_step
        self._options = options

    def __call__(self, step):
        position = (ops.cast(step, "float32") - self.first_step) / self.total_steps
        return self.value_at(ops.clip(position, 0.0, 1.0))

    def get_config(self):
        return {"total_steps": self.total_steps, "first_step": self.first_step} | self._options


@keras.saving.register_keras_serializable(package="tfast")
class OneCycle(_Schedule):
    """Up from a small rate to the peak, then down to nearly nothing, both on a cosine.

    Args:
        peak: the highest rate, above 0.
        total_steps: batches in the whole run.
        start_factor: the first rate is `peak / start_factor`.
        end_factor: the last rate is `peak / end_factor`.
        rising: share of the steps on the way up, between 0 and 1.
        first_step: the optimizer's step at which the cycle begins, where a run goes on with
            an optimizer that has stepped before.

    Raises:
        ValueError: a number is out of its range.

    Example:
        >>> schedule = OneCycle(1e-3, total_steps=100)
        >>> [float(f"{float(schedule(step)):.1e}") for step in (0, 25, 100, 101)]
        [4e-05, 0.001, 1e-08, 1e-08]

    Source: fastai `fit_one_cycle`; Smith and Topin, arXiv:1708.07120.
    """

    def __init__(
        self, peak, total_steps, *, start_factor=25.0, end_factor=1e5, rising=0.25, first_step=0
    ):
        _check_number("peak", peak, above=0)
        _check_number("start_factor", start_factor, above=0)
        _check_number("end_factor", end_factor, above=0)
        _check_number("rising", rising, above=0, below=1)
        options = {"start_factor": start_factor, "end_factor": end_factor, "rising": rising}
        super().__init__(total_steps, first_step, peak=peak, **options)
        self.peak, self.rising = peak, rising
        self.start, self.end = peak / start_factor, peak / end_factor

    def value_at(self, position):
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
        rising: share of the steps in which the rate rises and the momentum falls.
        first_step: the optimizer's step at which the cycle begins.

    Raises:
        ValueError: a number is out of its range.

    Example:
        >>> schedule = OneCycleMomentum(total_steps=100)
        >>> [round(float(schedule(step)), 3) for step in (0, 25, 100)]
        [0.95, 0.85, 0.95]

    Source: fastai `fit_one_cycle`, `moms`.
    """

    def __init__(self, total_steps, *, high=0.95, low=0.85, rising=0.25, first_step=0):
        _check_number("high", high, above=0, below=1)
        _check_number("low", low, above=0, below=1)
        _check_number("rising", rising, above=0, below=1)
        super().__init__(total_steps, first_step, high=high, low=low, rising=rising)
        self.high, self.low, self.rising = high, low, rising

    def value_at(self, position):
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
        flat: share of the steps before the descent, from 0 to below 1.
        end_factor: the last rate is `rate / end_factor`.
        first_step: the optimizer's step at which the schedule begins.

    Raises:
        ValueError: a number is out of its range.

    Example:
        >>> schedule = FlatCosine(0.5, total_steps=100)
        >>> [round(float(schedule(step)), 3) for step in (0, 75, 100)]
        [0.5, 0.5, 0.0]

    Source: fastai `fit_flat_cos`.
    """

    def __init__(self, rate, total_steps, *, flat=0.75, end_factor=1e5, first_step=0):
        _check_number("rate", rate, above=0)
        _check_number("end_factor", end_factor, above=0)
        if not 0 <= flat < 1:
            raise ValueError(f"flat must lie from 0 to below 1, got {flat!r}")
        super().__init__(total_steps, first_step, rate=rate, flat=flat, end_factor=end_factor)
        self.rate, self.flat, self.end = rate, flat, rate / end_factor

    def value_at(self, position):
        """The rate at a position between 0 and 1."""
        descent = ops.maximum((position - self.flat) / (1 - self.flat), 0.0)
        return _smooth_turn(self.rate, self.end, descent)


@keras.saving.register_keras_serializable(package="tfast")
class SlantedTriangular(_Schedule):
    """A short straight rise to the peak and a long straight fall: ULMFiT's schedule.

    Args:
        peak: the highest rate, above 0.
        total_steps: batches in the whole run.
        rising: share of the steps on the way up, between 0 and 1.
        ratio: how many times smaller than the peak the rate is at both ends.
        first_step: the optimizer's step at which the schedule begins.

    Raises:
        ValueError: a number is out of its range.

    Example:
        >>> schedule = SlantedTriangular(0.32, total_steps=100)
        >>> [round(float(schedule(step)), 3) for step in (0, 10, 55, 100)]
        [0.01, 0.32, 0.165, 0.01]

    Source: Howard and Ruder, arXiv:1801.06146, equation 3.
    Differs: the peak's position is not rounded down to a whole step.
    """

    def __init__(self, peak, total_steps, *, rising=0.1, ratio=32.0, first_step=0):
        _check_number("peak", peak, above=0)
        _check_number("rising", rising, above=0, below=1)
        _check_number("ratio", ratio, above=0)
        super().__init__(total_steps, first_step, peak=peak, rising=rising, ratio=ratio)
        self.peak, self.rising, self.low = peak, rising, peak / ratio

    def value_at(self, position):
        """The rate at a position between 0 and 1."""
        height = ops.minimum(position / self.rising, (1 - position) / (1 - self.rising))
        return self.low + (self.peak - self.low) * height
