"""Random numbers that nobody is to notice: after them the next ones are as if they had not been."""

import contextlib
import random
import sys
from collections.abc import Callable, Iterator

import keras
import numpy as np

from tfast.training.optimizers.keras_private import global_seed_generator, seeds_of_tensorflow

Restore = Callable[[], None]


@contextlib.contextmanager
def random_states_kept() -> Iterator[None]:
    """After the block the global generators are as before it.

    They are those of Python and NumPy; of Keras, from which operations without a seed draw and
    layers without one get theirs; and of TensorFlow (`tf.random`) or PyTorch, where they are
    imported. Not the states inside a traced function that draws from `tf.random`; eager
    operations of `tf.random` that are given a seed begin their sequence again.

    Examples:
        >>> random.seed(3)
        >>> with random_states_kept():
        ...     inside = random.random()
        >>> random.random() == inside
        True
    """
    restores = [_python(), _numpy(), _keras()]
    if sys.modules.get("tensorflow") is not None:
        restores.append(_tensorflow())
    if keras.backend.backend() == "torch":
        restores.append(_torch())
    try:
        yield
    finally:
        for restore in restores:
            restore()


def _python() -> Restore:
    state = random.getstate()
    return lambda: random.setstate(state)


def _numpy() -> Restore:
    state = np.random.get_state()
    return lambda: np.random.set_state(state)


def _keras() -> Restore:
    get, put = global_seed_generator()
    generator = get()
    value = None if generator is None else np.array(generator.state)

    def restore() -> None:
        put(generator)  # None: the next draw makes one
        if generator is not None:
            generator.state.assign(value)

    return restore


def _tensorflow() -> Restore:
    import tensorflow as tf

    generator = tf.random.get_global_generator()
    state = np.array(generator.state)
    seeds, begin_again = seeds_of_tensorflow()
    seeds_state = seeds.getstate() if seeds else None

    def restore() -> None:
        generator.state.assign(state)
        if seeds is not None and seeds_state is not None:
            seeds.setstate(seeds_state)
            begin_again()

    return restore


def _torch() -> Restore:
    import torch

    state = torch.random.get_rng_state()
    return lambda: torch.random.set_rng_state(state)
