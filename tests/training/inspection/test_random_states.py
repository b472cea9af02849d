import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.training.inspection.random_states import random_states_kept

DRAWS = {
    "python": random.random,
    "numpy": np.random.rand,
    "keras": lambda: float(keras.random.uniform(())),
    "a layer's own seed": lambda: int(keras.random.SeedGenerator().state[0]),
    "tensorflow": lambda: float(tf.random.uniform(())),
    "tensorflow's generator": lambda: float(tf.random.get_global_generator().normal(())),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_the_draws_after_the_block_are_those_in_it(draw):
    draw()
    with random_states_kept():
        inside = [draw() for _ in range(3)]
    assert [draw() for _ in range(3)] == inside
    assert len(set(inside)) == 3


def test_where_keras_had_drawn_nothing_its_generator_is_made_anew():
    def run(before):
        keras.utils.set_random_seed(0)
        keras.utils.clear_session(free_memory=False)
        before()
        return float(keras.random.uniform(()))

    def inside():
        with random_states_kept():
            keras.random.uniform(())

    assert run(inside) == run(lambda: None)
