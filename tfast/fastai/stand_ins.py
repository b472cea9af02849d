"""What fastai's pickles may ask for, and the inert classes that they get instead.

A pickle is a program: it may call whatever it can name. Here it can name nothing but these.
"""

import re

import numpy as np

EXPORTED = (
    "{path} holds a whole pickled Learner (`learn.export()`): code, not data, and reading it "
    "would run whatever it contains. Load it where it was made and save its parts instead: "
    "`torch.save(learn.model.state_dict(), 'weights.pth')` and, for texts, "
    "`json.dump(list(learn.dls.vocab), open('vocabulary.json', 'w'))` (a classifier's "
    "vocabulary is two lists: `[list(v) for v in learn.dls.vocab]`)."
)
# Stands in every pickled Learner, and in nothing else.
LEARNER = b"fastai.learner"


class Inert:
    """Stands in for a class: keeps its arguments and its state, and does nothing."""

    arguments = ()
    state = None

    def __init__(self, *arguments):
        self.arguments = arguments

    def __setstate__(self, state):
        self.state = state

    def __setitem__(self, key, value):
        """A `defaultdict` gets its items so; we need none of them."""


class Scalar(Inert):
    """Stands in for `numpy._core.multiarray.scalar(dtype, content)`."""

    def value(self):
        """The whole number, truth value or text that it is; itself if it is something else."""
        dtype, content = self.arguments
        if not re.fullmatch(r"[biuU]\d+", dtype.arguments[0]):
            return self
        byte_order = dtype.state[1]
        return np.frombuffer(content, byte_order + dtype.arguments[0]).item()


STAND_INS = {
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


def plain(value):
    """Lists, strings and numbers of what an unpickler made with stand-ins."""
    if isinstance(value, Scalar):
        return value.value()
    if isinstance(value, Inert):
        return plain(value.state["items"]) if isinstance(value.state, dict) else value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
