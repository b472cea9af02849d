"""What fastai's pickles may ask for, and the inert classes that they get instead.

A pickle is a program: it may call whatever it can name. Here it can name nothing but these.
"""

import re
from typing import Any

import numpy as np

EXPORTED = (
    "{path} holds a whole pickled Learner (`learn.export()`): code, not data, and reading it "
    "would run whatever it contains. Load it where it was made and save its parts instead: "
    "`torch.save(learn.model.state_dict(), 'weights.pth')` and, for texts, "
    "`json.dump(list(learn.dls.vocab), open('vocabulary.json', 'w'))` (a classifier's "
    "vocabulary is two lists: `[list(v) for v in learn.dls.vocab]`)."
)
# In every pickled Learner, and in nothing else.
LEARNER = b"fastai.learner"


class Inert:
    """Stands in for a class: keeps its arguments and its state, and does nothing."""

    arguments: tuple[Any, ...] = ()
    state: Any = None

    def __init__(self, *arguments: Any):
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        """A `defaultdict` gets its items so; we need none of them."""


class Scalar(Inert):
    """Stands in for `numpy._core.multiarray.scalar(dtype, content)`."""

    def value(self) -> Any:
        """The whole number, truth value or text that it is; itself if it is something else."""
        dtype, content = self.arguments
        if not re.fullmatch(r"[biuU]\d+", dtype.arguments[0]):
            return self
        byte_order = dtype.state[1]
        return np.frombuffer(content, byte_order + dtype.arguments[0]).item()


STAND_INS: dict[str, type[Inert]] = {
    "fastcore.foundation.L": Inert,
    "fastai.data.transforms.CategoryMap": Inert,
    # `CategoryMap(add_na=True)` keeps a `defaultdict(int)`.
    "collections.defaultdict": Inert,
    "builtins.int": Inert,
    "__builtin__.long": Inert,  # the same, in old protocols
    # Labels from a data frame, and the learning rates of `fit_one_cycle`.
    "numpy.dtype": Inert,
    "numpy._core.multiarray.scalar": Scalar,
    "numpy.core.multiarray.scalar": Scalar,
}


def plain(value: Any) -> Any:
    """Lists, strings and numbers of what an unpickler made with stand-ins.

    A list that is in a pickle once stays one list, in however many lists it is: a pickle of a
    few bytes can nest lists so that copies of each would never end.

    Raises:
        ValueError: a list holds itself.
    """
    return _plain(value, {})


def _plain(value: Any, made: dict[int, Any]) -> Any:
    if isinstance(value, Scalar):
        return value.value()
    if isinstance(value, Inert):
        return _plain(value.state["items"], made) if isinstance(value.state, dict) else value
    if not isinstance(value, (list, tuple)):
        return value
    if id(value) not in made:
        made[id(value)] = None  # until it is done
        made[id(value)] = [_plain(item, made) for item in value]
    if made[id(value)] is None:
        raise ValueError("a list holds itself")
    return made[id(value)]
