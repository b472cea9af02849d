"""A batch for each step: where a dataset ends, Keras warns and calls the epoch done."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

UNKNOWN = -2  # what `cardinality` of tf.data gives where only reading to the end would tell


def with_enough_batches(dataset: Any, first_step: int, last_step: int) -> Any:
    """The dataset, if it has a batch for each of the steps, as far as its length is known.

    One of tf.data that does not know its length raises an error where it ends too early: an
    execution of several steps would end with it, and count them all.

    Args:
        dataset: batches, beginning with that of `first_step`.
        first_step: counted from 0.
        last_step: the one after the last.

    Returns:
        A dataset of the same batches.

    Raises:
        ValueError: it has fewer.
    """
    needed, found = last_step - first_step, _length(dataset)
    if found is not None and 0 <= found < needed:
        raise too_few_batches(first_step + found, last_step)
    if found == UNKNOWN and hasattr(dataset, "take"):  # a distributed one has none
        import tensorflow as tf

        return dataset.take(needed).apply(tf.data.experimental.assert_cardinality(needed))
    return dataset


@contextlib.contextmanager
def early_end_named(first_step: int, last_step: int) -> Iterator[None]:
    """Turns the error of a dataset of `with_enough_batches` into one that says what to do.

    Raises:
        ValueError: the dataset ended.
    """
    try:
        yield
    except Exception as error:  # of TensorFlow, whatever the backend
        pattern = rf"contain {last_step - first_step} elements? but contained only (\d+) element"
        found = re.search(pattern, str(error))
        if not found:
            raise
        raise too_few_batches(first_step + int(found[1]), last_step) from error


def too_few_batches(found: int, needed: int) -> ValueError:
    """The error for batches that end after step `found` of `needed`.

    Examples:
        >>> too_few_batches(5, 30)
        ValueError('make_dataset must give 30 batches, counted from step 0, got 5: make it ...')
    """
    return ValueError(
        f"make_dataset must give {needed} batches, counted from step 0, got {found}: "
        "make it endless, as dataset.repeat().skip(first_step) is"
    )


def _length(dataset: Any) -> int | None:
    """Negative or None where it is unknown or endless."""
    # Of tf.data, where it is a method, save for distributed datasets; of Keras's `PyDataset`.
    length = getattr(dataset, "cardinality", getattr(dataset, "num_batches", None))
    length = length() if callable(length) else length
    return None if length is None else int(length)
