"""The images that a portable export measures ranges on, compares on, and keeps in its folder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfast.export.portable.folder import NUM_EXAMPLES
from tfast.types import PathLike
from tfast.vision.decoding import decode_image
from tfast.vision.image_files import reason_against
from tfast.vision.preprocessing import ImagePreprocessing, resize_and_crop

# Of the given images each fifth is compared on, the others say what ranges there are.
_EACH_COMPARED = 5
_LARGEST_KEPT = 2**16  # bytes


class ImageExamples:
    """Images such as a model will get, each for its purpose.

    Args:
        examples: paths of image files, their contents, or uint8 arrays `(height, width, 3)`; None
            for none.
        preprocessing: what validation does with images.
        image_size: height and width of the model's images.
        is_measured: whether ranges are measured on some of the examples.

    Attributes:
        measured: pixels to measure ranges on, uint8 `(number, height, width, 3)`; none unless
            `is_measured`.
        compared: pixels to compare answers on, and never those that ranges were measured on.
        kept: five image files for the folder.
        kept_pixels: what validation makes of these, float32 in [0, 255].

    Raises:
        ValueError: `examples` are of another kind, or too few to measure ranges on.
    """

    def __init__(
        self,
        examples: Sequence[PathLike | bytes | np.ndarray] | None,
        preprocessing: ImagePreprocessing,
        image_size: tuple[int, int],
        *,
        is_measured: bool,
    ) -> None:
        if isinstance(examples, str | bytes | Path):
            raise ValueError(f"examples must be a list of images, got {str(examples)[:40]!r}")
        given = [] if examples is None else list(examples)
        if is_measured and len(given) < 2:
            number = "None" if examples is None else len(given)
            raise ValueError(
                "examples must be two images or more to measure the ranges of int8 on, "
                f"got {number}"
            )
        contents = [_content(i, example) for i, example in enumerate(given)]
        for i, content in enumerate(contents):
            if reason := reason_against(content):
                raise ValueError(f"examples[{i}] must be a readable image, got {reason}")
        contents += _noise(len(contents), image_size)

        def prepare(some: Sequence[bytes]) -> np.ndarray:
            return np.stack([_prepare(one, preprocessing, image_size) for one in some])

        pixels = np.rint(prepare(contents)).astype("uint8")
        self.measured, self.compared = pixels[:0], pixels
        if is_measured:
            pixels = pixels[: len(given)]  # not the noise
            is_compared = np.arange(len(pixels)) % _EACH_COMPARED == 0
            self.measured, self.compared = pixels[~is_compared], pixels[is_compared]
        indices = np.linspace(0, len(contents) - 1, NUM_EXAMPLES).round().astype(int)
        self.kept = [_small(contents[index], image_size) for index in indices]
        self.kept_pixels = prepare(self.kept)


def _noise(num_given: int, image_size: tuple[int, int]) -> list[bytes]:
    """Colourful images, as many as are missing to `NUM_EXAMPLES`."""
    source, contents = np.random.RandomState(0), []
    for i in range(num_given, NUM_EXAMPLES):
        # Darker and brighter ones, of other sides than wanted.
        coarse = source.randint(0, 256, (3 + i, 5, 3)) * (i + 1) // NUM_EXAMPLES
        sides = [round(side * (1.1 + 0.2 * i)) for side in image_size]
        noise = tf.image.resize(coarse, sides, "bicubic") + source.normal(0, 9, (*sides, 3))
        contents.append(_png(np.clip(noise, 0, 255).astype("uint8")))
    return contents


def _content(index: int, example: PathLike | bytes | np.ndarray) -> bytes:
    if isinstance(example, bytes):
        content = example
    elif isinstance(example, np.ndarray):
        if example.dtype != np.uint8 or example.ndim != 3 or example.shape[-1] != 3:
            raise ValueError(
                f"examples[{index}] must be uint8 (height, width, 3), got {example.dtype} "
                f"{example.shape}"
            )
        content = _png(example)
    else:
        content = Path(example).read_bytes()
    return content


def _prepare(
    content: bytes, preprocessing: ImagePreprocessing, image_size: tuple[int, int]
) -> np.ndarray:
    """The pixels that validation sees, before they are normalised."""
    return preprocessing.resize(decode_image(tf.constant(content)), image_size).numpy()


def _small(content: bytes, image_size: tuple[int, int]) -> bytes:
    """The image, or where its file is large another one of it."""
    if len(content) <= _LARGEST_KEPT:
        return content
    sides = [2 * side for side in image_size]
    pixels = resize_and_crop(decode_image(tf.constant(content)), sides).numpy()
    return tf.io.encode_jpeg(np.rint(pixels).astype("uint8"), quality=90).numpy()


def _png(pixels: np.ndarray) -> bytes:
    return tf.io.encode_png(pixels).numpy()
