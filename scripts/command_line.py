"""What the training scripts share in reading their command lines."""

import argparse
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
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} must be above 0")
        return value

    parse.__name__ = kind.__name__  # what argparse calls it in messages
    return parse


def path_or_amount(text):
    """For argparse: a share between 0 and 1, a whole number from 1 on, or else a path."""
    try:
        value = float(text)
    except ValueError:
        return Path(text)
    if value <= 0 or (value >= 1 and value != int(value)):
        raise argparse.ArgumentTypeError(
            f"{text} must be a share between 0 and 1, a whole number, or a path"
        )
    return value if value < 1 else int(value)
