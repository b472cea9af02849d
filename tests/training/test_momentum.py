import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.training.learning_rates import LayerwiseLearningRates
from tfast.training.schedules import (
    MomentumSchedule,
    OneCycleMomentum,
)

STEPS, BATCH = 8, 2
INPUTS = np.random.RandomState(0).standard_normal((STEPS * BATCH, 3)).astype("float32")
TARGETS = INPUTS @ np.float32([[1.0], [-2.0], [0.5]])


class StepOfItsOwn:
    """What the callback asks of a model, for an optimizer that is called by hand."""

    def __init__(self, optimizer):
        self.optimizer = optimizer

    def make_train_function(self, force):
        pass

    def reset_metrics(self):
        pass


def linear_model(optimizer, **compile_options):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.float32([[0.1], [0.2], [0.3]])])
    model.compile(optimizer, "mse", **compile_options)
    return model


def fit(model, *callbacks, epochs=1):
    model.fit(
        INPUTS, TARGETS, BATCH, epochs=epochs, shuffle=False, verbose=0, callbacks=list(callbacks)
    )
    return np.asarray(model.trainable_variables[0])


def attributes_after_a_plain_fit():
    model = linear_model(keras.optimizers.SGD(0.05, momentum=0.95))
    fit(model)
    return vars(model.optimizer).keys()


def momentum_by_hand(schedule, *, rate=0.05, nesterov=False, accumulate=1, clip=None, steps=STEPS):
    """SGD with a momentum that changes, on the same batches, in NumPy."""
    weight, velocity = np.float32([[0.1], [0.2], [0.3]]), np.zeros((3, 1))
    gradients = []
    for step in range(steps):
        batch = slice(step % STEPS * BATCH, (step % STEPS + 1) * BATCH)
        x, y = INPUTS[batch], TARGETS[batch]
        gradients.append(2 * x.T @ (x @ weight - y) / BATCH)
        if (step + 1) % accumulate:
            continue
        gradient = np.mean(gradients, axis=0)
        gradients = []
        if clip:
            gradient = np.clip(gradient, -clip, clip)
        momentum = float(schedule(step))
        velocity = momentum * velocity - rate * gradient
        weight = weight + (momentum * velocity - rate * gradient if nesterov else velocity)
    return weight


@pytest.mark.parametrize(
    ("optimizer_options", "compile_options", "by_hand"),
    [
        ({}, {}, {}),
        ({"nesterov": True}, {}, {"nesterov": True}),
        ({}, {"steps_per_execution": 4}, {}),
        ({"gradient_accumulation_steps": 2}, {}, {"accumulate": 2}),
        ({"clipvalue": 0.5}, {"run_eagerly": True}, {"clip": 0.5}),
        ({}, {"jit_compile": True}, {}),
    ],
    ids=["plain", "nesterov", "steps_per_execution", "accumulation", "eager clipped", "jit"],
)
def test_momentum_follows_the_step(optimizer_options, compile_options, by_hand):
    schedule = OneCycleMomentum(STEPS)
    optimizer = keras.optimizers.SGD(0.05, momentum=0.95, **optimizer_options)
    model = linear_model(optimizer, **compile_options)
    weight = fit(model, MomentumSchedule(schedule))
    np.testing.assert_allclose(weight, momentum_by_hand(schedule, **by_hand), atol=1e-6)
    constant = momentum_by_hand(lambda step: 0.95, **by_hand)
    assert np.abs(weight - constant).max() > 1e-3, "the test would not see a constant"


def test_momentum_follows_the_step_under_loss_scaling():
    schedule = OneCycleMomentum(STEPS)
    inner = keras.optimizers.SGD(0.05, momentum=0.95)
    model = linear_model(keras.optimizers.LossScaleOptimizer(inner))
    weight = fit(model, MomentumSchedule(schedule))
    np.testing.assert_allclose(weight, momentum_by_hand(schedule), atol=1e-6)


MOMENTUM_OF = {
    **dict.fromkeys(["Adam", "AdamW", "Nadam", "Adamax", "Lamb", "Lion"], "beta_1"),
    **dict.fromkeys(["SGD", "RMSprop", "Muon"], "momentum"),
}


@pytest.mark.parametrize("kind", MOMENTUM_OF)
def test_each_optimizer_follows_as_if_its_number_were_set_before_each_step(kind):
    name, schedule = MOMENTUM_OF[kind], OneCycleMomentum(STEPS)
    gradients = np.random.RandomState(1).standard_normal((STEPS, 3, 1)).astype("float32")

    def run(before_each_step):
        optimizer = getattr(keras.optimizers, kind)(0.05, **{name: 0.95})
        weight = keras.Variable(np.float32([[0.1], [0.2], [0.3]]))
        optimizer.build([weight])
        before_each_step(optimizer, 0)
        step = tf.function(lambda gradient: optimizer.apply([gradient], [weight]))
        for index, gradient in enumerate(gradients):
            if before_each_step is set_number:
                set_number(optimizer, index)
                optimizer.apply([tf.constant(gradient)], [weight])
            else:
                step(tf.constant(gradient))
        return np.asarray(weight)

    def set_number(optimizer, step):
        setattr(optimizer, name, float(schedule(step)))

    def follow(optimizer, step):
        callback = MomentumSchedule(schedule)
        callback.set_model(StepOfItsOwn(optimizer))
        callback.on_train_begin()

    followed = run(follow)
    np.testing.assert_allclose(followed, run(set_number), rtol=1e-5)
    assert np.abs(followed - run(lambda optimizer, step: None)).max() > 1e-4


def test_checkpoint_in_mid_fit_is_one_of_the_stock_optimizer(tmp_path):
    path = tmp_path / "model.keras"

    class SaveInMidFit(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 4:
                self.model.save(path)

    schedule = OneCycleMomentum(STEPS)
    model = linear_model(keras.optimizers.Adam(0.05, beta_1=0.93))
    weight = fit(model, SaveInMidFit(), MomentumSchedule(schedule))
    loaded = keras.saving.load_model(path)
    assert type(loaded.optimizer) is keras.optimizers.Adam
    assert loaded.optimizer.beta_1 == 0.93
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert int(loaded.optimizer.iterations) == 5
    # The loaded one goes on as the first would have gone on.
    loaded.fit(
        INPUTS[5 * BATCH :],
        TARGETS[5 * BATCH :],
        BATCH,
        shuffle=False,
        verbose=0,
        callbacks=[MomentumSchedule(schedule)],
    )
    np.testing.assert_allclose(np.asarray(loaded.trainable_variables[0]), weight, atol=1e-6)


def test_optimizer_is_the_stock_one_after_fit_and_follows_again_in_the_next():
    optimizer = keras.optimizers.SGD(0.05, momentum=0.95)
    model = linear_model(optimizer)
    stock = attributes_after_a_plain_fit()
    schedule = OneCycleMomentum(2 * STEPS)
    for _ in range(2):
        weight = fit(model, MomentumSchedule(schedule))
        assert vars(optimizer).keys() <= stock
        assert type(optimizer.momentum) is float
    np.testing.assert_allclose(weight, momentum_by_hand(schedule, steps=2 * STEPS), atol=1e-6)
    # A fit without the callback does not run the old trace.
    model.set_weights([np.float32([[0.1], [0.2], [0.3]])])
    optimizer.momentums[0].assign(np.zeros((3, 1)))
    np.testing.assert_allclose(fit(model), momentum_by_hand(lambda step: 0.95), atol=1e-6)


@pytest.mark.parametrize("momentum_first", [True, False])
def test_momentum_and_layerwise_rates_go_together_in_either_order(momentum_first):
    optimizer = keras.optimizers.SGD(0.1, momentum=0.95)
    model = linear_model(optimizer)
    stock = attributes_after_a_plain_fit()
    schedule = OneCycleMomentum(STEPS)
    callbacks = [MomentumSchedule(schedule), LayerwiseLearningRates([model.layers], [0.5])]
    weight = fit(model, *callbacks[:: 1 if momentum_first else -1])
    np.testing.assert_allclose(weight, momentum_by_hand(schedule), atol=1e-6)
    assert vars(optimizer).keys() <= stock
    assert type(optimizer.momentum) is float


class Interrupt(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("follow_again", [True, False])
def test_an_interrupted_fit_leaves_nothing_behind_in_the_next(follow_again, eager):
    optimizer = keras.optimizers.SGD(0.05, momentum=0.95)
    model = linear_model(optimizer, run_eagerly=eager)
    with pytest.raises(KeyboardInterrupt):
        fit(
            model, MomentumSchedule(lambda step: keras.ops.cast(step, "float32") / 100), Interrupt()
        )
    assert optimizer.get_config()["momentum"] == 0.95
    optimizer.iterations.assign(0)
    optimizer.momentums[0].assign(np.zeros((3, 1)))
    model.set_weights([np.float32([[0.1], [0.2], [0.3]])])
    schedule = OneCycleMomentum(STEPS) if follow_again else lambda step: 0.95
    weight = fit(model, *([MomentumSchedule(schedule)] if follow_again else []))
    np.testing.assert_allclose(weight, momentum_by_hand(schedule), atol=1e-6)
    assert "_backend_update_step" not in vars(optimizer)
    assert "reset_metrics" not in vars(model)


def test_an_interrupted_fit_leaves_nothing_behind_under_layerwise_rates():
    optimizer = keras.optimizers.SGD(0.05, momentum=0.95)
    model = linear_model(optimizer)
    with pytest.raises(KeyboardInterrupt):
        fit(model, MomentumSchedule(lambda step: 0.1 + 0.0 * step), Interrupt())
    optimizer.iterations.assign(0)
    optimizer.momentums[0].assign(np.zeros((3, 1)))
    model.set_weights([np.float32([[0.1], [0.2], [0.3]])])
    weight = fit(model, LayerwiseLearningRates([model.layers], [1.0]))
    np.testing.assert_allclose(weight, momentum_by_hand(lambda step: 0.95), atol=1e-6)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ("SGD", "momentum=0.0"),
        ("Adagrad", "neither momentum nor beta_1"),
        ("ScheduleFreeAdamW", "ScheduleFreeAdamW"),
    ],
)
def test_optimizer_without_a_momentum_to_follow_is_refused(optimizer, message):
    model = linear_model(getattr(keras.optimizers, optimizer)(0.1))
    with pytest.raises(ValueError, match=message):
        fit(model, MomentumSchedule(OneCycleMomentum(STEPS)))
