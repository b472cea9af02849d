"""From encoded bytes to the pixels a model sees: one definition for validation and serving."""

import dataclasses

import numpy as np
import tensorflow as tf

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STANDARD_DEVIATION = (0.229, 0.224, 0.225)

# TensorFlow's default is a faster transform that is off by 1.5 of 255 levels on average.
# This one gives the very pixels of Pillow, fastai and PyTorch.
JPEG_TRANSFORM = "INTEGER_ACCURATE"

# Parts of a BMP header as 16-bit words: a palette that only numbers the greys, and the one
# order of red, green and blue that TensorFlow knows.
_GREY_PALETTE = np.frombuffer(b"".join(bytes([i, i, i, 0]) for i in range(256)), "<u2").astype(
    "int32"
)
_COLOUR_MASKS = np.frombuffer(bytes.fromhex("0000ff00 00ff0000 ff000000"), "<u2").astype("int32")


@dataclasses.dataclass(frozen=True)
class ImagePreprocessing:
    """How pictures become the numbers a model was trained on. Belongs with its weights.

    Called on pixels it does what validation and serving do: the picture is resized until both
    sides cover `round(crop_ratio * side)` of the wanted size and one fits exactly, its centre
    is cut out, and each channel is normalised.

    Args:
        mean: of each channel, for pixels in [0, 1]; one number stands for all three.
        standard_deviation: likewise, above 0.
        crop_ratio: how much larger than wanted a picture is made before its centre is cut
            out, 1 or more. At 1 a picture of the wanted size keeps its very pixels.
        antialias: whether shrinking averages all the pixels it covers, as Pillow and PyTorch
            do. Without it TensorFlow's result is far from theirs.

    Raises:
        ValueError: a value is out of its range.

    Example:
        >>> prepare = ImagePreprocessing(mean=0.5, standard_deviation=0.25)
        >>> prepare(tf.zeros((40, 60, 3), tf.uint8), (32, 32))[0, 0].numpy().tolist()
        [-2.0, -2.0, -2.0]
        >>> ImagePreprocessing.from_dict(prepare.to_dict()) == prepare
        True

    Source: ImageNet's mean and deviation and the ratio 1.14 as in fastai.
    Differs: fastai resizes to a multiple of 8 above the ratio; here it is the ratio itself.
    """

    mean: tuple = IMAGENET_MEAN
    standard_deviation: tuple = IMAGENET_STANDARD_DEVIATION
    crop_ratio: float = 1.14
    antialias: bool = True

    def __post_init__(self):
        for name in ("mean", "standard_deviation"):
            value = np.asarray(getattr(self, name), float)
            if value.shape not in ((), (3,)):
                raise ValueError(f"{name} is {getattr(self, name)}; expected one number or three")
            object.__setattr__(self, name, tuple(np.broadcast_to(value, 3).tolist()))
        if min(self.standard_deviation) <= 0:
            raise ValueError(f"standard_deviation is {self.standard_deviation}; expected above 0")
        if self.crop_ratio < 1:
            raise ValueError(f"crop_ratio is {self.crop_ratio}; expected 1 or more")

    def __call__(self, pixels, image_size):
        """Resizes, cuts out the centre and normalises.

        Args:
            pixels: `(height, width, 3)` or `(batch, height, width, 3)` of any numeric dtype,
                in [0, 255].
            image_size: `(height, width)` of the result.

        Returns:
            float32 tensor of the size asked for.
        """
        pixels = resize_and_crop(
            pixels, image_size, crop_ratio=self.crop_ratio, antialias=self.antialias
        )
        return self.normalize(pixels)

    def normalize(self, pixels):
        """Pixels `(..., 3)` in [0, 255] to float32 with mean and deviation taken out."""
        pixels = tf.cast(pixels, tf.float32) / 255.0
        return (pixels - tf.constant(self.mean)) / tf.constant(self.standard_deviation)

    def to_dict(self):
        """Plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values):
        """The value that `to_dict` described."""
        return cls(**values)


def resize_and_crop(pixels, image_size, *, crop_ratio=1.0, antialias=True):
    """Resizes as little as covers `crop_ratio` times the size, and cuts out the centre.

    Args:
        pixels: `(height, width, 3)` or `(batch, height, width, 3)`, any numeric dtype.
        image_size: `(height, width)` of the result.
        crop_ratio: 1 or more.
        antialias: as in `ImagePreprocessing`.

    Returns:
        float32 tensor, values in the range of `pixels`.

    Example:
        >>> resize_and_crop(tf.zeros((375, 500, 3)), (128, 128), crop_ratio=1.14).shape
        TensorShape([128, 128, 3])
    """
    pixels = tf.convert_to_tensor(pixels)
    if pixels.shape.rank == 3:
        return _resized_centre(pixels[None], image_size, crop_ratio, antialias)[0]
    return _resized_centre(pixels, image_size, crop_ratio, antialias)


def _resized_centre(images, image_size, crop_ratio, antialias):
    """What resizing `images` whole and cutting out the centre would give.

    Resized whole, a long thin image takes gigabytes: 30,000 x 4 becomes 1,912,500 x 255. So only
    the part that can be seen is resized, straight to the wanted size.
    """
    wanted = np.array(image_size)
    enlarged = [round(crop_ratio * side) for side in image_size]
    sides = tf.cast(tf.shape(images)[1:3], tf.float32)
    # Rounding must not make a side smaller than the cut.
    resized = tf.cast(tf.round(sides * tf.reduce_max(enlarged / sides)), tf.int32)
    resized = tf.maximum(resized, enlarged)
    corner = (resized - wanted) // 2
    scale = tf.cast(resized, tf.float32) / sides

    # Positions in the image, in float64: thousands of pixels with fractions.
    step = 1 / tf.cast(scale, tf.float64)
    reach = tf.maximum(step, 1.0) if antialias else tf.ones_like(step)
    first, last = (tf.cast(at, tf.float64) * step for at in (corner, corner + wanted))
    begin = tf.cast(tf.maximum(tf.floor(first - reach) - 1, 0), tf.int32)
    end = tf.minimum(tf.cast(tf.math.ceil(last + reach), tf.int32) + 1, tf.shape(images)[1:3])
    offset = tf.cast(corner, tf.float64) - tf.cast(begin, tf.float64) / step
    # What tf.image.resize calls where it has antialiasing. Without, it calls ResizeBilinear,
    # which knows no offset and gives the same pixels.
    resized_part = tf.raw_ops.ScaleAndTranslate(
        images=images[:, begin[0] : end[0], begin[1] : end[1]],
        size=image_size,
        scale=scale,
        translation=-tf.cast(offset, tf.float32),
        kernel_type="triangle",
        antialias=antialias,
    )
    return tf.ensure_shape(resized_part, (None, *image_size, images.shape[-1]))


def decode_image(encoded):
    """Decodes JPEG, PNG, GIF (the first frame) or BMP; grey, CMYK and transparent ones too.

    The transparency of a picture is dropped, and a camera's note on how to turn it is not
    followed, as in fastai.

    Args:
        encoded: string tensor of shape `()`, the content of a file.

    Returns:
        uint8 `(height, width, 3)`.

    Raises:
        tf.errors.InvalidArgumentError: `encoded` is broken, or of a kind that
            `describe_refusal` names.

    Example:
        >>> decode_image(tf.io.encode_png(tf.zeros((4, 5, 1), tf.uint8))).shape
        TensorShape([4, 5, 3])
    """
    refusal = describe_refusal(encoded)
    known = tf.debugging.Assert(refusal == "", ["image_bytes cannot be read:", refusal])
    # First: else the decoder's own words may come before these.
    with tf.control_dependencies([known]):
        encoded = tf.identity(encoded)
    pixels = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method=JPEG_TRANSFORM),
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    return tf.ensure_shape(pixels, (None, None, 3))


def describe_refusal(encoded):
    """Names the kind of an encoded picture if it is one TensorFlow does not read rightly.

    Args:
        encoded: string tensor of shape `()`, the content of a file.

    Returns:
        String tensor of shape `()`: why it is refused, or "" for a kind that is read rightly
        (the picture may still be broken).

    Example:
        >>> describe_refusal(b"RIFF....WEBPVP8").numpy().decode()
        'not a JPEG, PNG, GIF or BMP file'
    """
    known = tf.strings.substr(encoded, 0, 3) == [b"\xff\xd8\xff", b"\x89PN", b"GIF"]
    return tf.cond(
        tf.strings.substr(encoded, 0, 2) == "BM",
        lambda: _describe_bmp_refusal(encoded),
        lambda: tf.where(tf.reduce_any(known), "", "not a JPEG, PNG, GIF or BMP file"),
    )


def _describe_bmp_refusal(encoded):
    # In 16-bit words up to the end of a palette, with zeros behind a shorter file.
    header = tf.cast(tf.io.decode_raw(encoded, tf.uint16, fixed_length=54 + 1024), tf.int32)
    header_size, bits, compression = header[7], header[14], header[15]
    masks, palette = header[27:33], header[27:]
    plain = compression == 0
    ordered = (compression == 3) & tf.reduce_all(masks == _COLOUR_MASKS)
    grey = plain & (header_size == 40) & tf.reduce_all(palette == _GREY_PALETTE)
    right = (header_size >= 40) & (
        ((bits == 24) & plain) | ((bits == 32) & (plain | ordered)) | ((bits == 8) & grey)
    )
    kind = tf.where(bits <= 8, "-bit BMP with a palette", "-bit BMP of an unusual layout")
    return tf.where(right, "", tf.strings.join([tf.strings.as_string(bits), kind]))
