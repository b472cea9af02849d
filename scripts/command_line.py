"""What the training scripts share in reading their command lines."""

import argparse
import math
from pathlib import Path


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message):
        """Ends the script with exit code 2."""
        self.exit(2, f"{self.prog}: {' '.join(message.split())}\n")


def positive(kind):
    """A reader of numbers above 0, for argparse."""

    def parse(text):
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} must be above 0 and finite")
        return value

    parse.__name__ = kind.__name__  # what argparse calls it in messages
    return parse


def path_or_amount(*, whole_numbers):
    """A reader of paths and of amounts, for argparse.

    Args:
        whole_numbers: whether an amount may be a whole number from 1 on, and not only a share
            between 0 and 1.
    """
    wanted = "a share between 0 and 1" + (", a whole number" if whole_numbers else "")

    def parse(text):
        try:
            value = float(text)
        except ValueError:
            return Path(text)
        if 0 < value < 1:
            return value
        if whole_numbers and math.isfinite(value) and value >= 1 and value == int(value):
            return int(value)
        raise argparse.ArgumentTypeError(f"{text} must be {wanted}, or a path")

    return parse
