"""The two ways in which a run ends early that are no faults of tfast."""

import contextlib
from collections.abc import Iterator


class InputError(ValueError):
    """Bad input, found before any work is lost."""


class DivergedError(RuntimeError):
    """The weights of a model are no longer finite."""


@contextlib.contextmanager
def input_errors() -> Iterator[None]:
    """Turns a ValueError of the block into an `InputError`, and says what package is missing.

    Not for the training itself: a ValueError there is a fault of ours.

    Example:
        >>> with input_errors():
        ...     raise ValueError("epochs must be a whole number of at least 1, got 0")
        Traceback (most recent call last):
        tfast.recipes.errors.InputError: epochs must be a whole number of at least 1, got 0
    """
    try:
        yield
    except InputError:
        raise
    except ValueError as error:
        raise InputError(str(error)) from error
    except ImportError as error:
        if error.name and error.name.split(".")[0] == "tfast":
            raise  # a fault of ours, no missing package
        raise InputError(str(error)) from error
