"""tfast: fast.ai's "Part 2, lesson 12" recipes for Keras 3 on TensorFlow.

Data flows one way:

    images  folder -> vision.images -> vision.mixup -> vision.xresnet -> export
    text    strings -> text.TextTokenizer -> text.vocabulary -> text.lm_batches
                 -> text.LanguageModel -> text.ulmfit -> text.TextClassifier -> export
    both    training.* holds what a fit needs, whatever data flows through it

`tfast.recipes` holds the same two lines as complete, resumable runs; `tfast train-images` and
`tfast train-ulmfit` run them from the command line.

Everything is imported when it is first used, so `import tfast` is quick and needs neither
TensorFlow nor matplotlib.
"""

import importlib
from typing import Any

__version__ = "0.2.0"
_ROOMS = (
    *("cli", "data", "export", "fastai", "pretrained", "recipes", "runtime", "text", "training"),
    "vision",
)
__all__ = [*_ROOMS, "load_model"]


# By hand, where the rooms use lazy_loader: tfast.runtime has to run without it.
def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "load_model":
        return importlib.import_module(f"{__name__}.saving").load_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
