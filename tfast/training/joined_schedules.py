"""Schedules one after another."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from tfast.arguments import whole_number
from tfast.types import Tensor, TensorLike


def join_schedules(
    schedules: Sequence[LearningRateSchedule], boundaries: Sequence[int], *, first_step: int = 0
) -> LearningRateSchedule:
    """One schedule of several, each of which sees its own steps, counted from 0.

    Args:
        schedules: one or more; the last one goes on for ever.
        boundaries: the steps at which the second one and those after it begin, counted from
            `first_step`, growing.
        first_step: the optimizer's step at which the first one begins.

    Returns:
        A `LearningRateSchedule` that is saved with an optimizer.

    Raises:
        ValueError: boundaries that do not grow, or too many or too few of them.

    Examples:
        >>> from keras.optimizers.schedules import PolynomialDecay
        >>> down = PolynomialDecay(1.0, 10, 0.0)
        >>> schedule = join_schedules([down, down], [4])
        >>> [round(float(schedule(step)), 1) for step in range(7)]
        [1.0, 0.9, 0.8, 0.7, 1.0, 0.9, 0.8]

    Source: optax `join_schedules`.
    """
    return JoinedSchedules(schedules, boundaries, first_step=first_step)


# The name that files of tfast 0.1 have it under.
@keras.saving.register_keras_serializable(package="tfast", name="OneAfterAnother")
class JoinedSchedules(LearningRateSchedule):
    """What `join_schedules` returns, as Keras saves and loads it."""

    def __init__(
        self,
        schedules: Sequence[LearningRateSchedule],
        boundaries: Sequence[int],
        *,
        first_step: int = 0,
    ) -> None:
        self.schedules = list(schedules)
        self.boundaries = [whole_number("boundaries", boundary) for boundary in boundaries]
        growing = all(one < other for one, other in itertools.pairwise(self.boundaries))
        if not growing or len(self.boundaries) != len(self.schedules) - 1:
            raise ValueError(
                f"boundaries must be growing steps, one less than the {len(self.schedules)} "
                f"schedules, got {boundaries!r}"
            )
        self.first_step = whole_number("first_step", first_step, minimum=None)

    def __call__(self, step: TensorLike) -> Tensor:
        """The rate at the optimizer's step, a float scalar."""
        step = ops.cast(step, "int32") - self.first_step
        rate = self.schedules[0](step)
        for schedule, boundary in zip(self.schedules[1:], self.boundaries, strict=True):
            rate = ops.where(step < boundary, rate, schedule(step - boundary))
        return rate

    def get_config(self) -> dict[str, Any]:
        """The whole configuration."""
        return {
            "schedules": [keras.saving.serialize_keras_object(each) for each in self.schedules],
            "boundaries": self.boundaries,
            "first_step": self.first_step,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "JoinedSchedules":
        """The reverse of `get_config`; of the lengths of all schedules in older files, too."""
        schedules = [keras.saving.deserialize_keras_object(each) for each in config["schedules"]]
        boundaries = config.get("boundaries")
        if boundaries is None:
            boundaries = list(itertools.accumulate(config["steps"]))[:-1]
        return cls(schedules, boundaries, first_step=config["first_step"])
