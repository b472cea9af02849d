"""Answers that are kept for as long as they are asked for."""

from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=str)
Value = TypeVar("Value")


class Recent(dict[str, Value], Generic[Value]):
    """A dictionary that works out what it does not hold, and never holds more than so much.

    When it is full it starts again, but what was there is taken over as it is asked for: what is
    often asked for stays. Threads may use one object together: two may work out the same value.

    Args:
        function: a pure function of a str.
        size: how many values are held; those of long keys are not.

    Examples:
        >>> lengths = Recent(len)
        >>> lengths["four"], list(lengths)
        (4, ['four'])
    """

    LONGEST_KEY = 64

    def __init__(self, function: Callable[[str], Value], size: int = 2**17) -> None:
        super().__init__()
        self._function = function
        self._size = size
        self._before: dict[str, Value] = {}

    def __missing__(self, key: str) -> Value:
        """What `self[key]` asks for when there is no such key."""
        before = self._before
        value = before[key] if key in before else self._function(key)
        if len(key) <= self.LONGEST_KEY:
            if len(self) >= self._size:
                self._before = dict(self)
                self.clear()
            self[key] = value
        return value
