"""Checks of a recipe's settings: each takes a name and a value and gives the value as it is kept.

They raise a ValueError of the form `NAME must be WHAT, got VALUE`.
"""

import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeAlias

from tfast.arguments import fraction, one_of, positive_number, whole_number
from tfast.pretrained.catalog import is_published

Check: TypeAlias = Callable[[str, Any], Any]

# The names that `tfast.training.precision` knows, without importing Keras.
PRECISIONS = ("float32", "float16", "bfloat16")


def seed(name: str, value: Any) -> int:
    """A whole number that Keras takes for a seed."""
    if whole_number(name, value, minimum=0) >= 2**32:
        raise ValueError(f"{name} must be a whole number below 2**32, got {value!r}")
    return int(value)


def from_zero(name: str, value: Any) -> int:
    """A whole number from 0 on."""
    return whole_number(name, value, minimum=0)


def true_or_false(name: str, value: Any) -> bool:
    """A truth value."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, got {value!r}")
    return value


def at_least_zero(name: str, value: Any) -> float:
    """A finite number from 0 on."""
    try:
        return 0.0 if value == 0 else positive_number(name, value)
    except ValueError:
        raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}") from None


def at_least_one(name: str, value: Any) -> float:
    """A finite number from 1 on."""
    if positive_number(name, value) < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}")
    return float(value)


def text(name: str, value: Any) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text, got {value!r}")
    return value


def path(name: str, value: Any) -> Path:
    """A path, of whatever kind."""
    try:
        return Path(value)
    except TypeError:
        raise ValueError(f"{name} must be a path, got {value!r}") from None


def name_or_path(name: str, value: Any) -> str | Path:
    """The name of published weights, as `tfast pretrained` lists them; or a path."""
    if isinstance(value, str) and is_published(value):
        return value
    return path(name, value)


def start(name: str, value: Any) -> str | Path | None:
    """What a training starts from: a `name_or_path`, "auto", or None, which "none" is too."""
    if value in (None, "none"):
        return None
    return "auto" if value == "auto" else name_or_path(name, value)


def choice_of(choices: Collection[str]) -> Check:
    """A check for one of these."""

    def check(name: str, value: Any) -> str:
        return one_of(name, value, choices)

    return check


def or_none(check: Check) -> Check:
    """The same check, that lets None pass."""

    def check_unless_none(name: str, value: Any) -> Any:
        return None if value is None else check(name, value)

    return check_unless_none


def each(check: Check, *, lengths: Collection[int] | None = None) -> Check:
    """A check for one value or several, kept as a tuple.

    Args:
        check: of each.
        lengths: how many there may be; None for any number from 1 on.
    """

    def check_all(name: str, value: Any) -> tuple[Any, ...]:
        values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        if not values or (lengths is not None and len(values) not in lengths):
            wanted = "at least 1" if lengths is None else " or ".join(map(str, lengths))
            raise ValueError(f"{name} must be {wanted} values, got {len(values)}")
        return tuple(check(name, single) for single in values)

    return check_all


def finite_number(name: str, value: Any) -> float:
    """A finite number, below 0 too."""
    try:
        return (
            float(value) if value == 0 else math.copysign(positive_number(name, abs(value)), value)
        )
    except (ValueError, TypeError):
        raise ValueError(f"{name} must be a finite number, got {value!r}") from None


def part_or_path(*, whole_numbers: bool) -> Check:
    """A check for how much to split off, or where that lies already.

    Args:
        whole_numbers: whether a number of examples will do, and not only a fraction.
    """
    wanted = "a fraction between 0 and 1" + (", a whole number" if whole_numbers else "")

    def check(name: str, value: Any) -> float | int | Path:
        if isinstance(value, (str, Path)):
            return Path(value)
        try:
            if whole_numbers and value >= 1 and value == int(value):
                return whole_number(name, int(value))
            return fraction(name, value, zero=False)
        except (ValueError, TypeError, OverflowError):
            raise ValueError(f"{name} must be {wanted} or a path, got {value!r}") from None

    return check
