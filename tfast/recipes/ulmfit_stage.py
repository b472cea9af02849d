"""One model of a ULMFiT run: fitted by gradual unfreezing, resumable, with its curves."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeAlias

import keras
import tensorflow as tf

from tfast.recipes.divergence import StopAtDivergence
from tfast.recipes.old_runs import checkpoint_settings
from tfast.recipes.results import write_figures, write_history
from tfast.text.ulmfit import ulmfit_optimizer
from tfast.training.checkpoints.resume import resumable_fit
from tfast.training.inspection import figures
from tfast.training.inspection.stopwatch import Stopwatch
from tfast.training.schedules import MomentumSchedule, OneCycleMomentum
from tfast.training.unfreezing import GradualUnfreezing, Stage

# From a step to the endless dataset that begins with it, or from None to one epoch.
MakeBatches: TypeAlias = Callable[[int | None], tf.data.Dataset]


@dataclasses.dataclass(frozen=True)
class StageFiles:
    """Where a model of the run leaves what: its checkpoint, itself, its history, its curves."""

    output: Path
    name: str

    @classmethod
    def of(cls, output: Path, kind: str, reverse: bool) -> Self:
        """Those of a model of a direction.

        Examples:
            >>> StageFiles.of(Path("run"), "general/language_model", reverse=True).name
            'general/backward_language_model'
        """
        folder, _, kind = kind.rpartition("/")
        return cls(output, f"{folder}/{'backward_' * reverse}{kind}".lstrip("/"))

    @property
    def checkpoint(self) -> Path:
        """What a resumed run continues from."""
        return self.output / "checkpoints" / f"{self.name}.npz"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.output / f"{self.name}.keras"

    @property
    def history(self) -> Path:
        """A line for each epoch."""
        return self.output / f"{self.name}_history.csv"

    @property
    def curves(self) -> Path:
        """The history, drawn."""
        return self.output / f"{self.name}_curves.png"


def fit_stage(
    files: StageFiles,
    model: keras.Model,
    *,
    settings: Mapping[str, Any],
    groups: list[list[keras.layers.Layer]],
    stages: Sequence[Stage],
    make_batches: MakeBatches,
    validation: tf.data.Dataset,
    clip_norm: float | None,
    save_every: int,
    steps_per_epoch: int | None = None,
    **compile_options: Any,
) -> tuple[Any, float]:
    """Fits one model of the run, from its checkpoint where there is one; leaves its curves.

    Args:
        files: where to leave them.
        model: not compiled yet.
        settings: what a resumed run must agree on with the interrupted one.
        groups: the model's layer groups.
        stages: of gradual unfreezing: how long each lasts, and what is frozen in it.
        make_batches: of training.
        validation: one epoch.
        clip_norm: of all gradients together, or None.
        save_every: steps between two checkpoints.
        steps_per_epoch: after how many steps an epoch of the stages ends; None for all batches.
        **compile_options: loss and metrics, where the model does not bring them.

    Returns:
        The model, and the seconds that fitting took, over all interruptions.
    """
    if steps_per_epoch is None:
        steps_per_epoch = len(make_batches(None))
    unfreezing = GradualUnfreezing(groups, stages)
    rates = unfreezing.schedule(steps_per_epoch)
    momentum = unfreezing.schedule(
        steps_per_epoch, make_schedule=lambda _, steps: OneCycleMomentum(steps)
    )
    # XLA would compile again for every length, and has no fast loop for an LSTM on a CPU.
    optimizer = ulmfit_optimizer(rates, clip_norm=clip_norm)
    model.compile(optimizer, jit_compile=False, **compile_options)
    stopwatch = Stopwatch()
    print(f"\nTraining {files.name}, {num_weights(model):,} weights")
    history = resumable_fit(
        model,
        make_batches,
        epochs=unfreezing.epochs,
        steps_per_epoch=steps_per_epoch,
        checkpoint=files.checkpoint,
        save_every=save_every,
        validation_data=validation,
        callbacks=[unfreezing, MomentumSchedule(momentum), stopwatch, StopAtDivergence()],
        settings=checkpoint_settings(settings),
    ).history
    write_history(files.history, history)
    curve = figures.sample_schedule(rates, unfreezing.epochs * steps_per_epoch)
    write_figures({files.curves: lambda: figures.plot_curves(history, schedule=curve)})
    return model, round(stopwatch.seconds, 1)


def num_weights(model: keras.Model) -> int:
    """Trainable weights. `count_params` counts a language model's carried states too."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)
