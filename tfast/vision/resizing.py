"""Resizing images, and cutting out the centre of what that would give."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfast import arguments
from tfast.types import Tensor

# Of each interpolation: TensorFlow's name of its kernel, and how many pixels that reaches.
_KERNELS = {"bilinear": ("triangle", 1.0), "bicubic": ("keyscubic", 2.0)}
INTERPOLATIONS = tuple(_KERNELS)
ROUNDINGS = ("nearest", "torchvision")


@dataclasses.dataclass(frozen=True)
class Resizing:
    """How new pixels are made of old ones.

    Args:
        interpolation: "bilinear", or "bicubic" as Pillow does it (a = -0.5): across, then down,
            with integer pixel values in [0, 255] after each.
        antialias: whether shrinking averages all the pixels that a new one covers.
        rounding: how sizes become whole: "nearest" rounds the longer side to the nearest and the
            cut's corner down; "torchvision" rounds the longer side down and the corner to the
            nearest, halves to the even number.

    Raises:
        ValueError: an unknown value.

    Source: TensorFlow's `ScaleAndTranslate`; Pillow's `Image.resize`; torchvision's `Resize` and
        `CenterCrop`.
    """

    interpolation: str = "bilinear"
    antialias: bool = True
    rounding: str = "nearest"

    def __post_init__(self) -> None:
        arguments.one_of("interpolation", self.interpolation, INTERPOLATIONS)
        arguments.one_of("rounding", self.rounding, ROUNDINGS)

    def whole(self, images: Tensor, image_size: tuple[int, int]) -> Tensor:
        """All of each image, its sides stretched as they must be.

        Args:
            images: `(height, width, 3)` or `(batch, height, width, 3)`, any numeric dtype.
            image_size: height and width.

        Returns:
            float32.
        """
        if self.interpolation == "bilinear":
            return tf.image.resize(images, image_size, antialias=self.antialias)
        batch = images if images.shape.rank == 4 else images[None]
        sides = tf.cast(tf.shape(batch)[1:3], tf.float32)
        scale = tf.cast(image_size, tf.float32) / sides
        resized = self._scale_and_translate(batch, image_size, scale, tf.zeros(2))
        return resized if images.shape.rank == 4 else resized[0]

    def centre(self, images: Tensor, image_size: tuple[int, int], crop_ratio: float) -> Tensor:
        """What resizing whole images and cutting out the centre would give.

        Resized whole, a long thin image takes gigabytes: 30,000 x 4 becomes 1,912,500 x 255. So
        only the part that can be seen is resized, straight to the wanted size.

        Args:
            images: `(batch, height, width, 3)`.
            image_size: height and width.
            crop_ratio: see `ImagePreprocessing`.

        Returns:
            float32 `(batch, *image_size, 3)`.
        """
        wanted = np.array(image_size)
        sides = tf.cast(tf.shape(images)[1:3], tf.float32)
        resized, corner = self._sizes(sides, wanted, crop_ratio)
        scale = tf.cast(resized, tf.float32) / sides

        # Positions in the image, in float64: thousands of pixels with fractions.
        step = 1 / tf.cast(scale, tf.float64)
        reach = tf.maximum(step, 1.0) if self.antialias else tf.ones_like(step)
        reach *= _KERNELS[self.interpolation][1]
        first, last = (tf.cast(at, tf.float64) * step for at in (corner, corner + wanted))
        begin = tf.cast(tf.maximum(tf.floor(first - reach) - 1, 0), tf.int32)
        end = tf.minimum(tf.cast(tf.math.ceil(last + reach), tf.int32) + 1, tf.shape(images)[1:3])
        offset = tf.cast(corner, tf.float64) - tf.cast(begin, tf.float64) / step
        part = images[:, begin[0] : end[0], begin[1] : end[1]]
        resized_part = self._scale_and_translate(
            part, image_size, scale, -tf.cast(offset, tf.float32)
        )
        return tf.ensure_shape(resized_part, (None, *image_size, images.shape[-1]))

    def _sizes(self, sides: Tensor, wanted: np.ndarray, crop_ratio: float) -> tuple[Tensor, Tensor]:
        """Height and width of the resized image, and where the cut begins, as int32."""
        enlarged = [round(crop_ratio * side) for side in wanted]
        if self.rounding == "nearest":
            resized = tf.round(sides * tf.reduce_max(enlarged / sides))
        else:
            # The quotient of two whole numbers in float64, cut off.
            sides, whole = tf.cast(sides, tf.float64), tf.constant(enlarged, tf.float64)
            fitting = tf.argmax(whole / sides)
            resized = tf.floor(sides * whole[fitting] / sides[fitting])
        # Rounding must not make a side smaller than the cut.
        resized = tf.maximum(tf.cast(resized, tf.int32), enlarged)
        margin = resized - wanted
        if self.rounding == "nearest":
            return resized, margin // 2
        return resized, tf.cast(tf.round(tf.cast(margin, tf.float64) / 2), tf.int32)

    def _scale_and_translate(
        self, images: Tensor, image_size: tuple[int, int], scale: Tensor, translation: Tensor
    ) -> Tensor:
        # What tf.image.resize calls where it has antialiasing. Without, it calls ResizeBilinear,
        # which knows no offset and gives the same pixels.
        def apply(
            images: Tensor, size: Tensor | tuple[int, int], scale: Tensor, translation: Tensor
        ) -> Tensor:
            return tf.raw_ops.ScaleAndTranslate(
                images=images,
                size=size,
                scale=scale,
                translation=translation,
                kernel_type=_KERNELS[self.interpolation][0],
                antialias=self.antialias,
            )

        if self.interpolation == "bilinear":
            return apply(images, image_size, scale, translation)
        # Integer pixel values in between: models that learned from Pillow's images saw those.
        size = tf.stack([tf.shape(images)[1], image_size[1]])
        across = tf.stack([1.0, scale[1]]), tf.stack([0.0, translation[1]])
        images = _integer_values(apply(images, size, *across))
        down = tf.stack([scale[0], 1.0]), tf.stack([translation[0], 0.0])
        return _integer_values(apply(images, image_size, *down))


def _integer_values(images: Tensor) -> Tensor:
    return tf.round(tf.clip_by_value(images, 0.0, 255.0))
