"""The callbacks of a run that may take two fits, and the checkpoint kept after them."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfast.training.checkpoints.callback_states import (
    attributes_not_saved,
    get_callback_states,
    set_callback_states,
    values_of_attributes,
)
from tfast.training.checkpoints.compatibility import check_same_variables
from tfast.training.checkpoints.enough_batches import too_few_batches
from tfast.training.checkpoints.file_format import Checkpoint, write_checkpoint
from tfast.training.checkpoints.run_description import describe_environment
from tfast.training.checkpoints.run_variables import RunVariable, run_variables


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run is to do, and where its checkpoint is kept.

    Attributes:
        path: of the checkpoint.
        epochs: how many, in all.
        steps_per_epoch: batches in each.
        save_every: steps between two checkpoints inside an epoch.
        settings: what two runs must have in common to go on as one.
    """

    path: Path
    epochs: int
    steps_per_epoch: int
    save_every: int
    settings: dict[str, Any]

    @property
    def steps(self) -> int:
        """Of all epochs."""
        return self.epochs * self.steps_per_epoch


class CheckpointedCallbacks(keras.callbacks.CallbackList):
    """Passes on what Keras says to a list of callbacks, and keeps a checkpoint after them.

    `resumable_fit` gives it to `model.fit` in the place of the list, so that whatever the
    callbacks do in answer is in the checkpoint, whatever their order.

    Attributes:
        step: steps done, over all epochs.
        stopped: whether a callback ended the training, maybe inside an epoch.
    """

    def __init__(
        self,
        model: keras.Model,
        callbacks: Iterable[keras.callbacks.Callback],
        plan: Plan,
        *,
        verbose: int | str,
    ) -> None:
        super().__init__(
            list(callbacks),
            add_history=True,
            add_progbar=verbose != 0,
            model=model,
            epochs=plan.epochs,
            steps=plan.steps_per_epoch,
            verbose=verbose,
        )
        self.plan = plan
        self.step = 0
        self.stopped = False
        self._epoch_start = 0
        self._variables: dict[str, RunVariable] = {}
        self._start: Checkpoint | None = None
        self._attributes: list[dict[str, Any]] = []

    def start_at(self, checkpoint: Checkpoint | None) -> None:
        """Has the next fit begin at a checkpoint, or at the beginning.

        To be called when all variables of model, optimizer and metrics exist, and nothing else
        is attached to them.

        Raises:
            ValueError: the checkpoint is of another model.
        """
        self._variables = self._variables or run_variables(self.model)
        if checkpoint is not None:
            check_same_variables(self.plan.path, checkpoint.arrays, self._variables)
            self.step, self.stopped = checkpoint.step, checkpoint.stopped
        self._start = checkpoint

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Lets the callbacks reset themselves, then sets all as the checkpoint has it."""
        super().on_train_begin(logs)
        self._attributes = values_of_attributes(self.callbacks)
        if self._start is None:
            self.save()
        else:
            self.restore(self._start)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes how much of the epoch is done."""
        super().on_epoch_begin(epoch, logs)
        self._epoch_start = self.step
        if self._start is not None and self.step % self.plan.steps_per_epoch:
            # Fit has emptied the metrics, and a callback may have set the learning rate.
            self.restore(self._start)
        self._start = None  # what follows is newer

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tells the batch's number in the whole epoch."""
        super().on_train_batch_begin(self._batch_of_epoch(batch), logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Counts the steps, and saves after every `save_every`."""
        super().on_train_batch_end(self._batch_of_epoch(batch), logs)
        before, self.step = self.step, self._epoch_start + batch + 1
        every = self.plan.save_every
        is_due = self.step % self.plan.steps_per_epoch and self.step // every > before // every
        # The end of an epoch is saved after its validation, also where a callback just ended it.
        if is_due and not self.model.stop_training:
            self.save()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves, after the validation.

        Raises:
            ValueError: the epoch has ended with its dataset, and not by a callback.
        """
        is_whole = self.step == (epoch + 1) * self.plan.steps_per_epoch
        if not is_whole and not self.model.stop_training:
            raise too_few_batches(self.step, self.plan.steps)
        super().on_epoch_end(epoch, logs)
        self.stopped = bool(self.model.stop_training)
        self.save()

    def save(self, *, finished: bool = False) -> None:
        """Writes the checkpoint, if no callback's `before_checkpoint` raises something."""
        for callback in self.callbacks:
            getattr(callback, "before_checkpoint", lambda: None)()
        history = self.model.history  # on JAX, `self.model` brings the variables up to date
        arrays = {name: variable.read() for name, variable in self._variables.items()}
        checkpoint = Checkpoint(
            step=self.step,
            stopped=self.stopped,
            finished=finished,
            settings=self.plan.settings,
            environment=describe_environment(),
            epochs_done=history.epoch,
            history={
                name: [np.asarray(value).tolist() for value in values]
                for name, values in history.history.items()
            },
            not_saved=attributes_not_saved(self.callbacks, self._attributes),
            arrays=arrays | get_callback_states(self.callbacks),
        )
        write_checkpoint(self.plan.path, checkpoint)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Sets variables, callbacks and history as the checkpoint has them."""
        history = self.model.history
        for name, variable in self._variables.items():
            variable.assign(checkpoint.arrays[name])
        set_callback_states(self.callbacks, checkpoint.arrays)
        history.epoch, history.history = checkpoint.epochs_done, checkpoint.history

    def _batch_of_epoch(self, batch: int) -> int:
        return self._epoch_start % self.plan.steps_per_epoch + batch
