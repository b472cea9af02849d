import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_weights import golden_json

from tfast.training.averaging import AveragedWeights
from tfast.training.unfreezing import GradualUnfreezing, Stage

STEPS, BATCH = 8, 4
INPUTS = np.random.RandomState(0).standard_normal((STEPS * BATCH, 3)).astype("float32")
TARGETS = INPUTS @ np.float32([[1.0], [-2.0], [0.5]])


def linear_model(optimizer=None, **compile_options):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.float32([[0.1], [0.2], [0.3]])])
    model.compile(optimizer or keras.optimizers.SGD(0.05, momentum=0.9), "mse", **compile_options)
    return model


def fit(model, *callbacks, **options):
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0} | options
    return model.fit(INPUTS, TARGETS, callbacks=[*callbacks], **options)


class RecordWeights(keras.callbacks.Callback):
    """The weights after each batch, and in each evaluation."""

    def __init__(self):
        super().__init__()
        self.after, self.evaluated = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.after.append(self.model.get_weights()[0])

    def on_test_batch_begin(self, batch, logs=None):
        self.evaluated.append(self.model.get_weights()[0])


def test_average_equals_tensorflow_addons_swa():
    golden = golden_json("tensorflow_addons_optimizers.json")
    run = golden["runs"]["swa_sgd_0.1_start4_period2"]
    variables = [keras.Variable(np.float32(golden["start"][name])) for name in ("w1", "w2")]
    optimizer = keras.optimizers.SGD(0.1)
    callback = AveragedWeights(start=5, period=2)
    callback.set_model(types.SimpleNamespace(variables=variables, optimizer=optimizer))
    callback.on_train_begin()
    gradients = zip(*(np.float32(golden["gradients"][name]) for name in ("w1", "w2")), strict=True)
    for batch, (pair, expected) in enumerate(zip(gradients, run["trajectory"], strict=True)):
        optimizer.apply([tf.constant(gradient) for gradient in pair], variables)
        callback.on_train_batch_end(batch)
        for variable, value in zip(variables, expected, strict=True):
            np.testing.assert_allclose(variable, value, atol=1e-6)
    assert callback.count == 4
    callback.on_train_end()
    for variable, value in zip(variables, run["averaged"], strict=True):
        np.testing.assert_allclose(variable, value, atol=1e-6)


VALIDATION = {"validation_data": (INPUTS, TARGETS), "validation_batch_size": len(INPUTS)}


def check_evaluated_and_left_with_the_average(model, average, record):
    """For a start of 5 and a period of 3, over 2 epochs of 8 steps."""
    assert average.count == 4
    taken = [np.mean(record.after[4:last:3], axis=0) for last in (8, 16)]
    np.testing.assert_allclose(record.evaluated, taken, atol=1e-6)
    np.testing.assert_allclose(model.get_weights()[0], taken[1], atol=1e-6)
    assert np.abs(taken[1] - record.after[-1]).max() > 1e-3


def scaled_sgd():
    inner = keras.optimizers.SGD(0.05, momentum=0.9)
    return keras.optimizers.LossScaleOptimizer(inner, initial_scale=64.0)


def test_fit_evaluates_with_the_average_trains_with_its_own_and_ends_with_the_average():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    plain, record, average = RecordWeights(), RecordWeights(), AveragedWeights(start=5, period=3)
    fit(linear_model(scaled_sgd()), plain, epochs=2)
    model = linear_model(scaled_sgd())
    fit(model, average, record, epochs=2, **VALIDATION)
    np.testing.assert_array_equal(record.after, plain.after)
    check_evaluated_and_left_with_the_average(model, average, record)


def test_only_updates_are_steps():
    # 8 batches are 4 updates; the callback sees them two by two.
    optimizer = keras.optimizers.SGD(0.05, gradient_accumulation_steps=2)
    model, average = linear_model(optimizer, steps_per_execution=4), AveragedWeights(start=1)
    record = RecordWeights()
    fit(model, average, record)
    assert average.count == 2
    np.testing.assert_allclose(model.get_weights()[0], np.mean(record.after, axis=0), atol=1e-6)


@pytest.mark.parametrize("save_freq", [4, "epoch"])
def test_a_file_written_without_an_evaluation_holds_the_weights_of_training(tmp_path, save_freq):
    path = tmp_path / "epoch.weights.h5"
    checkpoint = keras.callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=save_freq)
    model, record = linear_model(), RecordWeights()
    options = VALIDATION if save_freq == 4 else {}
    fit(model, AveragedWeights(start=2), checkpoint, record, **options)
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights()[0], record.after[-1])


def validation_loss(model):
    return model.evaluate(INPUTS, TARGETS, batch_size=len(INPUTS), verbose=0)


@pytest.mark.parametrize("average_first", [True, False])
def test_what_was_measured_is_what_is_saved_and_restored(tmp_path, average_first):
    path = tmp_path / "best.keras"
    # Overshoots more and more: the best epoch is not the last.
    model = linear_model(keras.optimizers.SGD(0.3, momentum=0.9))
    average, record = AveragedWeights(start=3), RecordWeights()
    others = [
        keras.callbacks.ModelCheckpoint(path, save_best_only=True),
        keras.callbacks.EarlyStopping(patience=9, restore_best_weights=True),
    ]
    callbacks = [average, *others] if average_first else [*others, average]
    losses = fit(model, *callbacks, record, epochs=6, **VALIDATION).history["val_loss"]
    best = int(np.argmin(losses))
    assert best < 5
    assert validation_loss(keras.saving.load_model(path)) == pytest.approx(losses[best], rel=1e-5)
    assert validation_loss(model) == pytest.approx(losses[best], rel=1e-5)
    np.testing.assert_array_equal(model.get_weights()[0], record.evaluated[best])


@pytest.mark.parametrize("average_first", [True, False])
def test_weights_restored_for_their_training_loss_stay(average_first):
    model = linear_model(keras.optimizers.SGD(0.3, momentum=0.9))
    options = {"monitor": "loss", "patience": 9, "restore_best_weights": True}
    callbacks = [AveragedWeights(start=3), keras.callbacks.EarlyStopping(**options)]
    record = RecordWeights()
    losses = fit(model, *callbacks[:: 1 if average_first else -1], record, epochs=6)
    best = int(np.argmin(losses.history["loss"]))
    assert best < 5
    np.testing.assert_array_equal(model.get_weights()[0], record.after[best * STEPS + STEPS - 1])


def test_outside_of_fit_an_evaluation_leaves_the_weights_as_they_were():
    model, average = linear_model(), AveragedWeights(start=1)
    fit(model, average)
    model.set_weights([np.float32([[1], [2], [3]])])
    record = RecordWeights()
    model.evaluate(INPUTS, TARGETS, callbacks=[average, record], verbose=0)
    assert np.abs(record.evaluated[0] - [[1], [2], [3]]).max() > 1e-3
    np.testing.assert_array_equal(model.get_weights()[0], np.float32([[1], [2], [3]]))


def test_an_optimizer_with_averages_of_its_own_is_refused():
    model = linear_model(keras.optimizers.SGD(0.05, use_ema=True))
    with pytest.raises(ValueError, match="use_ema"):
        fit(model, AveragedWeights(start=1))


def test_weights_may_unfreeze_while_they_are_averaged():
    body, head = keras.layers.Dense(2), keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((3,)), body, head])
    model.compile(keras.optimizers.SGD(0.05), "mse", run_eagerly=True)
    average, record = AveragedWeights(start=1), RecordWeights()
    unfreezing = GradualUnfreezing([[body], [head]], [Stage(-1, 0.05), Stage(0, 0.05)])
    fit(model, average, unfreezing, record, epochs=2)
    assert average.count == 2 * STEPS
    np.testing.assert_array_equal(record.after[0], record.after[STEPS - 1])  # frozen
    np.testing.assert_allclose(model.get_weights()[0], np.mean(record.after, axis=0), atol=1e-6)


@pytest.mark.parametrize("given_others", [False, True])
def test_an_evaluation_that_breaks_does_not_lose_the_weights_of_training(given_others):
    def interrupt(batch, logs):
        raise KeyboardInterrupt

    model, average, record = linear_model(), AveragedWeights(start=1), RecordWeights()
    stop = keras.callbacks.LambdaCallback()
    stop.on_test_batch_end = interrupt
    with pytest.raises(KeyboardInterrupt):
        fit(model, average, record, stop, **VALIDATION)
    expected = record.after[-1]
    assert np.abs(model.get_weights()[0] - expected).max() > 1e-3
    if given_others:
        expected = np.float32([[1], [2], [3]])
        model.set_weights([expected])
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(model.get_weights()[0])
    )
    fit(model, average, watch)
    np.testing.assert_array_equal(seen[0], expected)


class GivenLosses(keras.callbacks.Callback):
    """Stands before the callback under test and sets what it sees of the evaluation."""

    def __init__(self, losses):
        super().__init__()
        self.losses = losses

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.losses[epoch]


@pytest.mark.parametrize(
    ("losses", "first_averaged_epoch"),
    [
        ([5, 4, 3, 2, 1, 0.5], None),
        # Worse than the best of those more than two evaluations ago, in epoch 4.
        ([3, 2, 4, 2.5, 2.1, 1], 4),
        ([1, 2, 2, 2, 0.5, 0.4], 3),
    ],
)
def test_average_begins_when_the_loss_has_not_improved_for_some_evaluations(
    losses, first_averaged_epoch
):
    average, record = AveragedWeights(patience=2), RecordWeights()
    model = linear_model()
    fit(model, GivenLosses(losses), average, record, epochs=6)
    if first_averaged_epoch is None:
        assert average.count == 0
        np.testing.assert_array_equal(model.get_weights()[0], record.after[-1])
        return
    taken = record.after[first_averaged_epoch * STEPS + STEPS :]
    assert average.count == len(taken) > 0
    np.testing.assert_allclose(model.get_weights()[0], np.mean(taken, axis=0), atol=1e-6)


def test_state_goes_on_in_another_callback():
    arrays = []

    class Save(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            arrays.append((average.get_state(), self.model.get_weights()))

    class Restore(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            state, weights = arrays[0]
            self.model.set_weights(weights)
            self.model.optimizer.build(self.model.trainable_variables)
            self.model.optimizer.iterations.assign(STEPS)
            other.set_state({name: np.asarray(value) for name, value in state.items()})

    average, other = AveragedWeights(start=4, period=3), AveragedWeights(start=4, period=3)
    whole = linear_model(keras.optimizers.SGD(0.05))
    fit(whole, average, Save(), epochs=2)
    rest = linear_model(keras.optimizers.SGD(0.05))
    fit(rest, other, Restore())
    assert other.count == average.count == 5
    np.testing.assert_array_equal(rest.get_weights()[0], whole.get_weights()[0])


def test_bad_arguments_and_logs_are_named():
    with pytest.raises(ValueError, match="either start or patience"):
        AveragedWeights()
    with pytest.raises(ValueError, match="period"):
        AveragedWeights(start=3, period=0)
    with pytest.raises(ValueError, match="monitor='val_los'"):
        fit(
            linear_model(),
            AveragedWeights(patience=2, monitor="val_los"),
            validation_data=(INPUTS, TARGETS),
        )
    with pytest.warns(UserWarning, match="no validation data"):
        fit(linear_model(), AveragedWeights(patience=2))
