"""Small runs of `resumable_fit` that are broken or killed at a given step."""

import os
import signal

import keras
import tensorflow as tf

from tfast.training.checkpoints.resume import resumable_fit

STEPS_PER_EPOCH = 6


def make_dataset(first_step):
    """Examples, and their mix, as a function of the step alone."""

    def batch(step):
        seed = tf.stack([tf.constant(7, tf.int64), step])
        x = tf.random.stateless_normal([8, 5], seed)
        share = tf.random.stateless_uniform([8, 1], seed)
        x = share * x + (1 - share) * x[::-1]
        return x, tf.one_hot(tf.argmax(x, axis=-1), 5)

    return tf.data.Dataset.counter(first_step).map(batch)


def validation():
    return make_dataset(10**6).take(2)


def make_model(optimizer=None, *, seed=3, eager=True, **options):
    """Eager, with a plain optimizer, where nothing depends on it: that is much quicker."""
    keras.utils.set_random_seed(seed)
    layers = [
        keras.Input((5,)),
        keras.layers.Dense(6),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(5, activation="softmax", dtype="float32"),
    ]
    model = keras.Sequential(layers)
    model.compile(
        optimizer or keras.optimizers.SGD(0.1, momentum=0.9),
        "categorical_crossentropy",
        metrics=["accuracy"],
        run_eagerly=eager,
        jit_compile=False,
        **options,
    )
    return model


class Stop(keras.callbacks.Callback):
    """Raises KeyboardInterrupt, or kills the process, at a batch end or in validation."""

    stateless = True

    def __init__(self, step=None, *, validation=None, kill=False):
        super().__init__()
        self.step, self.validation, self.kill = step, validation, kill
        self.epoch = self.seen = None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.seen = self.epoch * STEPS_PER_EPOCH + batch
        if self.step is not None and self.seen >= self.step:
            self.stop()

    def on_test_batch_end(self, batch, logs=None):
        if self.validation == self.epoch:
            self.stop()

    def stop(self):
        if self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        raise KeyboardInterrupt


def run(path, *, make=make_model, stop=None, callbacks=(), seed=3, save_every=2, **options):
    """One call of the run; ends early if `stop` says so. Gives the model and the history."""
    model = make(seed=seed)
    options = {"epochs": 3, "steps_per_epoch": STEPS_PER_EPOCH, "verbose": 0} | options
    try:
        history = resumable_fit(
            model,
            make_dataset,
            checkpoint=path,
            save_every=save_every,
            validation_data=validation(),
            callbacks=[*callbacks, *([stop] if stop else [])],
            **options,
        )
    except KeyboardInterrupt:
        return model, None
    return model, history
