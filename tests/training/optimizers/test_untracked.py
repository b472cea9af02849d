import itertools

import keras
import pytest

from tfast.training.optimizers.untracked import set_untracked, wrap_method


class Owner:
    def method(self, word):
        return word


def around(letter):
    return lambda method, word: f"{letter}{method(word)}{letter}"


def test_wrappers_nest_and_the_last_one_is_called_first():
    owner = Owner()
    for letter in "ab":
        wrap_method(owner, "method", around(letter))
    assert owner.method("x") == "baxab"
    assert Owner().method("x") == "x"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_wrappers_may_go_in_any_order_and_leave_no_trace(order):
    owner, left = Owner(), ["a", "b", "c"]
    undos = [wrap_method(owner, "method", around(letter)) for letter in left]
    for index in order:
        undos[index]()
        undos[index]()  # again, which does nothing
        left = [letter for letter in left if letter != "abc"[index]]
        assert owner.method("") == "".join([*left[::-1], *left])
    assert "method" not in vars(owner)


def test_a_function_set_on_the_object_is_kept():
    owner = Owner()
    set_untracked(owner, "method", str.upper)
    undo = wrap_method(owner, "method", around("-"))
    assert owner.method("x") == "-X-"
    undo()
    assert owner.method is str.upper


def test_keras_neither_tracks_nor_saves_what_is_set():
    layer = keras.layers.Dense(1)
    layer.build((1, 1))
    set_untracked(layer, "note", keras.Variable([1.0]))
    assert len(layer.variables) == 2
