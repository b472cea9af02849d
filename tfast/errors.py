"""The two ways in which a run ends early that are no faults of tfast.

They need nothing but Python: `tfast predict` runs without TensorFlow.
"""


class InputError(ValueError):
    """Bad input, found before any work is lost."""


class DivergedError(RuntimeError):
    """The weights of a model are no longer finite."""
