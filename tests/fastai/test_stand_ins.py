import pickle

import numpy as np
import pytest

from tfast.fastai.stand_ins import Inert, Scalar, plain


def inert(state):
    stand_in = Inert()
    stand_in.__setstate__(state)
    return stand_in


def scalar(code, content, byte_order="<"):
    dtype = Inert(code, False, True)
    dtype.__setstate__((3, byte_order, None))
    return Scalar(dtype, content)


def test_a_stand_in_keeps_what_it_is_given_and_does_nothing():
    stand_in = Inert(1, "two")
    stand_in["key"] = "value"
    assert stand_in.arguments == (1, "two")
    assert stand_in.state is None


def test_lists_are_found_inside_of_stand_ins():
    assert plain([inert({"items": ["a", inert({"items": ["b"]})]}), ("c",)]) == [
        ["a", ["b"]],
        ["c"],
    ]
    stand_in = inert(["no", "items"])
    assert plain(stand_in) is stand_in


@pytest.mark.parametrize("value", [np.int64(-3), np.int8(7), np.uint16(500), np.bool_(True)])
def test_whole_numbers_and_truth_values_of_numpy_are_read(value):
    code = value.dtype.str[1:]
    assert plain(scalar(code, value.tobytes(), value.dtype.str[0])) == value.item()


def test_text_of_numpy_is_read():
    value = np.str_("é☃")
    assert plain(scalar(value.dtype.str[1:], value.tobytes())) == "é☃"


def test_other_scalars_of_numpy_stay_as_they_are():
    value = scalar("f8", np.float64(0.1).tobytes())
    assert plain(value) is value


def test_lists_that_are_one_stay_one_and_cycles_are_refused():
    shared = ["a"]
    first, second = plain([shared, shared])
    assert first is second
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="holds itself"):
        plain(pickle.loads(pickle.dumps(endless)))
