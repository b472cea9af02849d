import numpy as np
import pytest

from tfast.arguments import fraction, one_of, positive_number, whole_number


@pytest.mark.parametrize("value", [1, np.int64(1), np.uint8(1)])
def test_whole_numbers_of_numpy_become_ints(value):
    assert type(whole_number("n", value)) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, np.float32(1), True, np.True_, "1", None])
def test_what_is_no_whole_number_is_refused_by_name(value):
    with pytest.raises(ValueError, match="n must be a whole number of at least 1, got"):
        whole_number("n", value)


def test_whole_number_without_minimum_may_be_negative():
    assert whole_number("n", -3, minimum=None) == -3


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, True, "1"])
def test_positive_number_refuses(value):
    with pytest.raises(ValueError, match="rate must be a finite number above 0, got"):
        positive_number("rate", value)


@pytest.mark.parametrize(
    ("zero", "one", "allowed"),
    [
        (True, False, [0, 0.5]),
        (False, True, [0.5, 1]),
        (False, False, [0.5]),
        (True, True, [0, 0.5, 1]),
    ],
)
def test_fraction_has_the_ends_that_are_asked_for(zero, one, allowed):
    for value in (-0.1, 0, 0.5, 1, 1.1, np.nan, None, True):
        if value in allowed and value is not True:
            assert fraction("p", value, zero=zero, one=one) == value
        else:
            with pytest.raises(ValueError, match="p must be a number in "):
                fraction("p", value, zero=zero, one=one)


def test_one_of_names_the_choices():
    assert one_of("kind", "a", ("a", "b")) == "a"
    with pytest.raises(ValueError, match="kind must be one of 'a', 'b', got 'c'"):
        one_of("kind", "c", ("a", "b"))
