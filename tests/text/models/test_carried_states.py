import numpy as np
import pytest

from tfast.text.models.carried_states import CarriedStates

STATES = [np.full((2, 3), 1.0, "float32"), np.full((2, 4), 2.0, "float32")]
GO_ON, START = np.array([False, False]), np.array([True, True])


def arrays(states):
    return [np.array(state) for state in states]


def test_states_are_read_as_they_were_written():
    carried = CarriedStates([3, 4], 2)
    for state in carried.read(GO_ON, training=True):
        assert not np.any(state)
    carried.write(STATES, training=True)
    for state, expected in zip(carried.read(GO_ON, training=True), STATES, strict=True):
        np.testing.assert_array_equal(state, expected)


def test_training_and_evaluation_are_apart():
    carried = CarriedStates([3, 4], 2)
    carried.write(STATES, training=True)
    assert not any(np.any(state) for state in carried.read(GO_ON, training=False))
    carried.write([2 * state for state in STATES], training=False)
    np.testing.assert_array_equal(carried.read(GO_ON, training=True)[0], STATES[0])


@pytest.mark.parametrize("dtype", [bool, "int32"])
def test_rows_that_start_are_zeros_and_others_are_not(dtype):
    carried = CarriedStates([3, 4], 2)
    carried.write(STATES, training=True)
    states = carried.read(np.array([True, False]).astype(dtype), training=True)
    assert not np.any(states[0][0])
    np.testing.assert_array_equal(states[1][1], STATES[1][1])


def test_a_smaller_batch_leaves_the_other_rows_as_they_are():
    carried = CarriedStates([3, 4], 3)
    carried.write(STATES, training=True)
    carried.write([5 * state[:1] for state in STATES], training=True)
    first = carried.of_training[0].numpy()
    np.testing.assert_array_equal(first[:, 0], [5.0, 1.0, 0.0])


def test_states_are_saved_and_the_config_is_complete(tmp_path):
    carried = CarriedStates([3, 4], 2)
    carried.write(STATES, training=True)
    again = CarriedStates.from_config(carried.get_config())
    again.set_weights(carried.get_weights())
    np.testing.assert_array_equal(again.read(GO_ON, training=True)[1], STATES[1])
    assert not carried.trainable_weights


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: CarriedStates([3], 0), "max_batch_size must be a whole number of at least 1"),
        (
            lambda: CarriedStates([3], 1).read(START, training=True),
            "max_batch_size must be at least the 2 rows of the batch, got 1",
        ),
    ],
)
def test_bad_arguments_are_named(act, message):
    with pytest.raises(ValueError, match=message):
        act()
