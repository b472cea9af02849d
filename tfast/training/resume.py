"""A fit that, killed at any moment and started again, ends as if nothing had happened.

`keras.callbacks.BackupAndRestore` repeats or loses steps when it is killed in the middle of
an epoch, and no Keras file holds the states of the seed generators that dropout draws from.
Here one file holds everything that the next step depends on, and the input is asked to start
at a step.
"""

import contextlib
import json
import os
import platform
import sys
import warnings
from pathlib import Path

import keras
import numpy as np

from tfast.training.callback_states import (
    callback_names,
    get_callback_states,
    set_callback_states,
)
from tfast.training.checkpoint_files import read_checkpoint, write_checkpoint
from tfast.training.files import remove_leftovers


def resumable_fit(
    model,
    make_dataset,
    *,
    epochs,
    steps_per_epoch,
    checkpoint,
    save_every=100,
    validation_data=None,
    callbacks=(),
    settings=None,
    verbose="auto",
    **fit_arguments,
):
    """`model.fit` that goes on from `checkpoint` where that exists, and keeps it up to date.

    A run that was killed, by whatever and whenever, and is called again in the same way ends
    on CPU with the very weights, the very `History` and the very logs of a run that was left
    alone. The checkpoint holds the step; all variables of the model (weights, batch norm
    statistics, seed generators, carried states), of the optimizer and of the metrics; the
    history; and the states of callbacks. It is written before the first step (a path that
    cannot be written shows before any work is lost), after every `save_every` steps, after
    each epoch with its validation, and at the end. Ctrl-C leaves the last one written.

    When a finished run is called again, its end is restored and nothing is trained. So a
    training in stages is one call after another, a checkpoint for each: called again, the
    finished stages pass in a moment and the broken one goes on.

    Callbacks are told what they would be told in one single fit. What they carry from batch to
    batch is restored if they have `get_state()`, which gives a dict of arrays, and
    `set_state(dict)`; of Keras's own, `EarlyStopping`, `ReduceLROnPlateau` and
    `ModelCheckpoint` are known. Random numbers from `keras.random` without a seed of a layer's
    own, and GPUs, keep to their own rules and are not covered by the promise.

    Args:
        model: a compiled Keras model.
        make_dataset: function of a step, counted from 0 over all epochs, that returns an
            endless dataset of batches beginning with that step's. The batch of a step must
            depend on nothing but the step.
        epochs: how many passes, in all.
        steps_per_epoch: batches in one pass; a multiple of the model's `steps_per_execution`.
        checkpoint: path of the file. Where it does not exist, the run starts.
        save_every: steps between two checkpoints inside an epoch.
        validation_data: as in `model.fit`.
        callbacks: as in `model.fit`.
        settings: a dict that JSON can hold: what the run depends on beside the arguments here,
            like batch size, seed and learning rate. A checkpoint made under others is refused.
        verbose: as in `model.fit`.
        **fit_arguments: further arguments for `model.fit`, like `class_weight`.

    Returns:
        The `keras.callbacks.History` of all epochs, those before the kill too.

    Raises:
        ValueError: an argument is impossible; or the checkpoint is damaged, was made under
            other `settings` or for another model. Weights are as before then.

    Warns:
        UserWarning: the checkpoint was made with other versions, another processor or another
            oneDNN switch: the run goes on, but not to the bit.

    Example:
        >>> import tempfile, pathlib, tensorflow as tf
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.npz"
        >>> def make_dataset(first_step):
        ...     steps = tf.data.Dataset.counter(first_step)
        ...     return steps.map(lambda step: (tf.fill([4, 1], tf.cast(step, "float32")),) * 2)
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> options = dict(epochs=2, steps_per_epoch=3, checkpoint=path, verbose=0)
        >>> history = resumable_fit(model, make_dataset, **options)
        >>> again = resumable_fit(model, make_dataset, **options)
        >>> again.history == history.history, read_progress(path)["finished"]
        (True, True)
    """
    run = _Run(
        model,
        callbacks,
        epochs=_positive("epochs", epochs),
        steps_per_epoch=_positive("steps_per_epoch", steps_per_epoch),
        verbose=verbose,
        path=Path(checkpoint),
        save_every=_positive("save_every", save_every),
        settings=settings or {},
    )
    arrays = run.read() if run.path.exists() else None
    _build(model, make_dataset, run.step)
    if arrays is not None:
        _check_same_variables(run.path, arrays, list(_all_variables(model)))
    if run.finished:
        run.restore()
        return model.history

    def fit(**epoch_arguments):
        model.fit(
            make_dataset(run.step),
            validation_data=validation_data,
            callbacks=run,
            shuffle=False,
            **epoch_arguments,
            **fit_arguments,
        )

    epoch, done = divmod(run.step, steps_per_epoch)
    if done:  # Keras cannot start inside an epoch: its rest is a shorter epoch of its own.
        fit(initial_epoch=epoch, epochs=epoch + 1, steps_per_epoch=steps_per_epoch - done)
        epoch += 1
    # With no epochs left this still does what Keras does after the last one.
    fit(
        initial_epoch=epochs if run.stopped else epoch,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
    )
    run.finish()
    return model.history


def read_progress(checkpoint):
    """What a checkpoint says about its run, without a model.

    Args:
        checkpoint: path of the file.

    Returns:
        A dict: `step` (done so far), `stopped` (a callback ended the training), `finished`,
        `settings` (those given, and what `resumable_fit` adds), `environment`, `epochs_done`
        (a list) and `history` (a dict of lists).

    Raises:
        ValueError: the file is damaged, or no checkpoint.
        FileNotFoundError: there is none.
    """
    return read_checkpoint(checkpoint)[1]


class _Run(keras.callbacks.CallbackList):
    """The callbacks of a run, which may take two fits, and the checkpoint kept behind them."""

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
        self._begun = False
        self._first_batch = 0
        self._last_logs = None

    def on_train_begin(self, logs=None):
        if not self._begun:
            remove_leftovers(self.path)
            super().on_train_begin(logs)
            self._begun = True
        # After the callbacks, which reset themselves here.
        self.restore() if self.path.exists() else self.save()

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self._first_batch = self.step - epoch * self.steps_per_epoch
        if self._first_batch:
            # Fit has emptied the metrics, and a callback may have set the learning rate.
            self.restore()

    def on_train_batch_begin(self, batch, logs=None):
        super().on_train_batch_begin(self._first_batch + batch, logs)

    def on_train_batch_end(self, batch, logs=None):
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
        super().on_epoch_end(epoch, logs)
        self.step = (epoch + 1) * self.steps_per_epoch
        self.stopped = bool(self.model.stop_training)
        self._last_logs = logs
        self.save()

    def on_train_end(self, logs=None):
        """Nothing: the first of two fits is not the end. See `finish`."""

    def finish(self):
        """Ends the training for the callbacks, and writes what that leaves."""
        super().on_train_end(self._last_logs)
        self.finished = True
        self.save()

    def save(self):
        arrays = {
            f"{kind}/{index}": keras.ops.convert_to_numpy(variable)
            for kind, index, variable in _all_variables(self.model)
        }
        arrays |= get_callback_states(self.callbacks)
        history = self.model.history
        facts = {
            "step": self.step,
            "stopped": self.stopped,
            "finished": self.finished,
            "settings": self.settings,
            "environment": _environment(),
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
        _check_same_settings(self.path, facts["settings"], self.settings)
        _warn_of_other_environment(facts["environment"])
        self.step, self.stopped = facts["step"], facts["stopped"]
        self.finished = facts["finished"]
        return arrays

    def restore(self):
        arrays, facts = read_checkpoint(self.path)
        for kind, index, variable in _all_variables(self.model):
            variable.assign(arrays[f"{kind}/{index}"])
        set_callback_states(self.callbacks, arrays)
        self.model.history.epoch = list(facts["epochs_done"])
        self.model.history.history = facts["history"]


def _all_variables(model):
    """(kind, index, variable) of everything a training step reads or writes."""
    kinds = {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }
    for kind, variables in kinds.items():
        for index, variable in enumerate(variables):
            yield kind, index, variable


def _build(model, make_dataset, step):
    """Makes the variables that Keras would only make in the first step: they are to be restored."""
    dataset = make_dataset(step)
    batch = getattr(dataset, "element_spec", None) or next(iter(dataset))
    on_tensorflow = keras.backend.backend() == "tensorflow"
    with model.distribute_strategy.scope() if on_tensorflow else contextlib.nullcontext():
        # Keras's own way for this, which has no public name.
        model._symbolic_build(data_batch=batch)


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


def _environment():
    backend = keras.backend.backend()
    return {
        "keras": keras.__version__,
        backend: sys.modules[backend].__version__,
        "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
        "machine": platform.machine(),
        # Sums are split among as many threads.
        "processors": os.cpu_count(),
    }


def _check_same_settings(path, saved, ours):
    differences = _differences(saved, ours)
    if differences:
        raise ValueError(
            f"checkpoint={path} was made under other settings: {differences}; "
            "set these as they were, remove the file to start anew, or name another"
        )


def _warn_of_other_environment(saved):
    differences = _differences(saved, _environment())
    if differences:
        warnings.warn(
            f"the run goes on, but not to the bit: the checkpoint was made with {differences}",
            stacklevel=4,
        )


def _differences(saved, ours):
    missing = "(not set)"
    return ", ".join(
        f"{name}={saved.get(name, missing)!r} (now {ours.get(name, missing)!r})"
        for name in sorted(saved.keys() | ours.keys())
        if saved.get(name, missing) != ours.get(name, missing)
    )


def _check_same_variables(path, arrays, variables):
    expected = {f"{kind}/{index}": variable for kind, index, variable in variables}
    kinds = {kind for kind, _, _ in variables}
    saved = [name for name in arrays if name.split("/")[0] in kinds]
    problem = None
    if len(saved) != len(expected):
        problem = (
            f"it holds {len(saved)} variables, the model, optimizer and metrics {len(expected)}"
        )
    for name, variable in expected.items():
        array = arrays.get(name)
        if not problem and (array.shape, array.dtype.name) != (variable.shape, variable.dtype):
            problem = (
                f"{variable.path} is {variable.dtype} {variable.shape}, "
                f"there {array.dtype.name} {array.shape}"
            )
    if problem:
        raise ValueError(f"checkpoint={path} is of another model: {problem}")


def _positive(name, value):
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name}={value!r} must be a whole number of at least 1")
    return value
