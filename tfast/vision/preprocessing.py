"""From pixels to the numbers a model sees: one definition for validation and serving."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfast import arguments
from tfast.types import Tensor, TensorLike
from tfast.vision.decoding import decode_image as decode_image
from tfast.vision.decoding import describe_refusal as describe_refusal
from tfast.vision.resizing import Resizing

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STANDARD_DEVIATION = (0.229, 0.224, 0.225)


@dataclasses.dataclass(frozen=True)
class ImagePreprocessing:
    """How images become the numbers a model was trained on. Belongs with its weights.

    Called on pixels it does what validation and serving do: the image is resized until both
    sides cover `round(crop_ratio * side)` of the wanted size and one fits exactly, its centre
    is cut out, and each channel is normalised.

    Args:
        mean: of each channel, for pixels in [0, 1]; one number for all three.
        standard_deviation: likewise, above 0.
        crop_ratio: how much larger than wanted an image is made before its centre is cut
            out, 1 or more. At 1 an image of the wanted size keeps its pixels.
        antialias: whether shrinking averages all the pixels it covers, as Pillow and PyTorch
            do. Without it TensorFlow's result is far from theirs.
        interpolation: "bilinear", or "bicubic" as Pillow does it: within a level of 255.
        rounding: how the resized image's sides become whole, see `Resizing`: "nearest", or
            "torchvision", whose images can begin a pixel further on.

    Raises:
        ValueError: a value is out of its range.

    Examples:
        >>> prepare = ImagePreprocessing(mean=0.5, standard_deviation=0.25)
        >>> prepare(tf.zeros((40, 60, 3), tf.uint8), (32, 32))[0, 0].numpy().tolist()
        [-2.0, -2.0, -2.0]
        >>> ImagePreprocessing.from_dict(prepare.to_dict()) == prepare
        True

    Source: ImageNet's mean and standard deviation and the ratio 1.14 as in fastai.
    Differs: fastai resizes to a multiple of 8 above the ratio; here it is the ratio itself.
    """

    mean: float | Sequence[float] = IMAGENET_MEAN
    standard_deviation: float | Sequence[float] = IMAGENET_STANDARD_DEVIATION
    crop_ratio: float = 1.14
    antialias: bool = True
    interpolation: str = "bilinear"
    rounding: str = "nearest"

    def __post_init__(self) -> None:
        for name in ("mean", "standard_deviation"):
            value = np.asarray(getattr(self, name), float)
            if value.shape not in ((), (3,)) or not np.isfinite(value).all():
                raise ValueError(
                    f"{name} must be one finite number or three, got {getattr(self, name)!r}"
                )
            object.__setattr__(self, name, tuple(np.broadcast_to(value, 3).tolist()))
        if np.min(self.standard_deviation) <= 0:
            raise ValueError(f"standard_deviation must be above 0, got {self.standard_deviation!r}")
        if arguments.positive_number("crop_ratio", self.crop_ratio) < 1:
            raise ValueError(f"crop_ratio must be at least 1, got {self.crop_ratio!r}")
        _ = self.resizing  # refuses what it does not know

    @property
    def resizing(self) -> Resizing:
        """How new pixels are made of old ones."""
        return Resizing(self.interpolation, self.antialias, self.rounding)

    def __call__(self, pixels: TensorLike, image_size: int | Sequence[int]) -> Tensor:
        """Resizes, cuts out the centre and normalises.

        Args:
            pixels: `(height, width, 3)` or `(batch, height, width, 3)` of any numeric dtype,
                in [0, 255].
            image_size: height and width of the result, or one number for both.

        Returns:
            float32 tensor of the size asked for.
        """
        return self.normalize(self.resize(pixels, image_size))

    def resize(self, pixels: TensorLike, image_size: int | Sequence[int]) -> Tensor:
        """The same without normalising: float32 in [0, 255]."""
        return resize_and_crop(
            pixels,
            image_size,
            crop_ratio=self.crop_ratio,
            antialias=self.antialias,
            interpolation=self.interpolation,
            rounding=self.rounding,
        )

    def normalize(self, pixels: TensorLike) -> Tensor:
        """Pixels `(..., 3)` in [0, 255] to float32 with mean and standard deviation taken out."""
        pixels = tf.cast(pixels, tf.float32) / 255.0
        return (pixels - tf.constant(self.mean)) / tf.constant(self.standard_deviation)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ImagePreprocessing":
        """The value that `to_dict` described."""
        return cls(**values)


def resize_and_crop(
    pixels: TensorLike,
    image_size: int | Sequence[int],
    *,
    crop_ratio: float = 1.0,
    antialias: bool = True,
    interpolation: str = "bilinear",
    rounding: str = "nearest",
) -> Tensor:
    """Resizes as little as covers `crop_ratio` times the size, and cuts out the centre.

    Args:
        pixels: `(height, width, 3)` or `(batch, height, width, 3)`, any numeric dtype.
        image_size: height and width of the result, or one number for both.
        crop_ratio: 1 or more.
        antialias: as in `ImagePreprocessing`.
        interpolation: as in `ImagePreprocessing`; "bicubic" takes pixels in [0, 255].
        rounding: as in `ImagePreprocessing`.

    Returns:
        float32 tensor, values in the range of `pixels`.

    Raises:
        ValueError: an unknown interpolation or rounding.

    Examples:
        >>> resize_and_crop(tf.zeros((375, 500, 3)), (128, 128), crop_ratio=1.14).shape
        TensorShape([128, 128, 3])
    """
    image_size, pixels = height_and_width(image_size), tf.convert_to_tensor(pixels)
    resizing = Resizing(interpolation, antialias, rounding)
    if pixels.shape.rank == 3:
        return resizing.centre(pixels[None], image_size, crop_ratio)[0]
    return resizing.centre(pixels, image_size, crop_ratio)


def height_and_width(image_size: int | Sequence[int]) -> tuple[int, int]:
    """An image size as `(height, width)`, from one or two whole numbers.

    Args:
        image_size: an integer for a square, or `(height, width)`.

    Returns:
        Tuple of two ints.

    Raises:
        ValueError: `image_size` is neither.

    Examples:
        >>> height_and_width(128), height_and_width((96, 128))
        ((128, 128), (96, 128))
    """
    sides = image_size if isinstance(image_size, Sequence | np.ndarray) else (image_size,) * 2
    if len(sides) != 2:
        raise ValueError(f"image_size must be one whole number or two, got {image_size!r}")
    height, width = (arguments.whole_number("image_size", side) for side in sides)
    return height, width
