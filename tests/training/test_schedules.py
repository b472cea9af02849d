import keras
import numpy as np
import pytest
from golden_weights import golden_arrays

from tfast.training.schedules import (
    FlatCosine,
    MomentumSchedule,
    OneCycle,
    OneCycleMomentum,
    SlantedTriangular,
)

SCHEDULES = [
    OneCycle(1e-3, 40, first_step=2),
    OneCycleMomentum(40, high=0.9),
    FlatCosine(1e-3, 40, flat=0.5),
    SlantedTriangular(1e-3, 40, rising=0.2),
]


@pytest.fixture(scope="module")
def golden():
    return golden_arrays("fastai_numerics.npz")


def test_one_cycle_equals_fastai(golden):
    steps = np.round(golden["onecycle_pos"] * 40)
    rates = [float(OneCycle(1e-3, 40)(step)) for step in steps]
    np.testing.assert_allclose(rates, golden["onecycle_lr"], rtol=1e-5)


def test_one_cycle_momentum_equals_fastai(golden):
    steps = np.round(golden["onecycle_pos"] * 40)
    momenta = [float(OneCycleMomentum(40)(step)) for step in steps]
    np.testing.assert_allclose(momenta, golden["onecycle_mom"], rtol=1e-6)


def test_flat_cosine_is_flat_and_then_falls_on_a_cosine():
    schedule = FlatCosine(1e-3, 40, flat=0.75, end_factor=1e5)
    assert [float(schedule(step)) for step in (0, 17, 30)] == pytest.approx([1e-3] * 3)
    halfway = (1e-3 + 1e-8) / 2
    assert float(schedule(35)) == pytest.approx(halfway)
    assert float(schedule(40)) == pytest.approx(1e-8)


def test_slanted_triangular_equals_the_paper():
    steps, peak, ratio, cut = 50, 0.01, 32, 5
    for step in range(steps + 1):
        share = step / cut if step < cut else 1 - (step - cut) / (cut * (1 / 0.1 - 1))
        expected = peak * (1 + share * (ratio - 1)) / ratio
        assert float(SlantedTriangular(peak, steps)(step)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
def test_schedule_stays_where_it_was_before_and_behind_the_run(schedule):
    first = schedule.first_step
    assert float(schedule(first - 1)) == float(schedule(first))
    assert float(schedule(first + 41)) == float(schedule(first + 40))
    assert np.isfinite(float(schedule(first + 7)))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
def test_schedule_survives_the_optimizers_config(schedule):
    optimizer = keras.optimizers.SGD(schedule)
    config = keras.saving.serialize_keras_object(optimizer)
    twin = keras.saving.deserialize_keras_object(config).learning_rate
    optimizer.iterations.assign(0)
    assert float(twin) == float(optimizer.learning_rate)
    other = type(schedule).from_config(schedule.get_config())
    assert [float(other(s)) for s in range(43)] == [float(schedule(s)) for s in range(43)]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: OneCycle(0.0, 10), "peak"),
        (lambda: OneCycle(0.1, 0), "total_steps"),
        (lambda: OneCycle(0.1, 2.5), "total_steps"),
        (lambda: OneCycle(0.1, 10, rising=1.0), "rising"),
        (lambda: OneCycle(0.1, 10, end_factor=-1), "end_factor"),
        (lambda: OneCycle(float("nan"), 10), "peak"),
        (lambda: OneCycleMomentum(10, high=1.0), "high"),
        (lambda: FlatCosine(0.1, 10, flat=1.0), "flat"),
        (lambda: SlantedTriangular(0.1, 10, ratio=0), "ratio"),
        (lambda: MomentumSchedule(0.9), "schedule"),
    ],
)
def test_bad_numbers_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
