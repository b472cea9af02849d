"""Two parts of labelled examples at random, class by class."""

import numbers
import random
import warnings
from collections.abc import Sequence

from tfast import arguments


def split_by_class(
    labels: Sequence[str], amount: float, *, seed: int
) -> tuple[list[int], list[int]]:
    """Splits examples in two, for validation or test and for training, class by class.

    Both parts have examples of each class; a class of a single example has it in the second part,
    with a warning. What of a class goes to which part depends on `seed`, the class's name and the
    number of its examples alone.

    Args:
        labels: the class name of each example.
        amount: size of the first part: a fraction in (0, 1), taken of each class and rounded; or
            a whole number of examples, spread over the classes by their sizes.
        seed: an integer.

    Returns:
        The indices of the first and of the second part, each ascending.

    Raises:
        ValueError: `amount` is neither; no class has two examples; or a whole number leaves a class
            of two or more without an example in one of the parts.

    Examples:
        >>> split_by_class(["cat", "cat", "cat", "cat", "dog", "dog"], 0.25, seed=1)
        ([2, 5], [0, 1, 3, 4])
    """
    members: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        members.setdefault(label, []).append(index)
    single = sorted(name for name, indices in members.items() if len(indices) == 1)
    if len(single) == len(members):
        raise ValueError(
            f"labels must have a class of 2 or more examples, got {len(labels)} labels"
        )
    if single:
        names = ", ".join(map(repr, single[:5])) + (", ..." if len(single) > 5 else "")
        warnings.warn(f"for training alone, as there is only one: {names}", stacklevel=3)
    sizes = _sizes({name: len(indices) for name, indices in members.items()}, amount)
    first: list[int] = []
    for name, indices in members.items():
        random.Random(f"{seed} {name}").shuffle(indices)
        first += indices[: sizes[name]]
    return sorted(first), sorted(set(range(len(labels))) - set(first))


def _sizes(counts: dict[str, int], amount: float) -> dict[str, int]:
    """How many examples of each class go to the first part: all but one at most."""
    if not isinstance(amount, numbers.Integral):
        part = arguments.fraction("amount", amount, zero=False)
        return {name: min(max(1, round(part * n)), n - 1) for name, n in counts.items()}
    wanted = arguments.whole_number("amount", amount)
    total, splittable = sum(counts.values()), sum(n > 1 for n in counts.values())
    if not splittable <= wanted <= total - len(counts):
        raise ValueError(
            f"amount must leave each of {splittable} classes an example in both parts, from "
            f"{splittable} to {total - len(counts)} of {total}, got {wanted}"
        )
    exact = {name: wanted * n / total for name, n in counts.items()}
    sizes = {name: min(max(1, int(exact[name])), n - 1) for name, n in counts.items()}
    # One by one to or from the class that is furthest from its exact size.
    while (missing := wanted - sum(sizes.values())) != 0:
        step = 1 if missing > 0 else -1
        free = [name for name, n in counts.items() if 1 <= sizes[name] + step <= n - 1]
        sizes[max(free, key=lambda name: step * (exact[name] - sizes[name]))] += step
    return sizes
