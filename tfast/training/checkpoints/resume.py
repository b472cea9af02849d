"""A fit that, killed at any moment and started again, ends as if nothing had happened.

`keras.callbacks.BackupAndRestore` repeats or loses steps when it is killed in the middle of
an epoch, and no Keras file holds the states of the seed generators that dropout draws from.
Here one file holds everything that the next step depends on, and the input is asked to start
at a step.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import keras

from tfast.arguments import whole_number
from tfast.files import remove_leftovers
from tfast.training.checkpoints.callback_states import (
    check_callbacks,
    continue_files,
    warn_of_attributes_not_saved,
)
from tfast.training.checkpoints.checkpointed_callbacks import CheckpointedCallbacks, Plan
from tfast.training.checkpoints.compatibility import (
    check_same_executions,
    check_same_settings,
    warn_of_other_environment,
)
from tfast.training.checkpoints.enough_batches import early_end_named, with_enough_batches
from tfast.training.checkpoints.file_format import read_checkpoint
from tfast.training.checkpoints.run_description import describe_environment, describe_settings
from tfast.training.checkpoints.run_lock import run_lock
from tfast.training.optimizers.keras_private import build_for_training
from tfast.types import PathLike


def resumable_fit(
    model: keras.Model,
    make_dataset: Callable[[int], Any],
    *,
    epochs: int,
    steps_per_epoch: int,
    checkpoint: PathLike,
    save_every: int = 100,
    validation_data: Any = None,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    settings: Mapping[str, Any] | None = None,
    verbose: int | str = "auto",
    **fit_arguments: Any,
) -> keras.callbacks.History:
    """`model.fit` that goes on from `checkpoint` where that exists, and keeps it up to date.

    A run that was killed, by whatever and whenever, and is called again in the same way ends
    on CPU with the very weights and the very `History` of a run that was left alone; callbacks
    hear the very logs. Files written by callbacks are not rolled back: steps after the last
    checkpoint come again, and so may a line of `CSVLogger`, which appends to its file then. The
    checkpoint holds the step; all variables of the model (weights, batch norm
    statistics, seed generators, carried states), of the optimizer and of the metrics; the
    history; and the states of callbacks. It is written before the first step (a path that
    cannot be written shows before any work is lost), after every `save_every` steps, after
    each epoch with its validation, and at the end. Ctrl-C leaves the last one written.

    When a finished run is called again, its end is restored and nothing is trained. So a
    training in stages is one call after another, a checkpoint for each: called again, the
    finished stages pass in a moment and the broken one goes on.

    What callbacks carry from batch to batch is restored, after their `on_train_begin`, if they
    have `get_state()`, which gives a dict of arrays, and `set_state(dict)`; Keras's own are all
    known, and `BackupAndRestore` is refused. Of others, attributes that change in the course of
    a run are named in a warning where it goes on. A resumed run is two fits to them, of the
    remainder of the broken epoch, with its batches numbered as ever, and of the epochs after it:
    `on_train_end` comes twice then, and what it does to the model is undone.

    A callback that has `before_checkpoint()` hears of each before it is written; what it raises
    ends the run, and the last checkpoint stays as it is.

    While it runs the checkpoint is locked: a second run that would write it is refused.

    The promise does not cover GPUs, nor random numbers that a layer draws from `keras.random`
    without a `SeedGenerator` of its own.

    Args:
        model: a compiled Keras model.
        make_dataset: function of a step, counted from 0 over all epochs, that returns an
            dataset of batches beginning with that step's, endless or as long as the run. The
            batch of a step must depend on nothing but the step. It may be asked for three
            times in a run.
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
        ValueError: an argument is impossible; another run is writing the checkpoint; or it is
            damaged, was made under other `settings` or for another model, or is inside an epoch
            where no execution of `steps_per_execution` begins. Weights are as before then. Or
            the dataset ends too early, which shows at its end if it does not know its length;
            the checkpoint has only steps that were done.

    Warns:
        UserWarning: the checkpoint was made with other versions, another processor or another
            oneDNN switch, so that the run goes on, but not bit-identical; or a callback
            carries what the checkpoint does not hold.

    Examples:
        >>> import keras, pathlib, tempfile, tensorflow as tf
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
    callbacks = list(callbacks)
    check_callbacks(callbacks)
    if fit_arguments.get("initial_epoch", 0) != 0:
        raise ValueError(
            "initial_epoch must be left out, as the checkpoint says where the run goes on, "
            f"got {fit_arguments['initial_epoch']!r}"
        )
    plan = Plan(
        path=Path(checkpoint),
        epochs=whole_number("epochs", epochs),
        steps_per_epoch=whole_number("steps_per_epoch", steps_per_epoch),
        save_every=whole_number("save_every", save_every),
        settings=describe_settings(model, callbacks, epochs, steps_per_epoch, settings),
    )
    fit = functools.partial(
        model.fit, validation_data=validation_data, shuffle=False, **fit_arguments
    )
    with run_lock(plan.path):
        remove_leftovers(plan.path)
        start = read_checkpoint(plan.path) if plan.path.exists() else None
        if start is not None:
            check_same_settings(plan.path, start.settings, plan.settings)
            if not start.finished:
                done = 0 if start.stopped else start.step % plan.steps_per_epoch
                check_same_executions(plan.path, done, model.steps_per_execution)
                warn_of_other_environment(start.environment, describe_environment())
                warn_of_attributes_not_saved(callbacks, start.not_saved)
                continue_files(callbacks)
        dataset = make_dataset(start.step if start else 0)
        _build(model, dataset, peek=lambda: next(iter(make_dataset(start.step if start else 0))))
        run = CheckpointedCallbacks(model, callbacks, plan, verbose=verbose)
        model.make_train_function()  # ends what a broken fit left attached to the optimizer
        run.start_at(start)
        if start is not None and start.finished:
            run.restore(start)
        else:
            _fit_the_rest(run, fit, dataset, make_dataset)
    return model.history


def _fit_the_rest(
    run: CheckpointedCallbacks,
    fit: Callable[..., Any],
    dataset: Any,
    make_dataset: Callable[[int], Any],
) -> None:
    """Fits from the step that `run` is at, with `dataset`, which begins there, to the end."""
    plan = run.plan
    epoch, done = divmod(run.step, plan.steps_per_epoch)
    if run.stopped:  # inside an epoch too: its remaining steps are skipped
        epoch, done = plan.epochs, 0
    if done:  # Keras cannot start inside an epoch: what is left of it is an epoch of its own.
        _fit(run, fit, dataset, range(epoch, epoch + 1), plan.steps_per_epoch - done)
        epoch = plan.epochs if run.stopped else epoch + 1
    if epoch < plan.epochs or not done:
        # Killed after the last epoch, no epoch is left: Keras then does what follows it.
        if done:
            run.start_at(read_checkpoint(plan.path))  # as before `on_train_end`
            dataset = make_dataset(run.step)
        _fit(run, fit, dataset, range(epoch, plan.epochs), plan.steps_per_epoch)
    run.save(finished=True)


def _fit(
    run: CheckpointedCallbacks, fit: Callable[..., Any], dataset: Any, epochs: range, steps: int
) -> None:
    """Fits some epochs of `steps`, with a dataset that begins at the step that `run` is at."""
    first, last = run.step, run.plan.steps
    if epochs:
        dataset = with_enough_batches(dataset, first, last)
    with early_end_named(first, last):
        fit(
            dataset,
            callbacks=run,
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            steps_per_epoch=steps,
        )


def read_progress(checkpoint: PathLike) -> dict[str, Any]:
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
    return read_checkpoint(checkpoint, with_arrays=False).facts()


def _build(model: keras.Model, dataset: Any, *, peek: Callable[[], Any]) -> None:
    """Makes the variables that Keras would only make in the first step: they are to be restored."""
    batch = getattr(dataset, "element_spec", None) or peek()
    build_for_training(model, batch)
