"""tfast: fast.ai's "Part 2, lesson 12" recipes for Keras 3 on TensorFlow.

The two ways through the house:

    images  folder -> vision.images -> vision.mixup -> vision.xresnet -> export
    text    strings -> text.tokenizer -> text.vocabulary -> text.lm_batches
                 -> text.language_model -> text.ulmfit -> text.classifier -> export
    both    training.* holds what a fit needs whatever flows through it

`scripts/train_images.py` and `scripts/train_ulmfit.py` are the same two lines as calls.

Modules are imported by their full names (`from tfast.vision import xresnet`) or reached
from here (`tfast.vision.xresnet`): nothing is imported before it is used, so
`import tfast` is quick and needs neither TensorFlow nor matplotlib.
"""

import importlib

__version__ = "0.1.0"
__all__ = ["export", "fastai", "text", "training", "vision"]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
