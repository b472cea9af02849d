"""The callbacks of a run that may take two fits, and the checkpoint kept behind them."""

import json

import keras
import numpy as np

from tfast.training.checkpoints.callback_states import (
    callback_names,
    get_callback_states,
    set_callback_states,
)
from tfast.training.checkpoints.compatibility import check_same_settings, warn_of_other_environment
from tfast.training.checkpoints.file_format import read_checkpoint, write_checkpoint
from tfast.training.checkpoints.run_description import describe_environment


class CheckpointedCallbacks(keras.callbacks.CallbackList):
    """Passes on what Keras says to a list of callbacks, and keeps a checkpoint after them.

    `resumable_fit` gives it to `model.fit` in the place of the list, so that whatever the
    callbacks do in answer is in the checkpoint, in which order soever they stand.

    Attributes:
        step: steps done, over all epochs.
        stopped: whether a callback ended the training.
        finished: whether the training ended, by itself or by a callback.
        variables: dict of what the checkpoint holds, from `named_variables`.
    """

    def __init__(
        self, model, callbacks, *, epochs, steps_per_epoch, verbose, path, save_every, settings
    ):
        if not getattr(model, "compiled", False):
            raise ValueError("model is not compiled: call model.compile(...) before the fit")
        if steps_per_epoch % model.steps_per_execution:
            raise ValueError(
                f"steps_per_epoch={steps_per_epoch} must be a multiple of the model's "
                f"steps_per_execution={model.steps_per_execution}, or an epoch would run over"
            )
        super().__init__(
            list(callbacks),
            add_history=True,
            add_progbar=verbose != 0,
            model=model,
            epochs=epochs,
            steps=steps_per_epoch,
            verbose=verbose,
        )
        self.steps_per_epoch = steps_per_epoch
        self.path = path
        self.save_every = save_every
        self.settings = _all_settings(model, callbacks, epochs, steps_per_epoch, settings)
        self.step = 0
        self.stopped = self.finished = False
        self.variables = {}
        self._first_batch = 0

    def on_train_begin(self, logs=None):
        """Lets the callbacks reset themselves, then sets all as the checkpoint has it."""
        super().on_train_begin(logs)
        if self.path.exists():
            self.restore()
        else:
            self.save()

    def on_epoch_begin(self, epoch, logs=None):
        """Notes how much of the epoch is done."""
        super().on_epoch_begin(epoch, logs)
        self._first_batch = self.step - epoch * self.steps_per_epoch
        if self._first_batch:
            # Fit has emptied the metrics, and a callback may have set the learning rate.
            self.restore()

    def on_train_batch_begin(self, batch, logs=None):
        """Tells the batch's number in the whole epoch."""
        super().on_train_batch_begin(self._first_batch + batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Counts the step, and saves after every `save_every`."""
        batch += self._first_batch
        super().on_train_batch_end(batch, logs)
        before = self.step
        self.step += batch + 1 - self.step % self.steps_per_epoch
        # The end of an epoch is saved after its validation.
        if self.step % self.steps_per_epoch and self.step // self.save_every > (
            before // self.save_every
        ):
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        """Saves, after the validation."""
        super().on_epoch_end(epoch, logs)
        self.step = (epoch + 1) * self.steps_per_epoch
        self.stopped = bool(self.model.stop_training)
        self.save()

    def save(self):
        """Writes the checkpoint."""
        history = self.model.history  # on JAX, `self.model` brings the variables up to date
        arrays = {
            name: keras.ops.convert_to_numpy(variable) for name, variable in self.variables.items()
        }
        arrays |= get_callback_states(self.callbacks)
        facts = {
            "step": self.step,
            "stopped": self.stopped,
            "finished": self.finished,
            "settings": self.settings,
            "environment": describe_environment(),
            "epochs_done": history.epoch,
            "history": {
                name: [np.asarray(value).tolist() for value in values]
                for name, values in history.history.items()
            },
        }
        write_checkpoint(self.path, arrays, facts)

    def read(self):
        """Reads and judges the checkpoint, takes over where it stands, and gives its arrays."""
        arrays, facts = read_checkpoint(self.path)
        check_same_settings(self.path, facts["settings"], self.settings)
        warn_of_other_environment(facts["environment"], describe_environment())
        self.step, self.stopped = facts["step"], facts["stopped"]
        self.finished = facts["finished"]
        return arrays

    def restore(self):
        """Sets variables, callbacks and history as the checkpoint has them."""
        arrays, facts = read_checkpoint(self.path)
        history = self.model.history
        for name, variable in self.variables.items():
            variable.assign(arrays[name])
        set_callback_states(self.callbacks, arrays)
        history.epoch, history.history = facts["epochs_done"], facts["history"]


def named_variables(model):
    """Everything that a training step reads or writes, as a dict."""
    kinds = {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }
    return {
        f"{kind}/{index}": variable
        for kind, variables in kinds.items()
        for index, variable in enumerate(variables)
    }


def _all_settings(model, callbacks, epochs, steps_per_epoch, settings):
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    known = {
        "epochs": epochs,
        "steps_per_epoch": steps_per_epoch,
        "optimizer": type(optimizer).__name__,
        "dtype_policy": model.dtype_policy.name,
        "callbacks": callback_names(callbacks),
    }
    try:
        # Once through JSON: tuples become lists, as they will be in the file.
        return json.loads(json.dumps(settings | known))
    except TypeError as error:
        raise ValueError(f"settings must be a dict that JSON can hold: {error}") from error
