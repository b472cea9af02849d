import keras
import numpy as np
import pytest

from tfast.training.averaging import AveragedWeights
from tfast.training.layer_groups import freeze_to
from tfast.training.learning_rates import LayerwiseLearningRates
from tfast.training.unfreezing import GradualUnfreezing, Stage

INPUTS = np.random.RandomState(0).standard_normal((8, 4)).astype("float32")
TARGETS = np.random.RandomState(1).standard_normal((8, 2)).astype("float32")


class CountTraces(keras.losses.MeanSquaredError):
    """Python calls it while a step is traced."""

    traces = 0

    def call(self, targets, outputs):
        self.traces += 1
        return super().call(targets, outputs)


def make_model(optimizer, loss="mse", **compile_arguments):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, activation="tanh", name="body"),
            keras.layers.Dense(2, dtype="float32", name="head"),
        ]
    )
    model.compile(optimizer, loss, **compile_arguments)
    return model


def groups_of(model):
    return [[model.get_layer("body")], [model.get_layer("head")]]


def fit(model, *callbacks, epochs=2):
    data = {"x": INPUTS, "y": TARGETS, "batch_size": 2, "shuffle": False, "verbose": 0}
    model.fit(**data, epochs=epochs, callbacks=list(callbacks))


def state_of(model, layer):
    weights = model.get_layer(layer).weights
    names = tuple(weight.path.replace("/", "_") for weight in weights)
    slots = [v for v in model.optimizer.variables if v.path.split("/")[-1].startswith(names)]
    return [np.array(each) for each in [*weights, *slots]]


def assert_equal(actual, expected):
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, e)


OPTIMIZERS = [
    keras.optimizers.SGD(0.05, momentum=0.9, weight_decay=0.1, global_clipnorm=0.5),
    keras.optimizers.Nadam(0.05, gradient_accumulation_steps=2),
    keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3),
    keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.05)),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.name)
def test_weights_and_their_state_rest_at_zero_without_a_new_trace(optimizer):
    model = make_model(optimizer, CountTraces())
    # Keras puts it on the kernel behind each step, whatever the step was.
    model.get_layer("body").kernel.constraint = keras.constraints.MinMaxNorm(0.5, 0.6, rate=0.5)
    rates = LayerwiseLearningRates(groups_of(model), [1, 1])
    fit(model, rates)
    body, head = state_of(model, "body"), state_of(model, "head")
    traces = model.loss.traces
    rates.multipliers = [0, 1]
    fit(model, rates)
    assert_equal(state_of(model, "body"), body)
    assert any(np.any(a != b) for a, b in zip(state_of(model, "head"), head, strict=True))
    assert model.loss.traces == traces > 0


def test_multipliers_change_inside_an_epoch():
    model = make_model(keras.optimizers.SGD(0.05, momentum=0.9))
    rates = LayerwiseLearningRates(groups_of(model), [1, 1])
    seen = []

    def rest_after_two(batch, logs):
        if batch == 1:
            rates.multipliers = [0, 1]
        model.jax_state_sync()
        seen.append(state_of(model, "body"))

    watch = keras.callbacks.LambdaCallback(on_train_batch_end=rest_after_two)
    fit(model, rates, watch, epochs=1)
    assert np.any(seen[0][0] != seen[1][0])
    assert_equal(seen[3], seen[1])


def test_a_multiplier_for_all_is_a_plain_run_at_that_rate():
    options = {"weight_decay": 0.1, "clipnorm": 1.0}
    scaled = make_model(keras.optimizers.Adam(0.05, **options), steps_per_execution=4)
    plain = make_model(keras.optimizers.Adam(0.025, **options))
    fit(scaled, LayerwiseLearningRates(groups_of(scaled), [0.5, 0.5]))
    fit(plain)
    for a, b in zip(scaled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_a_checkpoint_of_the_middle_of_fit_is_that_of_the_stock_optimizer(tmp_path):
    path = tmp_path / "middle.keras"
    adam = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.05))
    model = make_model(adam)
    checkpoint = keras.callbacks.ModelCheckpoint(path)
    fit(model, LayerwiseLearningRates(groups_of(model), [0.3, 1]), checkpoint)
    loaded = keras.saving.load_model(path)
    assert_equal(loaded.optimizer.variables, model.optimizer.variables)
    fit(model), fit(loaded)
    assert_equal(loaded.get_weights(), model.get_weights())


def test_frozen_weights_and_their_moments_stay_and_go_on_afterwards():
    sgd = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.05, 0.9))
    model = make_model(sgd)
    fit(model)
    freeze_to(model, groups_of(model), -1)
    before = state_of(model, "body")
    fit(model)
    assert_equal(state_of(model, "body"), before)
    freeze_to(model, groups_of(model), 0)
    fit(model)
    assert np.any(state_of(model, "body")[0] != before[0])


def test_gradual_unfreezing_runs_its_stages():
    model = make_model("adam")
    start, seen = model.get_weights(), []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.get_weights())
    )
    unfreezing = GradualUnfreezing(groups_of(model), [Stage(-1, 0.1), Stage(0, 0.1)])
    batches = {"y": TARGETS, "batch_size": 2, "steps_per_epoch": 4, "verbose": 0}
    average = AveragedWeights(start=1)
    unfreezing.fit(model, INPUTS, callbacks=[watch, average], **batches)
    assert average.count == 8
    assert_equal(seen[0][:2], start[:2])
    assert np.any(seen[1][0] != start[0])
