"""Schedules, momentum, optimizers, averaging and the rate finder on JAX."""

import keras
import numpy as np
import pytest

from tfast.training.averaging import AveragedWeights
from tfast.training.inspection.lr_finder import find_learning_rate
from tfast.training.momentum import MomentumSchedule
from tfast.training.optimizers.fused_adam import FusedAdam
from tfast.training.optimizers.lookahead import Lookahead, ranger
from tfast.training.precision import float32_output
from tfast.training.schedules import FlatCosine, OneCycle, OneCycleMomentum, SlantedTriangular

STEPS, BATCH = 8, 2
INPUTS = np.random.RandomState(0).standard_normal((STEPS * BATCH, 3)).astype("float32")
TARGETS = INPUTS @ np.float32([[1.0], [-2.0], [0.5]])
START = np.float32([[0.1], [0.2], [0.3]])


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        batch = slice(index * BATCH, (index + 1) * BATCH)
        return INPUTS[batch], TARGETS[batch]


def linear_model(optimizer, **compile_options):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([START])
    model.compile(optimizer, "mse", **compile_options)
    return model


def fit(model, *callbacks, **options):
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0} | options
    model.fit(INPUTS, TARGETS, callbacks=[*callbacks], **options)
    return model.get_weights()[0]


def momentum_by_hand(momentum_at, rate_at, *, accumulate=1):
    weight, velocity, gradients = START, np.zeros((3, 1)), []
    for step in range(STEPS):
        x, y = Batches()[step]
        gradients.append(2 * x.T @ (x @ weight - y) / BATCH)
        if (step + 1) % accumulate:
            continue
        velocity = momentum_at(step) * velocity - rate_at(step) * np.mean(gradients, axis=0)
        weight, gradients = weight + velocity, []
    return weight


@pytest.mark.parametrize(
    "schedule", [OneCycle(0.1, STEPS), FlatCosine(0.1, STEPS), SlantedTriangular(0.1, STEPS)]
)
def test_rate_follows_the_schedule(schedule):
    weight = fit(linear_model(keras.optimizers.SGD(schedule, momentum=0.9)))
    expected = momentum_by_hand(lambda step: 0.9, lambda step: float(schedule(step)))
    np.testing.assert_allclose(weight, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "compile_options"),
    [
        ({}, {}),
        ({}, {"steps_per_execution": 4}),
        ({"gradient_accumulation_steps": 2}, {}),
        ({"loss scaling": True}, {}),
    ],
)
def test_momentum_follows_the_step_inside_the_jitted_step(options, compile_options):
    schedule, accumulate = OneCycleMomentum(STEPS), options.get("gradient_accumulation_steps", 1)
    scaled = options.pop("loss scaling", False)
    optimizer = keras.optimizers.SGD(0.05, momentum=0.95, **options)
    wrapped = keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer
    model = linear_model(wrapped, **compile_options)
    weight = fit(model, MomentumSchedule(schedule))
    expected = momentum_by_hand(
        lambda step: float(schedule(step)), lambda step: 0.05, accumulate=accumulate
    )
    np.testing.assert_allclose(weight, expected, atol=1e-5)
    assert optimizer.momentum == 0.95
    assert "_backend_update_step" not in vars(optimizer)
    # The next fit is a plain one.
    model.set_weights([START])
    for variable in wrapped.variables[1:] if not scaled else optimizer.variables[1:]:
        if "momentum" in variable.path or "accum" in variable.path:
            variable.assign(np.zeros((3, 1)))
    plain = momentum_by_hand(lambda step: 0.95, lambda step: 0.05, accumulate=accumulate)
    np.testing.assert_allclose(fit(model), plain, atol=1e-5)


@pytest.mark.parametrize("kind", ["Adam", "Nadam", "RMSprop", "Lion", "Muon"])
def test_momentum_of_each_optimizer_can_follow(kind):
    name = "momentum" if kind in ("RMSprop", "Muon") else "beta_1"
    optimizer = getattr(keras.optimizers, kind)(0.05, **{name: 0.95})
    weight = fit(linear_model(optimizer), MomentumSchedule(OneCycleMomentum(STEPS)))
    plain = fit(linear_model(getattr(keras.optimizers, kind)(0.05, **{name: 0.95})))
    assert np.isfinite(weight).all()
    assert np.abs(weight - plain).max() > 1e-4


def test_fused_adam_takes_the_steps_of_adam():
    schedule = MomentumSchedule(OneCycleMomentum(STEPS))
    weights = [
        fit(linear_model(optimizer(0.05, weight_decay=0.1)), schedule)
        for optimizer in (FusedAdam, keras.optimizers.Adam)
    ]
    np.testing.assert_array_equal(*weights)


@pytest.mark.parametrize("accumulate", [None, 2])
def test_lookahead_follows(accumulate):
    inner = keras.optimizers.SGD(0.05, gradient_accumulation_steps=accumulate)
    weight = fit(linear_model(Lookahead(inner, sync_period=2)))
    expected = slow = START
    gradients, updates = [], 0
    for step in range(STEPS):
        x, y = Batches()[step]
        gradients.append(2 * x.T @ (x @ expected - y) / BATCH)
        if len(gradients) == (accumulate or 1):
            expected = expected - 0.05 * np.mean(gradients, axis=0)
            gradients, updates = [], updates + 1
            if updates % 2 == 0:
                expected = slow = (expected + slow) / 2
    np.testing.assert_allclose(weight, expected, atol=1e-5)


def test_ranger_trains_under_loss_scaling_is_saved_and_goes_on(tmp_path):
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        layers = [keras.Input((3,)), keras.layers.Dense(1), float32_output()]
        model = keras.Sequential(layers)
        model.compile(ranger(0.3), "mse")
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        losses = model.fit(Batches(), epochs=4, verbose=0).history["loss"]
        assert losses[-1] < losses[0] / 2
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        for each in (model, loaded):
            each.fit(Batches(), shuffle=False, verbose=0)
        np.testing.assert_allclose(loaded.get_weights()[0], model.get_weights()[0], atol=1e-6)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


def test_average_is_evaluated_and_training_goes_on_with_its_own():
    class Record(keras.callbacks.Callback):
        after, evaluated = (), ()

        def on_train_batch_end(self, batch, logs=None):
            self.after += (self.model.get_weights()[0],)

        def on_test_batch_end(self, batch, logs=None):
            self.evaluated += (self.model.get_weights()[0],)

    plain, record, average = Record(), Record(), AveragedWeights(start=3)
    fit(linear_model(keras.optimizers.Adam(0.05)), plain, epochs=2)
    model = linear_model(keras.optimizers.Adam(0.05))
    data = {"validation_data": (INPUTS, TARGETS), "validation_batch_size": len(INPUTS)}
    weight = fit(model, average, record, epochs=2, **data)
    np.testing.assert_array_equal(record.after, plain.after)
    means = [np.mean(plain.after[2:last], axis=0) for last in (STEPS, 2 * STEPS)]
    np.testing.assert_allclose(record.evaluated, means, atol=1e-6)
    np.testing.assert_allclose(weight, means[1], atol=1e-6)


@pytest.mark.parametrize("rate", [0.05, OneCycle(0.05, STEPS)])
def test_rate_finder_trains_with_its_rates_and_leaves_the_model_as_it_was(rate):
    layers = [keras.Input((3,)), keras.layers.BatchNormalization()]
    layers += [keras.layers.Dropout(0.2, seed=1), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(rate), "mse", metrics=["mae"])
    model.fit(Batches(), shuffle=False, verbose=0)

    def everything():
        variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        return [np.array(variable) for variable in variables]

    before = everything()
    curve = find_learning_rate(model, Batches(), start=1e-5, end=1e3, steps=40, smoothing=0.5)
    assert curve.losses[-1] > 4 * curve.losses.min()  # the rate did grow
    for found, expected in zip(everything(), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    model.fit(Batches(), shuffle=False, verbose=0)
    assert np.abs(everything()[0] - before[0]).max() > 0
