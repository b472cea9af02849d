from pathlib import Path

import numpy as np
import pytest

from tfast.recipes import checks


@pytest.mark.parametrize(
    ("check", "value", "kept"),
    [
        (checks.seed, np.int64(2**32 - 1), 2**32 - 1),
        (checks.from_zero, 0, 0),
        (checks.true_or_false, True, True),
        (checks.at_least_zero, 0, 0.0),
        (checks.at_least_one, 1, 1.0),
        (checks.finite_number, -0.5, -0.5),
        (checks.finite_number, 0, 0.0),
        (checks.text, "utf-8", "utf-8"),
        (checks.path, "a/b", Path("a/b")),
        (checks.choice_of(("crop", "pad")), "pad", "pad"),
        (checks.or_none(checks.from_zero), None, None),
        (checks.each(checks.from_zero), [1, 2], (1, 2)),
        (checks.each(checks.from_zero), 3, (3,)),
        (checks.part_or_path(whole_numbers=True), 300.0, 300),
        (checks.part_or_path(whole_numbers=True), 0.5, 0.5),
        (checks.part_or_path(whole_numbers=False), "folder", Path("folder")),
    ],
)
def test_a_good_value_is_kept_as_the_plain_python_one(check, value, kept):
    result = check("name", value)
    assert result == kept
    assert type(result) is type(kept)


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (checks.seed, -1, "name must be a whole number of at least 0, got -1"),
        (checks.seed, 2**32, "name must be a whole number below 2**32, got 4294967296"),
        (checks.from_zero, -1, "name must be a whole number of at least 0, got -1"),
        (checks.true_or_false, 1, "name must be true or false, got 1"),
        (checks.at_least_zero, -0.1, "name must be a finite number of at least 0, got -0.1"),
        (checks.at_least_zero, float("nan"), "name must be a finite number of at least 0, got nan"),
        (checks.at_least_one, 0.5, "name must be at least 1, got 0.5"),
        (checks.at_least_one, float("nan"), "name must be a finite number above 0, got nan"),
        (checks.finite_number, float("inf"), "name must be a finite number, got inf"),
        (checks.finite_number, "1", "name must be a finite number, got '1'"),
        (checks.text, "", "name must be a text, got ''"),
        (checks.path, 7, "name must be a path, got 7"),
        (checks.choice_of(("crop", "pad")), "cut", "name must be one of 'crop', 'pad', got 'cut'"),
        (checks.each(checks.from_zero), (), "name must be at least 1 values, got 0"),
        (
            checks.each(checks.from_zero, lengths=(1, 3)),
            (1, 2),
            "name must be 1 or 3 values, got 2",
        ),
        (
            checks.part_or_path(whole_numbers=True),
            -0.1,
            "a fraction between 0 and 1, a whole number",
        ),
        (
            checks.part_or_path(whole_numbers=True),
            float("inf"),
            "a whole number or a path, got inf",
        ),
        (
            checks.part_or_path(whole_numbers=False),
            2,
            "a fraction between 0 and 1 or a path, got 2",
        ),
        (checks.part_or_path(whole_numbers=False), None, "a fraction between 0 and 1 or a path"),
    ],
)
def test_a_bad_value_is_refused_with_its_name(check, value, message):
    with pytest.raises(ValueError, match=r"^name must be ") as caught:
        check("name", value)
    assert message in str(caught.value)
