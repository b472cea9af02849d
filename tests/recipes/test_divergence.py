import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.recipes.divergence import StopAtDivergence, check_finite
from tfast.recipes.errors import DivergedError
from tfast.training.checkpoints.file_format import read_checkpoint
from tfast.training.checkpoints.resume import resumable_fit


def fit(model, *callbacks, value=1.0):
    data = np.full((8, 1), value, "float32"), np.ones((8, 1), "float32")
    return model.fit(*data, batch_size=2, epochs=2, callbacks=list(callbacks), verbose=0)


def make_model(optimizer):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="slope")])
    model.compile(optimizer, "mse")
    return model


def test_the_step_and_the_weight_are_named():
    batches = []
    count = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: batches.append(batch)
    )
    with pytest.raises(DivergedError, match="diverged in step 2: sequential/slope/kernel"):
        fit(make_model(keras.optimizers.SGD(1e30)), count, StopAtDivergence(), value=1e9)
    assert batches == [0, 1]


def test_weights_that_the_loss_does_not_show_are_seen_at_the_end_of_the_epoch():
    model = make_model("sgd")
    hidden = model.layers[0].bias
    # As max pooling on a CPU does it: the weight is not finite, and the loss is.
    spoil = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: hidden.assign([np.inf]) if epoch == 1 else None
    )
    with pytest.raises(DivergedError, match="in epoch 2: sequential/slope/bias"):
        fit(model, spoil, StopAtDivergence())


def test_a_loss_that_is_not_finite_is_passed_over_where_the_weights_are():
    # The loss scale of float16 skips such a step.
    model = make_model(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))
    history = fit(model, StopAtDivergence(), value=1e30)
    assert not np.isfinite(history.history["loss"]).any()
    check_finite(model, "never")


def test_what_is_not_finite_is_never_written_into_a_checkpoint(tmp_path):
    # The third step's update overflows; its own loss is finite, and only the next would tell.
    def make_dataset(first_step):
        def batch(step):
            value = tf.where(step == 2, 1e30, 1.0)
            return tf.fill([2, 1], value), tf.ones([2, 1])

        return tf.data.Dataset.counter(first_step).map(batch)

    def run(path, epochs=1):
        model = make_model(keras.optimizers.SGD(1e-3))
        options = {"steps_per_epoch": 5, "save_every": 1, "verbose": 0, "checkpoint": path}
        callbacks = [StopAtDivergence()]
        resumable_fit(model, make_dataset, epochs=epochs, callbacks=callbacks, **options)

    path = tmp_path / "run.npz"
    for _ in range(2):  # resumed it ends in the same way
        with pytest.raises(DivergedError, match=r"in step 3: sequential.*/slope/kernel"):
            run(path)
        checkpoint = read_checkpoint(path)
        assert checkpoint.step == 2
        for name, array in checkpoint.arrays.items():
            assert np.isfinite(np.asarray(array, "float64")).all(), name


def test_a_storm_of_overflows_ends_the_run_before_the_loss_scale_is_gone():
    model = make_model(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))
    batches = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: batches.append(b))
    with pytest.raises(DivergedError, match=r"overflow float16 at a loss scale of 6\.1e-05"):
        model.fit(
            np.full((100, 1), 1e30, "float32"), np.ones((100, 1)),
            batch_size=1, callbacks=[count, StopAtDivergence()], verbose=0,
        )  # fmt: skip
    assert len(batches) == 29  # from 2**15 to 2**-14
    check_finite(model, "never")
