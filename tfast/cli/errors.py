"""A command ends with one line instead of a traceback where that says all."""

import argparse
import os
import re
from collections.abc import Collection
from typing import Any, NoReturn

from tfast.errors import DivergedError, InputError
from tfast.files import system_error


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong with a command line in one line.

    Attributes:
        intermixed: whether options may stand between arguments of which there may be any number.
            argparse can do that, but not for the command of a parser of commands.
    """

    intermixed = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What argparse does, or its `parse_known_intermixed_args`, which calls this again."""
        # After "--" there are no options, which `parse_known_intermixed_args` forgets.
        if not self.intermixed or (args and args[0] == "--"):
            return super().parse_known_args(args, namespace)
        self.intermixed = False
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.intermixed = True

    def error(self, message: str) -> NoReturn:
        """Ends the program with exit code 2."""
        self.exit(2, f"{self.prog}: {one_line(message)}\n")


def describe_error(error: Exception, settings: Collection[str]) -> tuple[str, int] | None:
    """What to say of an error, and the exit code.

    Args:
        error: what ended the command.
        settings: names of settings, which are options on the command line.

    Returns:
        A line and 2 for bad input; a line and 1 for a training that diverged, a full disk, a
        folder that cannot be written and the like; None for what is a fault of ours.

    Examples:
        >>> error = InputError("batch_size must be a whole number of at least 1, got 0")
        >>> describe_error(error, ["batch_size"])
        ('--batch-size must be a whole number of at least 1, got 0', 2)
        >>> describe_error(ValueError("too few values to unpack"), []) is None
        True
    """
    if isinstance(error, InputError):
        return one_line(_with_option(str(error), settings)), 2
    if isinstance(error, DivergedError):
        return one_line(str(error)), 1
    error = system_error(error) or error
    if isinstance(error, OSError) and error.errno is not None:
        # What HDF5 says of a full disk is long, and names times and addresses.
        reason = os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
        return one_line(f"{reason}: {error.filename}" if error.filename else reason), 1
    return None


def one_line(message: str) -> str:
    """A message without line breaks."""
    return " ".join(message.split())


def _with_option(message: str, settings: Collection[str]) -> str:
    """The message with `--batch-size` instead of `batch_size` as its first word."""
    first = re.match(r"\w+", message)
    if first is None or first[0] not in settings:
        return message
    return f"--{first[0].replace('_', '-')}{message[first.end() :]}"
