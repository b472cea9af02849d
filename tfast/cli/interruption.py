"""Ctrl-C and SIGTERM: the command ends at once, in one line, and can be continued."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn


class Interrupted(BaseException):
    """A signal that ends the command. Not an Exception: nothing on the way shall catch it."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number  # as a shell has it


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Lets SIGINT and SIGTERM raise `Interrupted` in the block."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only there signals can be handled
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, _interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:
    raise Interrupted(signal_number)
