import keras
import numpy as np
import pytest

from tfast.fastai.conversion import (
    CONVOLUTION,
    DENSE,
    Entry,
    assign_entries,
    check_amount,
    check_tensors,
    ignored_names,
    read_entries,
)


def variable(*shape):
    return keras.Variable(np.random.default_rng(0).normal(size=shape).astype("float32"))


@pytest.mark.parametrize(
    ("shape", "options", "pytorch_shape"),
    [
        ((3, 5, 2, 4), {"axes": CONVOLUTION}, (4, 2, 3, 5)),
        ((2, 3), {"axes": DENSE}, (3, 2)),
        ((2, 3), {"axes": DENSE, "trailing": 2}, (3, 2, 1, 1)),
        ((4,), {}, (4,)),
    ],
)
def test_an_entry_is_read_as_it_is_written(shape, options, pytorch_shape):
    entry = Entry(variable(*shape), ("a",), **options)
    before = np.array(entry.variable)
    state = read_entries([entry])
    assert state["a"].shape == entry.pytorch_shape() == pytorch_shape
    entry.variable.assign(np.zeros(shape))
    assign_entries([entry], state)
    np.testing.assert_array_equal(entry.variable, before)


def test_several_names_add_up_and_are_written_into_the_first():
    entry = Entry(variable(3), ("a", "b"))
    assign_entries([entry], {"a": np.float32([1, 2, 3]), "b": np.float32([10, 20, 30])})
    np.testing.assert_array_equal(entry.variable, [11, 22, 33])
    state = read_entries([entry])
    np.testing.assert_array_equal(state["a"], [11, 22, 33])
    assert not state["b"].any()


def test_nothing_is_changed_where_something_does_not_fit():
    entries = [Entry(variable(2), ("a",)), Entry(variable(3), ("b", "c"))]
    before = [np.array(entry.variable) for entry in entries]
    state = {"a": np.ones(2), "b": np.ones(2), "c": np.ones(4), "d": np.ones(1)}
    with pytest.raises(ValueError, match="do not fit") as caught:
        assign_entries(entries, state)
    for part in ("b has shape (2,), expected (3,)", "c has shape (4,)", "left over d (1,)"):
        assert part in str(caught.value)
    for entry, value in zip(entries, before, strict=True):
        np.testing.assert_array_equal(entry.variable, value)


def test_copies_must_agree_even_in_nan():
    entry = Entry(variable(2), ("a",), copies=("b",))
    assign_entries([entry], {"a": np.float32([1, np.nan]), "b": np.float32([1, np.nan])})
    with pytest.raises(ValueError, match="b is not a copy of a"):
        assign_entries([entry], {"a": np.ones(2), "b": np.zeros(2)})
    with pytest.raises(ValueError, match="b is not a copy of a"):
        assign_entries([entry], {"a": np.ones(2), "b": np.ones((2, 1))})


def test_ignored_names_are_counters_and_copies():
    names = ["0.encoder_dp.emb.weight", "0.rnns.1.module.weight_hh_l0", "1.decoder.weight"]
    counter = "3.num_batches_tracked"
    others = [
        "0.encoder.weight",
        "0.rnns.1.weight_hh_l0_raw",
        "1.decoder.bias",
        "11.decoder.weight",
    ]
    assert ignored_names([counter, *others, *names]) == [*names, counter]


@pytest.mark.parametrize(
    "odd", [np.ones((0, 3)), np.array("x"), np.ones(2, complex), np.zeros(1, "m8[s]")]
)
def test_tensors_that_hold_no_real_numbers_are_named(odd):
    check_tensors({"a": np.ones(2), "b": np.int64(3), "c": np.bool_(True), "d": np.float16(1)})
    with pytest.raises(ValueError, match=r"odd has (dtype|shape)"):
        check_tensors({"a": np.ones(2), "odd": odd})


def test_far_too_few_numbers_are_refused_and_a_few_missing_ones_are_not():
    state = {f"{i}.weight": np.ones((1000, 1000)) for i in range(4)}
    expected = dict.fromkeys(state, (1000, 1000))
    check_amount(expected | {"4.weight": (1000, 1000)}, state)
    with pytest.raises(ValueError, match="must fill the network") as caught:
        check_amount(expected | {"4.weight": (10_000, 1000), "0.weight": (1000, 4000)}, state)
    assert "missing 4.weight (10000, 1000)" in str(caught.value)
    assert "0.weight has shape (1000, 1000), expected (1000, 4000)" in str(caught.value)
    with pytest.raises(ValueError, match="and 9980 more"):
        check_amount({f"{i}.weight": (1,) for i in range(10_000)}, {"0.weight": np.ones(1)} | state)
