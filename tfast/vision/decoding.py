"""From the bytes of an image file to pixels, the same as Pillow's; what is not is refused."""

import numpy as np
import tensorflow as tf

from tfast.types import Tensor
from tfast.vision.gif_files import decode_first_frame, gif_sides

# TensorFlow's default is a faster transform that is off by 1.5 of 255 levels on average.
# This one gives the very pixels of Pillow, fastai and PyTorch.
JPEG_TRANSFORM = "INTEGER_ACCURATE"
# A file of a few kilobytes can hold gigabytes of one colour. The limit is that of Pillow's
# DecompressionBombError.
MOST_PIXELS = 178_956_970

# Parts of a BMP header as 16-bit words: a palette that only numbers the greys, and the one
# order of red, green and blue that TensorFlow knows.
_GREY_PALETTE = np.frombuffer(b"".join(bytes([i, i, i, 0]) for i in range(256)), "<u2").astype(
    "int32"
)
_COLOUR_MASKS = np.frombuffer(bytes.fromhex("0000ff00 00ff0000 ff000000"), "<u2").astype("int32")


def decode_image(encoded: Tensor) -> Tensor:
    """Decodes JPEG, PNG, GIF (the first frame) or BMP; grey, CMYK and transparent ones too.

    The transparency of an image is dropped, and its EXIF orientation is ignored, as in fastai.

    Args:
        encoded: string tensor of shape `()`, the content of a file.

    Returns:
        uint8 `(height, width, 3)`.

    Raises:
        tf.errors.InvalidArgumentError: `encoded` is broken, or of a kind that
            `describe_refusal` names.

    Examples:
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
        lambda: tf.cond(
            _begins_with(encoded, b"GIF"),
            lambda: decode_first_frame(encoded),
            lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
        ),
    )
    return tf.ensure_shape(pixels, (None, None, 3))


def describe_refusal(encoded: Tensor) -> Tensor:
    """Names what is wrong with an encoded image that is not decoded, by its first bytes.

    That is another kind of file, a kind that TensorFlow does not read rightly (palette and 1-bit
    BMP), or more than MOST_PIXELS pixels.

    Args:
        encoded: string tensor of shape `()`, the content of a file.

    Returns:
        String tensor of shape `()`: why it is refused, or "" for a kind that is read rightly
        (the image may still be broken).

    Raises:
        tf.errors.InvalidArgumentError: the header of a JPEG is broken.

    Examples:
        >>> describe_refusal(b"RIFF....WEBPVP8").numpy().decode()
        'not a JPEG, PNG, GIF or BMP file'
    """
    encoded = tf.convert_to_tensor(encoded)
    return tf.case(
        [
            (_begins_with(encoded, b"BM"), lambda: _describe_bmp_refusal(encoded)),
            (
                _begins_with(encoded, b"\xff\xd8\xff"),
                lambda: _too_large(tf.io.extract_jpeg_shape(encoded)[:2]),
            ),
            (_begins_with(encoded, b"\x89PN"), lambda: _too_large(_png_sides(encoded))),
            (_begins_with(encoded, b"GIF"), lambda: _too_large(gif_sides(encoded))),
        ],
        default=lambda: tf.constant("not a JPEG, PNG, GIF or BMP file"),
    )


def _begins_with(encoded: Tensor, start: bytes) -> Tensor:
    return tf.strings.substr(encoded, 0, len(start)) == start


def _too_large(sides: Tensor) -> Tensor:
    num_pixels = tf.reduce_prod(tf.cast(sides, tf.int64))
    size = tf.strings.reduce_join(tf.strings.as_string(sides[::-1]), separator=" x ")
    reason = tf.strings.join(["an image of ", size, f" pixels; the most are {MOST_PIXELS:,}"])
    return tf.where(num_pixels > MOST_PIXELS, reason, "")


def _png_sides(encoded: Tensor) -> Tensor:
    header = tf.io.decode_raw(encoded, tf.uint8, fixed_length=24)
    sides = tf.cast(tf.reshape(header[16:], (2, 4)), tf.int64)  # width and height, 4 bytes each
    return tf.linalg.matvec(sides, tf.constant([2**24, 2**16, 2**8, 1], tf.int64))[::-1]


def _describe_bmp_refusal(encoded: Tensor) -> Tensor:
    # In 16-bit words up to the end of a palette, with zeros after a shorter file.
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
