import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.training.learning_rates import LayerwiseLearningRates
from tfast.training.momentum import MomentumSchedule
from tfast.training.optimizers.fused_adam import FusedAdam
from tfast.training.schedules import OneCycle, OneCycleMomentum

INPUTS = np.random.RandomState(0).standard_normal((32, 5)).astype("float32")
TARGETS = INPUTS @ np.float32([[1.0], [-2.0], [0.5], [0.0], [3.0]])


def fit(optimizer, *, callbacks=(), **options):
    """Weights and slots after eight steps."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(optimizer, "mse", **options)
    callbacks = [make(model) for make in callbacks]
    model.fit(INPUTS, TARGETS, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
    return [weight.numpy() for weight in model.weights + model.optimizer.variables]


def assert_same_training(**options):
    """`options` of the optimizer; `fit` is those of `fit`."""
    fit_options = options.pop("fit", {})
    options = {"learning_rate": 0.05, **options}
    actual = fit(FusedAdam(**options), **fit_options)
    expected = fit(keras.optimizers.Adam(**options), **fit_options)
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        # The operation rounds 1 - beta_2 to float32, which is 1e-5 of a small number.
        np.testing.assert_allclose(a, e, atol=1e-5, rtol=3e-5)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.1, "fit": {"run_eagerly": True}},
        {"amsgrad": True, "fit": {"run_eagerly": True}},
        {"weight_decay": 0.1, "global_clipnorm": 0.5, "fit": {"run_eagerly": True}},
        {"use_ema": True, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 2},
        {"fit": {"jit_compile": True}},
        {"fit": {"steps_per_execution": 2}},
    ],
)
def test_it_trains_as_adam(options):
    assert_same_training(**options)


def test_it_follows_schedules_of_rate_and_momentum():
    schedule = MomentumSchedule(OneCycleMomentum(8))
    rate = OneCycle(0.05, 8)
    assert_same_training(learning_rate=rate, fit={"callbacks": [lambda _: schedule]})


def test_it_learns_by_layer_wise_rates_and_leaves_resting_groups():
    def rates(model):
        return LayerwiseLearningRates([[layer] for layer in model.layers], [0.0, 0.5])

    assert_same_training(weight_decay=0.1, fit={"callbacks": [rates]})


def test_a_word_that_comes_twice_has_one_gradient():
    twice = tf.IndexedSlices(tf.constant([[1.0], [3.0]]), tf.constant([1, 1]), tf.constant([3, 1]))
    from_slices, from_sum = (keras.Variable([[1.0], [1.0], [1.0]]) for _ in range(2))
    FusedAdam(0.1).apply([twice], [from_slices])
    keras.optimizers.Adam(0.1).apply([tf.constant([[0.0], [4.0], [0.0]])], [from_sum])
    np.testing.assert_allclose(from_slices.numpy(), from_sum.numpy(), atol=1e-5)


def test_loaded_it_goes_on_with_the_same_slots(tmp_path):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    model.compile(FusedAdam(0.05, beta_2=0.9), "mse")
    model.fit(INPUTS, TARGETS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is FusedAdam
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    for each in (model, loaded):
        each.train_on_batch(INPUTS, TARGETS)
    for a, e in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), e.numpy())


def test_a_step_is_one_operation():
    weight = keras.Variable([1.0, 2.0])
    optimizer = FusedAdam()
    optimizer.build([weight])
    step = tf.function(lambda: optimizer.apply([tf.ones(2)], [weight]))
    names = [operation.type for operation in step.get_concrete_function().graph.get_operations()]
    assert names.count("ResourceApplyAdam") == 1
    assert "Sqrt" not in names
