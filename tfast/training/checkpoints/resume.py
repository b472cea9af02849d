"""A fit that, killed at any moment and started again, ends as if nothing had happened.

`keras.callbacks.BackupAndRestore` repeats or loses steps when it is killed in the middle of
an epoch, and no Keras file holds the states of the seed generators that dropout draws from.
Here one file holds everything that the next step depends on, and the input is asked to start
at a step.
"""

from pathlib import Path

from tfast.files import remove_leftovers
from tfast.training.checkpoints.checkpointed_callbacks import CheckpointedCallbacks, named_variables
from tfast.training.checkpoints.compatibility import check_same_variables
from tfast.training.checkpoints.file_format import read_checkpoint
from tfast.training.optimizers.keras_private import build_for_training


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
    on CPU with the very weights and the very `History` of a run that was left alone; callbacks
    hear the very logs. What they wrote before the kill is their own affair: steps behind the
    last checkpoint come again, and `CSVLogger` needs `append=True`, or it starts a new file. The
    checkpoint holds the step; all variables of the model (weights, batch norm
    statistics, seed generators, carried states), of the optimizer and of the metrics; the
    history; and the states of callbacks. It is written before the first step (a path that
    cannot be written shows before any work is lost), after every `save_every` steps, after
    each epoch with its validation, and at the end. Ctrl-C leaves the last one written.

    When a finished run is called again, its end is restored and nothing is trained. So a
    training in stages is one call after another, a checkpoint for each: called again, the
    finished stages pass in a moment and the broken one goes on.

    What callbacks carry from batch to batch is restored, after their `on_train_begin`, if they
    have `get_state()`, which gives a dict of arrays, and `set_state(dict)`; of Keras's own,
    `EarlyStopping`, `ReduceLROnPlateau` and `ModelCheckpoint` are known. They hear of the rest
    of a broken epoch, with its batches numbered as ever, and of the epochs after it as of two
    fits: `on_train_end` comes twice then, and what it does to the model is undone.

    The promise does not cover GPUs, nor random numbers that a layer draws from `keras.random`
    without a `SeedGenerator` of its own.

    Args:
        model: a compiled Keras model.
        make_dataset: function of a step, counted from 0 over all epochs, that returns an
            endless dataset of batches beginning with that step's. The batch of a step must
            depend on nothing but the step. It may be asked for three times in a run.
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
    run = CheckpointedCallbacks(
        model,
        callbacks,
        epochs=_positive("epochs", epochs),
        steps_per_epoch=_positive("steps_per_epoch", steps_per_epoch),
        verbose=verbose,
        path=Path(checkpoint),
        save_every=_positive("save_every", save_every),
        settings=settings or {},
    )
    remove_leftovers(run.path)
    arrays = run.read() if run.path.exists() else None
    dataset = make_dataset(run.step)
    _build(model, dataset, peek=lambda: next(iter(make_dataset(run.step))))
    run.variables = named_variables(model)
    if arrays is not None:
        check_same_variables(run.path, arrays, run.variables)
    if run.finished:
        run.restore()
        return model.history

    def fit(dataset, **epoch_arguments):
        model.fit(
            dataset,
            validation_data=validation_data,
            callbacks=run,
            shuffle=False,
            **epoch_arguments,
            **fit_arguments,
        )

    epoch, done = divmod(run.step, steps_per_epoch)
    if done:  # Keras cannot start inside an epoch: its rest is a shorter epoch of its own.
        rest = steps_per_epoch - done
        fit(dataset, initial_epoch=epoch, epochs=epoch + 1, steps_per_epoch=rest)
        epoch += 1
    if run.stopped:
        epoch = epochs
    if epoch < epochs or not done:
        # Killed after the last epoch, no epoch is left: Keras then does what follows it.
        dataset = make_dataset(run.step) if done else dataset
        fit(dataset, initial_epoch=epoch, epochs=epochs, steps_per_epoch=steps_per_epoch)
    run.finished = True
    run.save()
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


def _build(model, dataset, *, peek):
    """Makes the variables that Keras would only make in the first step: they are to be restored."""
    batch = getattr(dataset, "element_spec", None) or peek()
    build_for_training(model, batch)


def _positive(name, value):
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name}={value!r} must be a whole number of at least 1")
    return value
