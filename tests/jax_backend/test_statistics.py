import keras
import numpy as np
import pytest

from tfast.training.inspection.statistics import TrainingStatistics

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((16, 4)).astype("float32")
Y = RANDOM.standard_normal((16, 2)).astype("float32")


def train(callbacks):
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense(6, name="dense")
    norm, dropout = keras.layers.BatchNormalization(name="norm"), keras.layers.Dropout(0.5)
    head = keras.layers.Dense(2, name="head")
    model = keras.Sequential([keras.Input((4,)), dense, norm, dropout, head])
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    options = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
    start = dense.kernel.numpy()
    history = model.fit(X, Y, validation_data=(X, Y), callbacks=callbacks, **options)
    variables = model.variables + model.optimizer.variables
    return start, ([np.asarray(v).tobytes() for v in variables], history.history)


def test_statistics_are_right_and_training_ends_with_the_same_bits():
    statistics = TrainingStatistics(["dense"], (X, Y), every=3)
    _, plain = train([])
    start, measured = train([statistics])
    assert plain == measured
    assert statistics.steps == [1, 4, 7]
    assert list(statistics.gradient_ratios) == ["dense", "norm", "head"]
    # Measured after the first step, which moves each weight by 0.01.
    assert statistics.standard_deviations["dense"][0] == pytest.approx((X @ start).std(), abs=0.05)
