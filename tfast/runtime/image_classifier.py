"""Image files in, probabilities out."""

import base64
import binascii
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tfast.runtime.classifier import BATCH_SIZE, Answers, Classifier
from tfast.runtime.errors import FolderError, ImageError
from tfast.runtime.folder import PortableFolder
from tfast.runtime.images import INTERPOLATIONS, ROUNDINGS, decode_image, resize_and_crop
from tfast.types import PathLike

# Of what a model takes: a folder that asks for more asks for all memory.
_LONGEST_SIDE = 10_000


class ImageClassifier(Classifier[PathLike | bytes]):
    """A classifier of images."""

    def __init__(
        self, folder: PortableFolder, *, num_threads: int, most_pixels: int | None
    ) -> None:
        settings = folder.settings("image", {"image_size": list, "preprocessing": dict})
        try:
            height, width = map(int, settings["image_size"])
            self._resizing = _resizing(settings["preprocessing"])
        except (KeyError, TypeError, ValueError) as error:
            raise FolderError(
                f"{folder.directory} is damaged: image is incomplete ({error})"
            ) from error
        sides = range(1, _LONGEST_SIDE + 1)
        crop_ratio = self._resizing["crop_ratio"]
        if not (1 <= crop_ratio <= 100 and height in sides and width in sides):
            raise FolderError(f"{folder.directory} is damaged: image has sizes that no model has")
        super().__init__(folder, num_threads=num_threads)
        self._image_size = (height, width)
        self._most_pixels = most_pixels

    def classify(self, inputs: Iterable[PathLike | bytes]) -> Answers:
        """Classifies images.

        Args:
            inputs: paths of JPEG, PNG, GIF or BMP files, or their contents as bytes.

        Returns:
            `Answers`.

        Raises:
            ImageError: one is broken or refused; the message says which.
            OSError: a file cannot be read.
            ValueError: `inputs` is a single image.
        """
        if isinstance(inputs, (str, bytes, Path)):
            raise ValueError(f"inputs must be a list of paths or bytes, got {str(inputs)[:40]!r}")
        inputs = list(inputs)
        probabilities = self._no_probabilities(len(inputs))
        for begin in range(0, len(inputs), BATCH_SIZE):
            some = range(begin, min(begin + BATCH_SIZE, len(inputs)))
            pixels = np.stack([self._pixels(i, inputs[i]) for i in some])
            probabilities[some] = self._run({"pixels": pixels})
        return self._answers(probabilities)

    def _example(self, example: dict[str, Any]) -> bytes:
        try:
            return base64.b64decode(example["image"], validate=True)
        except binascii.Error as error:
            directory = self.folder.directory
            raise FolderError(f"{directory} is damaged: an example is no Base64") from error

    def _pixels(self, index: int, image: PathLike | bytes) -> np.ndarray:
        if isinstance(image, (str, os.PathLike)):
            content, name = Path(image).read_bytes(), f" ({os.fspath(image)})"
        else:
            content, name = bytes(image), ""
        try:
            decoded = decode_image(content, most_pixels=self._most_pixels)
        except ImageError as error:
            raise ImageError(
                f"inputs[{index}]{name} must be a readable image, got {error}"
            ) from error
        return resize_and_crop(decoded, self._image_size, **self._resizing)


def _resizing(preprocessing: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `resize_and_crop`; folders of format 1 know two of them."""
    interpolation = preprocessing.get("interpolation", "bilinear")
    rounding = preprocessing.get("rounding", "nearest")
    if interpolation not in INTERPOLATIONS or rounding not in ROUNDINGS:
        raise ValueError("an unknown way to resize")
    return {
        "crop_ratio": float(preprocessing["crop_ratio"]),
        "antialias": bool(preprocessing["antialias"]),
        "interpolation": interpolation,
        "rounding": rounding,
    }
