import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_weights import golden_json

from tfast.training.momentum import MomentumSchedule
from tfast.training.optimizers.lookahead import Lookahead, RectifiedAdam, ranger
from tfast.training.schedules import FlatCosine, OneCycleMomentum

GOLDEN = golden_json("tensorflow_addons_optimizers.json")
STEPS, BATCH = 8, 4
INPUTS = np.random.RandomState(0).standard_normal((STEPS * BATCH, 3)).astype("float32")
TARGETS = INPUTS @ np.float32([[1.0], [-2.0], [0.5]])


def trajectory(optimizer, *, graph):
    """Values of both variables after each golden gradient."""
    start = [np.float32(GOLDEN["start"][name]) for name in ("w1", "w2")]
    gradients = zip(*(np.float32(GOLDEN["gradients"][name]) for name in ("w1", "w2")), strict=True)
    variables = [keras.Variable(value) for value in start]
    optimizer.build(variables)
    apply = lambda *gradients: optimizer.apply(list(gradients), variables)  # noqa: E731
    apply = tf.function(apply) if graph else apply
    for pair in gradients:
        apply(*[tf.constant(gradient) for gradient in pair])
        yield [np.asarray(variable) for variable in variables]


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_trajectory_equals_tensorflow_addons(graph):
    optimizer = Lookahead(keras.optimizers.SGD(0.1), sync_period=3, slow_step=0.5)
    expected = GOLDEN["runs"]["lookahead_sgd_0.1_sync3_slow0.5"]["trajectory"]
    for actual, step in zip(trajectory(optimizer, graph=graph), expected, strict=True):
        for a, e in zip(actual, step, strict=True):
            np.testing.assert_allclose(a, e, atol=1e-5, rtol=0)


def lookahead_by_hand(rate, period, share, *, steps, accumulate=1, clip=np.inf, decay=0.0):
    weight = slow = np.float32([[0.1], [0.2], [0.3]])
    gradients, updates = [], 0
    for step in range(steps):
        batch = slice(step % STEPS * BATCH, (step % STEPS + 1) * BATCH)
        x, y = INPUTS[batch], TARGETS[batch]
        gradients.append(2 * x.T @ (x @ weight - y) / BATCH)
        if (step + 1) % accumulate:
            continue
        gradient = np.clip(np.mean(gradients, axis=0), -clip, clip)
        gradients, updates = [], updates + 1
        now = rate(step) if callable(rate) else rate
        weight = weight * (1 - decay * now) - now * gradient
        if updates % period == 0:
            weight = slow = slow + share * (weight - slow)
    return weight


def linear_model(optimizer, **compile_options):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.float32([[0.1], [0.2], [0.3]])])
    model.compile(optimizer, "mse", **compile_options)
    return model


def fit(model, *callbacks, first=0, last=STEPS):
    batches = slice(first * BATCH, last * BATCH)
    model.fit(
        INPUTS[batches], TARGETS[batches], BATCH, shuffle=False, verbose=0, callbacks=[*callbacks]
    )
    return np.asarray(model.trainable_variables[0])


@pytest.mark.parametrize(
    ("options", "compile_options", "by_hand"),
    [
        ({"weight_decay": 0.1}, {"steps_per_execution": 4}, {"decay": 0.1}),
        ({"gradient_accumulation_steps": 2}, {}, {"accumulate": 2}),
        ({"clipvalue": 0.5}, {"jit_compile": True}, {"clip": 0.5}),
        ({"learning_rate": FlatCosine(0.1, STEPS)}, {}, {"rate": FlatCosine(0.1, STEPS)}),
    ],
    ids=["decay, steps_per_execution", "accumulation", "clipping, jit", "schedule"],
)
def test_lookahead_leaves_the_options_to_the_inner_optimizer(options, compile_options, by_hand):
    inner = keras.optimizers.SGD(**({"learning_rate": 0.05} | options))
    weight = fit(linear_model(Lookahead(inner, sync_period=2), **compile_options))
    expected = lookahead_by_hand(**({"rate": 0.05} | by_hand), period=2, share=0.5, steps=STEPS)
    np.testing.assert_allclose(weight, expected, atol=1e-6)


def test_ranger_trains_under_mixed_float16_with_a_step_that_overflows():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    optimizer = keras.optimizers.LossScaleOptimizer(ranger(0.01), initial_scale=2.0**40)
    model = linear_model(optimizer)
    before = model.get_weights()
    fit(model, last=1)
    np.testing.assert_array_equal(model.get_weights(), before)
    assert int(optimizer.iterations) == 0
    optimizer.dynamic_scale.assign(1024.0)
    fit(model)
    assert int(optimizer.iterations) == STEPS
    assert np.abs(model.get_weights()[0] - before[0]).max() > 1e-3


def test_compile_under_mixed_float16_scales_the_loss_around_lookahead():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    model = linear_model(ranger(0.01))
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert isinstance(model.optimizer.inner_optimizer, Lookahead)


def test_saved_in_mid_training_and_loaded_it_goes_on(tmp_path):
    model = linear_model(ranger(FlatCosine(0.1, STEPS)))
    fit(model, last=4)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert int(loaded.optimizer.iterations) == 4
    # 4 of the 6 steps of the first period lie before the save: the slow weights matter.
    np.testing.assert_allclose(fit(loaded, first=4), fit(model, first=4), atol=1e-7)


def test_learning_rate_and_momentum_reach_the_inner_optimizer():
    optimizer = ranger(0.1)
    model = linear_model(optimizer)
    rates = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: 0.03)
    weight = fit(model, scheduler, Watch(), MomentumSchedule(OneCycleMomentum(STEPS)))
    assert rates == pytest.approx([0.03])
    assert optimizer.inner_optimizer.beta_1 == 0.95
    assert np.abs(weight - fit(linear_model(ranger(0.03)))).max() > 1e-3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lookahead("sgd"), "inner_optimizer"),
        (lambda: Lookahead(keras.optimizers.SGD(0.1), sync_period=0), "sync_period"),
        (lambda: Lookahead(keras.optimizers.SGD(0.1), slow_step=1.5), "slow_step"),
        (lambda: Lookahead(keras.optimizers.SGD(0.1, loss_scale_factor=2.0)), "scale the loss"),
        (lambda: RectifiedAdam(amsgrad=True), "amsgrad"),
    ],
)
def test_bad_options_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
