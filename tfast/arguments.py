"""Checks of arguments: one check and one form of message for each kind.

Every message says `NAME must be WHAT, got VALUE`. Integers of NumPy pass as Python's do, booleans
do not; each function returns the plain Python value.
"""

import math
import numbers
from collections.abc import Collection
from typing import Any, TypeVar

Choice = TypeVar("Choice")


def whole_number(name: str, value: Any, *, minimum: int | None = 1) -> int:
    """An integer of at least `minimum`.

    Args:
        name: what the argument is called.
        value: what was given.
        minimum: the smallest allowed value; None for any.

    Returns:
        `value` as an int.

    Raises:
        ValueError: `value` is something else.

    Examples:
        >>> import numpy as np
        >>> whole_number("batch_size", np.int64(2))
        2
        >>> whole_number("batch_size", 0)
        Traceback (most recent call last):
        ValueError: batch_size must be a whole number of at least 1, got 0
    """
    # np.bool_ is not an Integral; Python's bool is.
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or (minimum is not None and value < minimum):
        bound = "" if minimum is None else f" of at least {minimum}"
        raise ValueError(f"{name} must be a whole number{bound}, got {value!r}")
    return int(value)


def positive_number(name: str, value: Any) -> float:
    """A finite number above 0.

    Examples:
        >>> positive_number("alpha", 0.4)
        0.4
        >>> positive_number("alpha", float("nan"))
        Traceback (most recent call last):
        ValueError: alpha must be a finite number above 0, got nan
    """
    if not _is_number(value) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")
    return float(value)


def fraction(name: str, value: Any, *, zero: bool = True, one: bool = False) -> float:
    """A number between 0 and 1.

    Args:
        name: what the argument is called.
        value: what was given.
        zero: whether 0 is allowed.
        one: whether 1 is allowed.

    Returns:
        `value` as a float.

    Raises:
        ValueError: `value` is something else.

    Examples:
        >>> fraction("rate", 0)
        0.0
        >>> fraction("rate", 1)
        Traceback (most recent call last):
        ValueError: rate must be a number in [0, 1), got 1
    """
    inside = _is_number(value) and (0 < value < 1 or (zero and value == 0) or (one and value == 1))
    if not inside:
        interval = f"{'[' if zero else '('}0, 1{']' if one else ')'}"
        raise ValueError(f"{name} must be a number in {interval}, got {value!r}")
    return float(value)


def one_of(name: str, value: Choice, choices: Collection[Choice]) -> Choice:
    """One of several values.

    Examples:
        >>> one_of("precision", "int4", ("float32", "int8"))
        Traceback (most recent call last):
        ValueError: precision must be one of 'float32', 'int8', got 'int4'
    """
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
