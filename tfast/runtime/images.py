"""From the bytes of an image file to the pixels a portable model takes: those of the SavedModel.

Pillow decodes and resizes; files that the SavedModel refuses are refused.
"""

import io
import struct

import numpy as np
from PIL import Image

from tfast.runtime.errors import ImageError

# A file of a few kilobytes can hold gigabytes of one colour. As in Pillow's DecompressionBombError.
MOST_PIXELS = 178_956_970

_KINDS = ("JPEG", "PNG", "GIF", "BMP")
_STARTS = (b"\xff\xd8\xff", b"\x89PN", b"GIF", b"BM")
_GREY_PALETTE = b"".join(bytes([i, i, i, 0]) for i in range(256))
_COLOUR_MASKS = bytes.fromhex("0000ff00 00ff0000 ff000000")


def decode_image(content: bytes, *, most_pixels: int | None = None) -> Image.Image:
    """Decodes JPEG, PNG, GIF (the first frame) or BMP.

    The transparency of an image is dropped, and a camera's note on how to turn it is not followed.

    Args:
        content: of a file.
        most_pixels: an image of more is refused before it is decoded; None: MOST_PIXELS, which
            are the most in any case.

    Returns:
        An image in red, green and blue.

    Raises:
        ImageError: broken, too large, or of another kind.

    Examples:
        >>> file = io.BytesIO()
        >>> Image.new("L", (5, 4)).save(file, "PNG")
        >>> decode_image(file.getvalue()).size
        (5, 4)
    """
    most_pixels = min(most_pixels or MOST_PIXELS, MOST_PIXELS)
    refusal = _refusal_by_start(content)
    if refusal:
        raise ImageError(refusal)
    try:
        with Image.open(io.BytesIO(content), formats=_KINDS) as image:
            width, height = image.size
            if width * height > most_pixels:
                raise ImageError(
                    f"an image of {width} x {height} pixels; the most are {most_pixels:,}"
                )
            if not image.mode.startswith("I"):
                return image.convert("RGB")
            # Pillow's conversion of 16 bits cuts off what is above 255.
            return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    except Image.DecompressionBombError as error:
        raise ImageError(f"an image of too many pixels; the most are {most_pixels:,}") from error
    # Pillow has no common class for what is wrong with a file.
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:
        if isinstance(error, ImageError):
            raise
        reason = (
            "it cannot be decoded" if isinstance(error, Image.UnidentifiedImageError) else error
        )
        raise ImageError(f"a broken image: {' '.join(str(reason).split())}") from error


def resize_and_crop(
    image: Image.Image, image_size: tuple[int, int], *, crop_ratio: float, antialias: bool
) -> np.ndarray:
    """Resizes as little as covers `crop_ratio` times the size, and cuts out the centre.

    Only what the cut shows is resized: thin images take no more memory than others.

    Args:
        image: in red, green and blue.
        image_size: height and width of the result.
        crop_ratio: 1 or more.
        antialias: whether shrinking averages all pixels that it covers.

    Returns:
        uint8 `(height, width, 3)`.
    """
    wanted = np.array(image_size)
    sides = np.array([image.height, image.width], np.float32)
    enlarged = np.array([round(crop_ratio * side) for side in image_size], np.float32)
    # In float32 and rounded like TensorFlow, so that no image is resized to another size.
    resized = np.maximum(np.round(sides * (enlarged / sides).max()), enlarged).astype(np.int64)
    corner = (resized - wanted) // 2
    scale = resized / sides.astype(np.float64)
    if not antialias:
        return _interpolate(np.asarray(image), corner, wanted, scale)
    top, left = corner / scale
    bottom, right = np.minimum((corner + wanted) / scale, sides)
    size = (image_size[1], image_size[0])
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, (left, top, right, bottom)))


def _interpolate(
    pixels: np.ndarray, corner: np.ndarray, wanted: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Between the four nearest pixels, however many a new one covers."""
    for axis in range(2):
        positions = (corner[axis] + np.arange(wanted[axis]) + 0.5) / scale[axis] - 0.5
        lower = np.floor(positions).astype(np.int64)
        fraction = (positions - lower).astype(np.float32)
        fraction = fraction.reshape([-1 if i == axis else 1 for i in range(3)])
        last = pixels.shape[axis] - 1
        first, second = (pixels.take(np.clip(at, 0, last), axis) for at in (lower, lower + 1))
        pixels = first * (1 - fraction) + second * fraction
    return np.rint(pixels).astype(np.uint8)


def _refusal_by_start(content: bytes) -> str:
    """Why a file is not decoded, by its first bytes; "" if nothing speaks against it."""
    if not content.startswith(_STARTS):
        return "not a JPEG, PNG, GIF or BMP file"
    if not content.startswith(b"BM"):
        return ""
    header = content[:1078].ljust(1078, b"\0")
    (header_size,) = struct.unpack_from("<H", header, 14)
    bits, compression = struct.unpack_from("<HH", header, 28)
    plain = compression == 0
    ordered = compression == 3 and header[54:66] == _COLOUR_MASKS
    grey = plain and header_size == 40 and header[54:] == _GREY_PALETTE
    is_right = (bits == 24 and plain) or (bits == 32 and (plain or ordered)) or (bits == 8 and grey)
    if header_size >= 40 and is_right:
        return ""
    kind = "with a palette" if bits <= 8 else "of an unusual layout"
    return f"{bits}-bit BMP {kind}"
