import collections

import numpy as np
import pytest

from tfast.data.splitting import split_by_class

LABELS = ["cat"] * 20 + ["dog"] * 10 + ["fox"] * 2


@pytest.mark.parametrize(
    ("amount", "sizes"),
    [
        (0.25, {"cat": 5, "dog": 2, "fox": 1}),
        (1e-9, {"cat": 1, "dog": 1, "fox": 1}),
        (0.999, {"cat": 19, "dog": 9, "fox": 1}),
        (3, {"cat": 1, "dog": 1, "fox": 1}),
        (np.int64(16), {"cat": 10, "dog": 5, "fox": 1}),
        (29, {"cat": 19, "dog": 9, "fox": 1}),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_each_class_has_its_part_in_both(amount, sizes, seed):
    first, second = split_by_class(LABELS, amount, seed=seed)
    assert collections.Counter(LABELS[i] for i in first) == sizes
    assert sorted(first + second) == list(range(len(LABELS)))
    assert first == sorted(first)
    assert second == sorted(second)


def test_the_split_of_a_class_depends_on_seed_and_name_alone():
    first, _ = split_by_class(LABELS, 0.5, seed=1)
    without_fox, _ = split_by_class(LABELS[:30], 0.5, seed=1)
    assert first[:15] == without_fox
    assert split_by_class(LABELS, 0.5, seed=2)[0] != first


@pytest.mark.parametrize("amount", [*range(3, 30, 2), 12])
def test_whole_numbers_give_that_many(amount):
    assert len(split_by_class(LABELS, amount, seed=0)[0]) == amount


@pytest.mark.parametrize(("amount", "size"), [(0.5, 16), (3, 3), (29, 29)])
def test_a_class_of_one_is_for_the_second_part(amount, size):
    with pytest.warns(UserWarning, match="for training alone, as there is only one: 'elk', 'owl'"):
        first, second = split_by_class([*LABELS, "owl", "elk"], amount, seed=0)
    assert len(first) == size
    assert {32, 33} < set(second)


@pytest.mark.parametrize(
    ("labels", "amount", "message"),
    [
        (["cat", "owl"], 0.5, "labels must have a class of 2 or more examples, got 2 labels"),
        (LABELS, 0.0, r"amount must be a number in \(0, 1\), got 0.0"),
        (LABELS, 1.0, r"amount must be a number in \(0, 1\), got 1.0"),
        (LABELS, 2, "from 3 to 29 of 32, got 2"),
        (LABELS, 30, "from 3 to 29 of 32, got 30"),
        (LABELS, 0, "amount must be a whole number of at least 1, got 0"),
    ],
)
def test_impossible_splits_are_refused(labels, amount, message):
    with pytest.raises(ValueError, match=message):
        split_by_class(labels, amount, seed=0)
