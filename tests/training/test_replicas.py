"""Under `MirroredStrategy` every training tool gives what it gives on one device."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import two_replicas

from tfast.training.averaging import AveragedWeights
from tfast.training.inspection.lr_finder import find_learning_rate
from tfast.training.inspection.statistics import TrainingStatistics
from tfast.training.learning_rates import LayerwiseLearningRates
from tfast.training.momentum import MomentumSchedule
from tfast.training.optimizers.fused_adam import FusedAdam
from tfast.training.optimizers.lookahead import ranger
from tfast.training.schedules import OneCycle, OneCycleMomentum
from tfast.training.unfreezing import GradualUnfreezing, Stage

INPUTS = np.random.RandomState(0).standard_normal((16, 4)).astype("float32")
TARGETS = np.random.RandomState(1).standard_normal((16, 2)).astype("float32")


def batches():
    return tf.data.Dataset.from_tensor_slices((INPUTS, TARGETS)).batch(4)


def groups_of(model):
    return [[layer] for layer in model.layers]


def fit_with_callbacks(model):
    callbacks = [
        AveragedWeights(start=2),
        LayerwiseLearningRates(groups_of(model), [0.1, 1]),
        MomentumSchedule(OneCycleMomentum(4)),
    ]
    options = {"validation_data": batches(), "shuffle": False, "verbose": 0}
    return model.fit(batches(), callbacks=callbacks, **options).history.values()


def unfreeze_gradually(model):
    stages = [Stage(-1, 0.1), Stage(0, 0.1, multipliers=(0.1, 1))]
    return (
        GradualUnfreezing(groups_of(model), stages).fit(model, batches(), verbose=0).history["loss"]
    )


def measure(model):
    seen = TrainingStatistics(["body"], (INPUTS, TARGETS), every=2)
    model.fit(batches(), callbacks=[seen], shuffle=False, verbose=0)
    return [*seen.means.values(), *seen.near_zero_shares.values(), *seen.gradient_ratios.values()]


CASES = {
    "average, rates, momentum": (
        lambda: FusedAdam(OneCycle(0.1, 4), weight_decay=0.1),
        fit_with_callbacks,
    ),
    "ranger": (
        lambda: ranger(0.1),
        lambda model: model.fit(batches(), shuffle=False, verbose=0).history["loss"],
    ),
    "unfreezing": (keras.optimizers.Adam, unfreeze_gradually),
    "rate finder": (
        lambda: keras.optimizers.SGD(0.1),
        lambda model: find_learning_rate(model, batches(), end=1.0, steps=5).losses,
    ),
    "statistics": (lambda: keras.optimizers.SGD(0.1), measure),
}


@pytest.mark.parametrize(("make_optimizer", "use"), CASES.values(), ids=CASES)
def test_two_devices_give_what_one_gives(make_optimizer, use):
    ends = []
    for strategy in (None, two_replicas()):
        keras.utils.set_random_seed(0)
        with strategy.scope() if strategy else contextlib.nullcontext():
            body = keras.layers.Dense(3, activation="tanh", name="body")
            model = keras.Sequential([keras.Input((4,)), body, keras.layers.Dense(2)])
            model.compile(make_optimizer(), "mse")
        start = model.get_weights()
        ends.append([*map(np.ravel, use(model)), *map(np.ravel, model.get_weights())])
    for one, two in zip(*ends, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-6)
    if use is fit_with_callbacks:
        assert model.optimizer.beta_1 == 0.9
    if use is not CASES["rate finder"][1]:
        assert np.abs(model.get_weights()[0] - start[0]).max() > 1e-3, "nothing was trained"
