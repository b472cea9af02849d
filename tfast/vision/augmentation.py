"""Random crops and flips of training images, a function of a seed alone.

An augmentation is a function `(encoded, image_size, *, antialias, seed)` from the content of an
image's file to pixels, float32 `(height, width, 3)` in [0, 255]; the same seed gives the same
pixels. Where images are to be resized otherwise than bilinearly it gets `interpolation` too.
"""

import dataclasses
import math

import tensorflow as tf

from tfast import arguments
from tfast.types import Tensor, TensorLike
from tfast.vision.decoding import JPEG_TRANSFORM, decode_image
from tfast.vision.preprocessing import resize_and_crop
from tfast.vision.resizing import Resizing

# How many crops are sampled before one is taken that fits into every image.
TRIES = 10


@dataclasses.dataclass(frozen=True)
class RandomResizedCrop:
    """Cuts out a part of random area and aspect ratio, resizes it, flips it or not.

    Of a JPEG only the part is decoded.

    Args:
        area: smallest and largest fraction of the image's area, in (0, 1].
        aspect_ratio: smallest and largest width / height; uniform on a log scale.
        flip_rate: probability of a horizontal flip.

    Raises:
        ValueError: a value is out of its range.

    Examples:
        >>> crop = RandomResizedCrop()
        >>> encoded = tf.io.encode_jpeg(tf.zeros((60, 80, 3), tf.uint8))
        >>> crop(encoded, (32, 32), antialias=True, seed=[0, 1]).shape
        TensorShape([32, 32, 3])

    Source: fastai `RandomResizedCrop` (and `Flip`).
    Differs: when no crop fits in ten tries, the largest possible is placed anywhere, not in
        the middle.
    """

    area: tuple[float, float] = (0.35, 1.0)
    aspect_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip_rate: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.area[0] <= self.area[1] <= 1:
            raise ValueError(
                f"area must be two fractions in (0, 1], smaller first, got {self.area!r}"
            )
        if not 0 < self.aspect_ratio[0] <= self.aspect_ratio[1]:
            raise ValueError(
                f"aspect_ratio must be two positive numbers, smaller first, got {self.aspect_ratio}"
            )
        arguments.fraction("flip_rate", self.flip_rate, one=True)

    def __call__(
        self,
        encoded: Tensor,
        image_size: tuple[int, int],
        *,
        antialias: bool,
        seed: TensorLike,
        interpolation: str = "bilinear",
    ) -> Tensor:
        """See the module's docstring."""
        box_seed, flip_seed = tf.unstack(tf.random.split(seed))

        def decode_part_of_jpeg() -> Tensor:
            box = self.sample_box(tf.io.extract_jpeg_shape(encoded)[:2], box_seed)
            return tf.io.decode_and_crop_jpeg(encoded, box, channels=3, dct_method=JPEG_TRANSFORM)

        def decode_and_crop() -> Tensor:
            pixels = decode_image(encoded)
            top, left, height, width = tf.unstack(self.sample_box(tf.shape(pixels)[:2], box_seed))
            return pixels[top : top + height, left : left + width]

        pixels = tf.cond(tf.io.is_jpeg(encoded), decode_part_of_jpeg, decode_and_crop)
        pixels = Resizing(interpolation, antialias).whole(pixels, image_size)
        return _flip(pixels, self.flip_rate, flip_seed)

    def sample_box(self, sides: TensorLike, seed: TensorLike) -> Tensor:
        """Samples the part to cut out.

        Args:
            sides: int32 `(2,)`, height and width of the image.
            seed: integers `(2,)`.

        Returns:
            int32 `(4,)`: top, left, height, width.
        """
        height, width = tf.unstack(tf.cast(sides, tf.float32))
        uniforms = tf.random.stateless_uniform([2 * TRIES + 2], seed)
        areas = height * width * _between(*self.area, uniforms[:TRIES])
        low, high = self.aspect_ratio
        ratios = tf.exp(_between(math.log(low), math.log(high), uniforms[TRIES:-2]))
        heights, widths = tf.sqrt(areas / ratios), tf.sqrt(areas * ratios)
        # The largest part of an allowed shape, which always fits, comes after the tries.
        largest = tf.floor([tf.minimum(height, width / low), tf.minimum(width, height * high)])
        boxes = tf.concat([tf.round(tf.stack([heights, widths], 1)), largest[None]], 0)
        boxes = tf.maximum(boxes, 1.0)  # (TRIES + 1, height and width)
        fits = tf.reduce_all(boxes <= [height, width], axis=1)
        box = boxes[tf.argmax(fits)]
        corner = tf.floor(uniforms[-2:] * ([height, width] - box + 1.0))
        return tf.cast(tf.concat([corner, box], 0), tf.int32)


@dataclasses.dataclass(frozen=True)
class PadAndCrop:
    """For tiny images: mirrors the border outwards, cuts out the size again, flips or not.

    An image of another size is first resized and cut in the middle.

    Args:
        padding: pixels added at each side, less than the image's own sides.
        flip_rate: probability of a horizontal flip.

    Raises:
        ValueError: a value is out of its range.

    Examples:
        >>> encoded = tf.io.encode_png(tf.zeros((32, 32, 3), tf.uint8))
        >>> PadAndCrop()(encoded, (32, 32), antialias=True, seed=[0, 1]).shape
        TensorShape([32, 32, 3])

    Source: fastai `RandomCrop` with `PadMode.Reflection`.
    """

    padding: int = 4
    flip_rate: float = 0.5

    def __post_init__(self) -> None:
        arguments.whole_number("padding", self.padding, minimum=0)
        arguments.fraction("flip_rate", self.flip_rate, one=True)

    def __call__(
        self,
        encoded: Tensor,
        image_size: tuple[int, int],
        *,
        antialias: bool,
        seed: TensorLike,
        interpolation: str = "bilinear",
    ) -> Tensor:
        """See the module's docstring."""
        if self.padding >= min(image_size):
            raise ValueError(
                f"padding must be less than the image's sides {image_size}, got {self.padding}"
            )
        crop_seed, flip_seed = tf.unstack(tf.random.split(seed))
        pixels = resize_and_crop(
            decode_image(encoded), image_size, antialias=antialias, interpolation=interpolation
        )
        borders = [[self.padding, self.padding], [self.padding, self.padding], [0, 0]]
        pixels = tf.pad(pixels, borders, "REFLECT")
        top, left = tf.unstack(
            tf.random.stateless_uniform([2], crop_seed, 0, 2 * self.padding + 1, tf.int32)
        )
        pixels = tf.image.crop_to_bounding_box(pixels, top, left, *image_size)
        return _flip(pixels, self.flip_rate, flip_seed)


def _between(low: float, high: float, uniforms: Tensor) -> Tensor:
    return low + (high - low) * uniforms


def _flip(pixels: Tensor, rate: float, seed: Tensor) -> Tensor:
    uniform = tf.random.stateless_uniform([], seed)
    return tf.cond(uniform < rate, lambda: tf.reverse(pixels, [1]), lambda: pixels)
