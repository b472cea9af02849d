import contextlib
import math
import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import two_replicas

from tfast.training.inspection.lr_finder import find_learning_rate
from tfast.training.learning_rates import LayerwiseLearningRates
from tfast.training.schedules import OneCycle

INPUTS = np.random.RandomState(0).standard_normal((16, 3)).astype("float32")
TARGETS = INPUTS @ np.float32([[1.0], [-2.0], [0.5]])


def dataset():
    # Alike batches: the loss of few examples would jump, and that looks like an explosion.
    return tf.data.Dataset.from_tensors((INPUTS, TARGETS)).repeat(4)


class Interrupt(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            raise KeyboardInterrupt


def make_model(optimizer=None, **compile_options):
    layers = [keras.Input((3,)), keras.layers.BatchNormalization()]
    layers += [keras.layers.Dropout(0.1, seed=1), keras.layers.Dense(1, dtype="float32")]
    model = keras.Sequential(layers)
    optimizer = optimizer or keras.optimizers.SGD(1e-3, momentum=0.9)
    model.compile(optimizer, "mse", metrics=["mae"], **compile_options)
    return model


def everything(model):
    return [
        np.asarray(keras.ops.convert_to_numpy(variable))
        for variable in [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    ]


def assert_equal(found, expected):
    assert len(found) == len(expected)
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_array_equal(f, e)


def test_rates_and_losses_are_those_of_a_training_with_these_rates():
    model = make_model(keras.optimizers.SGD(0.1))
    weights = model.get_weights()
    curve = find_learning_rate(model, dataset(), start=1e-3, end=0.1, steps=6, smoothing=0.5)
    np.testing.assert_allclose(curve.rates, np.geomspace(1e-3, 0.1, 6))

    twin = make_model(keras.optimizers.SGD(0.1))
    twin.set_weights(weights)
    batches, smoothed, expected = list(dataset().repeat().take(6)), 0.0, []
    for step, (rate, batch) in enumerate(zip(curve.rates, batches, strict=True)):
        twin.optimizer.learning_rate = rate
        loss = twin.train_on_batch(*batch)
        twin.reset_metrics()
        smoothed = 0.5 * smoothed + 0.5 * loss[0]
        expected.append(smoothed / (1 - 0.5 ** (step + 1)))
    np.testing.assert_allclose(curve.losses, expected, rtol=1e-5)


@pytest.mark.parametrize("case", ["interrupted", "schedule", "mixed_float16", "replicas"])
def test_everything_is_as_it_was(case):
    if case == "mixed_float16":
        keras.mixed_precision.set_dtype_policy("mixed_float16")
    options = {"learning_rate": 1e-2, "momentum": 0.9, "global_clipnorm": 1.0}
    compile_options = {}
    if case == "schedule":
        options |= {"learning_rate": OneCycle(1e-2, 20), "gradient_accumulation_steps": 2}
        compile_options = {"steps_per_execution": 2}
    replicas = two_replicas().scope()
    with replicas if case == "replicas" else contextlib.nullcontext():
        model = make_model(keras.optimizers.SGD(**options), **compile_options)
    model.fit(dataset(), shuffle=False, verbose=0)
    before, config, history = everything(model), model.optimizer.get_config(), model.history
    chance = random.getstate(), np.random.get_state()[1].tolist()
    if case == "interrupted":
        with pytest.raises(KeyboardInterrupt):
            find_learning_rate(model, dataset(), steps=20, callbacks=[Interrupt()])
    else:
        curve = find_learning_rate(model, dataset(), start=1e-4, end=0.1, steps=8)
        assert len(curve.losses) == 8
    assert_equal(everything(model), before)
    assert model.optimizer.get_config() == config
    assert model.history is history
    assert (random.getstate(), np.random.get_state()[1].tolist()) == chance
    assert model.steps_per_execution == compile_options.get("steps_per_execution", 1)


def test_four_steps_an_execution_give_the_curve_of_single_ones():
    curves = []
    for together in (1, 4):
        keras.utils.set_random_seed(0)
        model = make_model(steps_per_execution=together)
        # Six: no multiple of four.
        curves.append(find_learning_rate(model, dataset(), start=1e-3, end=0.1, steps=6).losses)
        assert model.steps_per_execution == together
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-6)
    model.fit(dataset(), shuffle=False, verbose=0)
    assert int(model.optimizer.iterations) == 4


def test_the_next_fit_follows_the_rate_that_was_set():
    model = make_model(keras.optimizers.SGD(0.1))
    find_learning_rate(model, dataset(), steps=3)
    before = model.layers[-1].get_weights()
    model.optimizer.learning_rate = 0.0
    model.fit(dataset(), shuffle=False, verbose=0)
    assert_equal(model.layers[-1].get_weights(), before)


def test_model_that_was_never_trained_or_built_stays_as_new():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    find_learning_rate(model, dataset(), steps=5)
    assert int(model.optimizer.iterations) == 0
    assert not np.any(np.concatenate([np.ravel(v) for v in model.optimizer.variables[2:]]))
    found = model.fit(dataset(), shuffle=False, verbose=0).history["loss"]

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    assert model.fit(dataset(), shuffle=False, verbose=0).history["loss"] == pytest.approx(found)


def test_stops_when_the_loss_explodes():
    model = make_model(keras.optimizers.SGD(0.1))
    curve = find_learning_rate(model, dataset(), start=1e-2, end=1e6, steps=60, smoothing=0.5)
    assert 2 < len(curve.rates) == len(curve.losses) < 60
    assert curve.losses[-1] > 4 * curve.losses[:-1].min()
    assert np.isfinite(curve.losses).all()


class Batches(keras.utils.PyDataset):
    def __init__(self, number):
        super().__init__()
        self.number = number

    def __len__(self):
        return self.number

    def __getitem__(self, index):
        np.random.rand(), random.random()  # as an augmentation does
        return INPUTS[:4], TARGETS[:4]


def test_data_that_cannot_be_repeated_is_gone_through_again():
    model = make_model()
    chance = random.getstate(), np.random.get_state()[1:3]
    curve = find_learning_rate(model, Batches(3), steps=7)
    assert len(curve.losses) == 7
    assert_equal(np.random.get_state()[1:3], chance[1])
    assert random.getstate() == chance[0]


def test_callbacks_are_put_back_when_it_is_interrupted():
    model = make_model(keras.optimizers.SGD(0.1), run_eagerly=True)
    *body, head = model.layers
    rates = LayerwiseLearningRates([body, [head]], [1, 0])
    with pytest.raises(KeyboardInterrupt):
        find_learning_rate(model, dataset(), callbacks=[rates, Interrupt()])
    before = head.get_weights()
    model.train_on_batch(INPUTS, TARGETS)
    assert np.any(head.get_weights()[0] != before[0])


def test_multi_optimizer_is_refused_by_name():
    model = make_model(keras.optimizers.MultiOptimizer(lambda _: keras.optimizers.SGD(0.1)))
    with pytest.raises(ValueError, match="MultiOptimizer"):
        find_learning_rate(model, dataset())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 1.0, "end": 0.1}, "start < end"),
        ({"steps": 1}, "steps"),
        ({"smoothing": 1.0}, "smoothing"),
        ({"dataset": tf.data.Dataset.from_tensor_slices((INPUTS[:0], TARGETS[:0])).batch(4)}, "em"),
        ({"dataset": Batches(0)}, "dataset is empty"),
        ({"dataset": (INPUTS, TARGETS)}, "dataset must give batches"),
        ({"dataset": INPUTS}, "dataset must give batches"),
        ({"dataset": dataset().map(lambda x, y: (x * math.nan, y))}, "the loss is nan from the"),
    ],
    ids=["rates", "steps", "smoothing", "empty", "empty PyDataset", "pair", "array", "nan"],
)
def test_bad_input_is_named_and_changes_nothing(options, message):
    model = make_model()
    before = model.get_weights()
    options = {"dataset": dataset()} | options
    with pytest.raises(ValueError, match=message):
        find_learning_rate(model, **options)
    assert_equal(model.get_weights(), before)


def test_model_must_be_compiled():
    with pytest.raises(ValueError, match="not compiled"):
        find_learning_rate(keras.Sequential([keras.layers.Dense(1)]), dataset())


class Noise(keras.layers.Layer):
    """Draws without a seed, from Keras's global generator and from TensorFlow's."""

    def call(self, inputs):
        noise = keras.random.normal(keras.ops.shape(inputs)) + tf.random.normal(tf.shape(inputs))
        return inputs + 0.1 * noise + tf.random.get_global_generator().normal(tf.shape(inputs))


@pytest.mark.parametrize("drawn_before", [True, False])
def test_what_draws_without_a_seed_draws_the_same_after_it(drawn_before):
    ends = []
    for searched in (False, True):
        keras.utils.set_random_seed(0)
        tf.random.set_global_generator(tf.random.Generator.from_seed(1))
        model = keras.Sequential([keras.Input((3,)), Noise(), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(1e-3), "mse", run_eagerly=True)
        if drawn_before:
            keras.random.uniform((1,))
        if searched:
            find_learning_rate(model, dataset(), end=0.1, steps=4)
        model.fit(dataset(), shuffle=False, verbose=0)
        ends.append([*model.get_weights(), keras.random.uniform((2,)), tf.random.normal((2,))])
    assert_equal(*ends)
