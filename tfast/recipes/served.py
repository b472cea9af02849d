"""`serving.json`: what a folder with a trained model says of it, so that it can be exported again.

Runs of `train-images` and `train-ulmfit` leave it, and `import-fastai` of a classifier.
"""

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfast.recipes.results import write_json
from tfast.types import PathLike

SERVED_FILE = "serving.json"
# Of images, for the ranges of int8; of texts, which are read one by one.
MOST_IMAGES, MOST_TEXTS = 200, 25
_KINDS = ("image", "text")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Served:
    """What is served of a folder.

    Args:
        kind: "image" or "text": what the model classifies.
        model: name of its `.keras` file there.
        class_names: a name for each class, in the model's order.
        image_size: height and width in pixels, of an image model.
        examples: texts that it was not trained on, or absolute paths of such images.

    Raises:
        ValueError: a value is of another kind.

    Examples:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> served = Served(kind="text", model="classifier.keras", class_names=("bad", "good"))
        >>> served.write(folder)
        >>> Served.read(folder) == served
        True
    """

    kind: str
    model: str
    class_names: Sequence[str]
    image_size: int | None = None
    examples: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("class_names", "examples"):
            values = getattr(self, name)
            if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
                raise ValueError(f"{name} must be texts, got {values!r:.80}")
        object.__setattr__(self, "class_names", tuple(self.class_names))
        object.__setattr__(self, "examples", tuple(self.examples))
        if self.kind not in _KINDS:
            raise ValueError(f"kind must be {' or '.join(_KINDS)}, got {self.kind!r}")
        if not isinstance(self.model, str) or Path(self.model).name != self.model:
            raise ValueError(f"model must be the name of a file, got {self.model!r}")
        if (self.kind == "image") != (type(self.image_size) is int):
            raise ValueError(f"image_size must be that of an image model, got {self.image_size!r}")

    @staticmethod
    def some(examples: Sequence[str], most: int) -> list[str]:
        """At most so many, of all classes where they are sorted by class.

        Examples:
            >>> Served.some(["bad", "bad", "good", "good"], 2)
            ['bad', 'good']
        """
        return list(examples[:: max(1, math.ceil(len(examples) / most))])

    def write(self, folder: PathLike) -> None:
        """Writes `serving.json`."""
        write_json(Path(folder) / SERVED_FILE, dataclasses.asdict(self))

    @classmethod
    def read(cls, folder: PathLike) -> "Served":
        """Reads what `write` wrote.

        Raises:
            ValueError: the folder has no `serving.json`, or one of other content.
        """
        file = Path(folder) / SERVED_FILE
        try:
            values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return cls(**values)
        except OSError as error:
            raise ValueError(
                f"{file} cannot be read ({error.strerror}): runs of train-images and train-ulmfit "
                "leave it, and classifiers of import-fastai"
            ) from None
        except (ValueError, TypeError) as error:
            raise ValueError(f"{file} is damaged: {error}") from None
