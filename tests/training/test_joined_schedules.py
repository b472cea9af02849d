import keras
import pytest
import tensorflow as tf
from keras.optimizers.schedules import ExponentialDecay

from tfast.training.joined_schedules import join_schedules

DOWN = ExponentialDecay(1.0, 1, 0.5)


def test_schedules_take_turns_and_survive_their_config():
    joined = join_schedules([DOWN, DOWN, ExponentialDecay(8.0, 1, 0.5)], [2, 3], first_step=5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(joined))
    graph = tf.function(joined)
    for step, rate in zip(range(4, 12), [2, 1, 0.5, 1, 8, 4, 2, 1], strict=True):
        assert float(joined(step)) == float(again(step)) == float(graph(step)) == rate


def test_an_optimizer_saved_by_tfast_0_1_is_loaded():
    config = keras.saving.serialize_keras_object(DOWN)
    saved = {
        "module": "tfast.training.unfreezing",
        "class_name": "OneAfterAnother",
        "registered_name": "tfast>OneAfterAnother",
        "config": {"schedules": [config, config], "steps": [2, 9], "first_step": 1},
    }
    schedule = keras.saving.deserialize_keras_object(saved)
    assert [float(schedule(step)) for step in range(1, 5)] == [1, 0.5, 1, 0.5]


@pytest.mark.parametrize("boundaries", [[], [1], [2, 1], [1, 1], [1, 2, 3], [0.5, 2]])
def test_boundaries_that_do_not_fit_are_refused(boundaries):
    with pytest.raises(ValueError, match="boundaries must be"):
        join_schedules([DOWN, DOWN, DOWN], boundaries)
