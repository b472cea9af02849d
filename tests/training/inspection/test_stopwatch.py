import keras
import numpy as np
import pytest

from tfast.training.inspection import stopwatch as module
from tfast.training.inspection.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch):
    """Each look at it is one second later."""
    seconds = iter(range(1000))
    monkeypatch.setattr(module.time, "perf_counter", lambda: float(next(seconds)))


def fit(stopwatch, **options):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", **options)
    data = np.ones((8, 1)), np.ones((8, 1))
    model.fit(*data, batch_size=2, epochs=2, callbacks=[stopwatch], verbose=0)


def test_the_first_batch_of_each_epoch_does_not_count_for_the_rate(clock):
    stopwatch = Stopwatch()
    fit(stopwatch)
    assert stopwatch.batches == 2 * 3
    assert stopwatch.training_seconds == 2 * 3
    assert stopwatch.seconds == 2 * (4 + 1)  # after each batch and each epoch
    assert stopwatch.steps_per_second == 1


def test_batches_of_one_execution_count_as_many(clock):
    stopwatch = Stopwatch()
    fit(stopwatch, steps_per_execution=2)
    assert stopwatch.batches == 2 * 2
    assert stopwatch.steps_per_second == 2


def test_counts_go_on_in_another_one(clock):
    first, second = Stopwatch(), Stopwatch()
    assert second.steps_per_second == 0
    fit(first)
    second.set_state(first.get_state())
    fit(second)
    assert (second.batches, second.seconds) == (12, 20)
