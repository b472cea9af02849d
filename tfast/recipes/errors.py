"""Bad input of a recipe, told apart from faults of ours."""

import contextlib
from collections.abc import Iterator

from tfast.errors import DivergedError as DivergedError
from tfast.errors import InputError as InputError


@contextlib.contextmanager
def input_errors() -> Iterator[None]:
    """Turns a ValueError of the block into an `InputError`, and says what package is missing.

    Not for the training itself: a ValueError there is a fault of ours.

    Examples:
        >>> with input_errors():
        ...     raise ValueError("epochs must be a whole number of at least 1, got 0")
        Traceback (most recent call last):
        tfast.errors.InputError: epochs must be a whole number of at least 1, got 0
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
