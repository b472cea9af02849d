"""Gradual unfreezing: a training in stages, each with more of the model trainable."""

import contextlib
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from tfast.arguments import positive_number, whole_number
from tfast.training.joined_schedules import join_schedules
from tfast.training.layer_groups import Groups, freeze_to
from tfast.training.learning_rates import LayerwiseLearningRates
from tfast.training.optimizers.inner_optimizers import innermost
from tfast.training.optimizers.keras_private import step_count
from tfast.training.optimizers.layerwise_steps import check_scalable
from tfast.training.schedules import OneCycle


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage of a gradual unfreezing.

    Attributes:
        freeze_to: the first group that trains, as in `layer_groups.freeze_to`: -1 for the
            last group alone, 0 for everything.
        peak: the highest learning rate of the stage, above 0.
        epochs: how many, from 1 on.
        multipliers: of the rate, one for each group (frozen ones too); None for 1 everywhere.
    """

    freeze_to: int
    peak: float
    epochs: int = 1
    multipliers: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        whole_number("freeze_to", self.freeze_to, minimum=None)
        positive_number("peak", self.peak)
        whole_number("epochs", self.epochs)


class GradualUnfreezing(LayerwiseLearningRates):
    """Stages of a training, each with its groups, rates and epochs.

    All stages are one fit: `fit` here, or `model.fit` and `resume.resumable_fit` with this
    object among the callbacks. What trains follows from the epoch, and the rate from the
    optimizer's count of steps: a run that is killed and resumed goes on with the right stage
    at the right step. At the beginning of each stage it prints what trains.

    Works with the optimizers that `LayerwiseLearningRates` works with: not with `Lookahead`
    (`ranger`).

    Args:
        groups: list of lists of layers, see `layer_groups.group_weights`.
        stages: list of `Stage`.

    Raises:
        ValueError: no stages; a stage whose level or multipliers do not go with the groups.

    Examples:
        >>> import numpy as np, tensorflow as tf
        >>> body, head = keras.layers.Dense(3), keras.layers.Dense(1)
        >>> model = keras.Sequential([keras.Input((4,)), body, head])
        >>> model.compile("adam", "mse")
        >>> data = tf.data.Dataset.from_tensors((np.ones((2, 4)), np.ones((2, 1)))).repeat(5)
        >>> stages = [Stage(-1, 1e-2), Stage(0, 1e-3, multipliers=(0.1, 1.0), epochs=2)]
        >>> unfreezing = GradualUnfreezing([[body], [head]], stages)
        >>> history = unfreezing.fit(model, data, verbose=0)
        >>> history.epoch
        [0, 1, 2]

    Source: Howard and Ruder, arXiv:1801.06146, section 3.3.
    """

    def __init__(self, groups: Groups, stages: Iterable[Stage]) -> None:
        stages = list(stages)
        if not stages or not all(isinstance(stage, Stage) for stage in stages):
            raise ValueError(f"stages must be a list of Stage, not empty, got {stages!r}")
        super().__init__(groups, [1.0] * len(groups))
        for stage in stages:
            if not -len(groups) <= stage.freeze_to < len(groups):
                raise ValueError(f"freeze_to must name one of {len(groups)} groups, got {stage!r}")
            self.multipliers = self._multipliers_of(stage)  # for its checks
        self.stages = stages
        self._stage: int | None = None

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    def stage_of(self, epoch: int) -> int:
        """Index of the stage that an epoch, counted from 0, is in; the last one afterwards."""
        for index, stage in enumerate(self.stages):
            epoch -= stage.epochs
            if epoch < 0:
                return index
        return len(self.stages) - 1

    def schedule(
        self,
        steps_per_epoch: int,
        *,
        make_schedule: Callable[[float, int], LearningRateSchedule] = OneCycle,
        first_step: int = 0,
    ) -> LearningRateSchedule:
        """The learning rate of all stages, one after another.

        Args:
            steps_per_epoch: batches in an epoch.
            make_schedule: function of (peak, total_steps) that gives a stage's schedule; for a
                `MomentumSchedule` over all stages `lambda peak, steps: OneCycleMomentum(steps)`.
            first_step: the optimizer's step at which the first stage begins.

        Returns:
            A `LearningRateSchedule`.
        """
        steps = [stage.epochs * steps_per_epoch for stage in self.stages]
        schedules = [
            make_schedule(stage.peak, total_steps)
            for stage, total_steps in zip(self.stages, steps, strict=True)
        ]
        boundaries = list(itertools.accumulate(steps[:-1]))
        return join_schedules(schedules, boundaries, first_step=first_step)

    def fit(
        self,
        model: keras.Model,
        x: Any,
        *,
        make_schedule: Callable[[float, int], LearningRateSchedule] = OneCycle,
        steps_per_epoch: int | None = None,
        initial_epoch: int = 0,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        **fit_arguments: Any,
    ) -> keras.callbacks.History:
        """Runs the stages by one `model.fit`.

        The optimizer keeps the stages' schedule afterwards.

        Args:
            model: a built and compiled model.
            x: a dataset (`tf.data.Dataset` or `PyDataset`) of batches.
            make_schedule: see `schedule`.
            steps_per_epoch: batches in an epoch, for a dataset without an end or a length.
            initial_epoch: where a training goes on that has done some epochs of the stages.
            callbacks: more callbacks for the fit.
            **fit_arguments: further arguments of `model.fit`.

        Returns:
            The `keras.callbacks.History` of all stages.

        Raises:
            ValueError: the model is not compiled, the length of an epoch is not known, or the
                optimizer cannot have rates for groups.
        """
        if not model.compiled:
            raise ValueError(f"model {model.name!r} is not compiled: call model.compile first")
        steps = _checked_steps(x, steps_per_epoch)
        check_scalable(model.optimizer)  # before its rate is another
        optimizer = innermost(model.optimizer)
        first_step = int(ops.convert_to_numpy(step_count(optimizer)))
        model.optimizer.learning_rate = self.schedule(
            steps, make_schedule=make_schedule, first_step=first_step - initial_epoch * steps
        )
        return model.fit(
            x,
            steps_per_epoch=steps_per_epoch,
            initial_epoch=initial_epoch,
            epochs=self.epochs,
            callbacks=[self, *callbacks],
            # Keras warns where it cannot shuffle.
            **{"shuffle": not hasattr(x, "element_spec")} | fit_arguments,
        )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Attaches to the optimizer."""
        self._stage = None
        super().on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begins the stage that the epoch is in."""
        index = self.stage_of(epoch)
        if index != self._stage:
            self._stage = index
            stage = self.stages[index]
            freeze_to(self.model, self.groups, stage.freeze_to)
            self.multipliers = self._multipliers_of(stage)
            if self.params.get("verbose"):
                print(self._description(index))

    def _multipliers_of(self, stage: Stage) -> Sequence[float]:
        return [1.0] * len(self.groups) if stage.multipliers is None else stage.multipliers

    def _description(self, index: int) -> str:
        stage, num_groups = self.stages[index], len(self.groups)
        first_epoch = sum(earlier.epochs for earlier in self.stages[:index]) + 1
        training = sum(math.prod(weight.shape) for weight in self.model.trainable_weights)
        rates = ", ".join(f"{stage.peak * multiplier:.3g}" for multiplier in self.multipliers)
        return (
            f"Stage {index + 1} of {len(self.stages)}, epochs {first_epoch} to "
            f"{first_epoch + stage.epochs - 1}: groups {stage.freeze_to % num_groups + 1} to "
            f"{num_groups} train, {training:,} of {self.model.count_params():,} weights, "
            f"peak rates of the groups {rates}"
        )


def _checked_steps(x: Any, steps_per_epoch: int | None) -> int:
    # The length of an array, or of a tuple of them, is not a number of batches.
    if steps_per_epoch is None and not isinstance(x, list | tuple | dict | np.ndarray):
        with contextlib.suppress(TypeError):  # tf.data: endless, or not known
            steps_per_epoch = len(x)
    if steps_per_epoch is None or steps_per_epoch == 0:
        raise ValueError(
            "steps_per_epoch must be given, from 1 on, where x does not know its number of "
            f"batches or has none, got {steps_per_epoch!r} for {type(x).__name__}"
        )
    return whole_number("steps_per_epoch", steps_per_epoch)
