"""From the bytes of an image file to the pixels a portable model takes: those of the SavedModel.

Pillow decodes and resizes; files that the SavedModel refuses are refused, but for small damage.
"""

import io
import struct

import numpy as np
from PIL import Image

from tfast.runtime.errors import ImageError

# A file of a few kilobytes can hold gigabytes of one colour. As in Pillow's DecompressionBombError.
MOST_PIXELS = 178_956_970

INTERPOLATIONS = ("bilinear", "bicubic")
ROUNDINGS = ("nearest", "torchvision")

_KINDS = ("JPEG", "PNG", "GIF", "BMP")
_STARTS = (b"\xff\xd8\xff", b"\x89PN", b"GIF", b"BM")
# What Pillow raises over broken files; AssertionError for a PNG of colours without their palette.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, AssertionError),
    struct.error,
)
# Chunks of a PNG that say nothing of its pixels. Pillow refuses files where they are long.
_NOT_PIXELS = (b"iCCP", b"iTXt", b"tEXt", b"zTXt")
_END_OF_PNG = b"\0\0\0\0IEND\xaeB`\x82"
_GREY_PALETTE = b"".join(bytes([i, i, i, 0]) for i in range(256))
_COLOUR_MASKS = bytes.fromhex("0000ff00 00ff0000 ff000000")


def decode_image(content: bytes, *, most_pixels: int | None = None) -> Image.Image:
    """Decodes JPEG, PNG, GIF (the first frame) or BMP.

    The transparency of an image is dropped, and its EXIF orientation is ignored.

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
    # Pillow does not miss it. What may follow it is short: sought from behind.
    if content.startswith(b"\x89PN") and content.rfind(_END_OF_PNG) < 0:
        raise ImageError("a broken image: the end of the PNG file is missing")
    try:
        with Image.open(io.BytesIO(_pixels_alone(content)), formats=_KINDS) as image:
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
    except _BROKEN as error:
        if isinstance(error, ImageError):
            raise
        reason = (
            "it cannot be decoded" if isinstance(error, Image.UnidentifiedImageError) else error
        )
        raise ImageError(f"a broken image: {' '.join(str(reason).split())}") from error


def resize_and_crop(
    image: Image.Image,
    image_size: tuple[int, int],
    *,
    crop_ratio: float,
    antialias: bool,
    interpolation: str = "bilinear",
    rounding: str = "nearest",
) -> np.ndarray:
    """Resizes as little as covers `crop_ratio` times the size, and cuts out the centre.

    Only what the cut shows is resized: thin images take no more memory than others.

    Args:
        image: in red, green and blue.
        image_size: height and width of the result.
        crop_ratio: 1 or more.
        antialias: whether shrinking averages all pixels that it covers.
        interpolation: one of INTERPOLATIONS.
        rounding: one of ROUNDINGS, how sizes become whole.

    Returns:
        uint8 `(height, width, 3)`.
    """
    wanted = np.array(image_size)
    sides = np.array([image.height, image.width])
    resized, corner = _sizes(sides, wanted, crop_ratio, rounding)
    scale = resized / sides.astype(np.float64)
    if not antialias:
        return _interpolate(np.asarray(image), corner, wanted, scale, interpolation)
    top, left = corner / scale
    bottom, right = np.minimum((corner + wanted) / scale, sides)
    size = (image_size[1], image_size[0])
    if interpolation == "bilinear":
        box = (left, top, right, bottom)
        return np.asarray(image.resize(size, Image.Resampling.BILINEAR, box))
    # Across, then down, as the graph does it: for some sizes Pillow 13 has it the other way round.
    reach = 2 * max(1 / scale[0], 1) + 1
    first, last = max(int(top - reach), 0), min(int(bottom + reach) + 1, image.height)
    rows = image.crop((0, first, image.width, last))
    rows = rows.resize(
        (size[0], rows.height), Image.Resampling.BICUBIC, (left, 0, right, rows.height)
    )
    box = (0, top - first, size[0], bottom - first)
    return np.asarray(rows.resize(size, Image.Resampling.BICUBIC, box))


def _sizes(
    sides: np.ndarray, wanted: np.ndarray, crop_ratio: float, rounding: str
) -> tuple[np.ndarray, np.ndarray]:
    """Height and width of the resized image, and where the cut begins: those of TensorFlow."""
    enlarged = np.array([round(crop_ratio * side) for side in wanted.tolist()])
    if rounding == "nearest":
        # In float32, so that no image is resized to another size.
        single = sides.astype(np.float32)
        resized = np.round(single * (enlarged.astype(np.float32) / single).max())
    else:
        fitting = np.argmax(enlarged / sides)
        resized = np.floor(sides * enlarged[fitting] / sides[fitting])
    resized = np.maximum(resized, enlarged).astype(np.int64)
    margin = resized - wanted
    if rounding == "nearest":
        return resized, margin // 2
    return resized, np.rint(margin / 2).astype(np.int64)


def _interpolate(
    pixels: np.ndarray,
    corner: np.ndarray,
    wanted: np.ndarray,
    scale: np.ndarray,
    interpolation: str,
) -> np.ndarray:
    """Between the nearest pixels, however many a new one covers: across, then down."""
    is_cubic = interpolation == "bicubic"
    taps = range(-1, 3) if is_cubic else range(2)
    weigh = _cubic if is_cubic else _linear
    for axis in (1, 0):
        positions = (corner[axis] + np.arange(wanted[axis]) + 0.5) / scale[axis] - 0.5
        lower = np.floor(positions).astype(np.int64)
        total, result = np.zeros(len(lower)), np.zeros(())
        for tap in taps:
            at = lower + tap
            # Pixels outside have no weight; what is left sums to 1.
            inside = (at >= 0) & (at < pixels.shape[axis])
            weights = weigh(np.abs(positions - at)) * inside
            total = total + weights
            taken = pixels.take(np.clip(at, 0, pixels.shape[axis] - 1), axis)
            result = result + taken * _along(axis, weights)
        pixels = result / _along(axis, total)
        if is_cubic or axis == 0:
            pixels = np.rint(np.clip(pixels, 0, 255))
    return pixels.astype(np.uint8)


def _along(axis: int, numbers: np.ndarray) -> np.ndarray:
    """Numbers as an array of three axes, of which all but one have length 1."""
    return numbers.astype(np.float32).reshape([-1 if i == axis else 1 for i in range(3)])


def _linear(distances: np.ndarray) -> np.ndarray:
    return np.maximum(1 - distances, 0)


def _cubic(distances: np.ndarray) -> np.ndarray:
    """Keys's kernel with a = -0.5."""
    near = (1.5 * distances - 2.5) * distances**2 + 1
    far = ((-0.5 * distances + 2.5) * distances - 4) * distances + 2
    return np.where(distances < 1, near, np.where(distances < 2, far, 0))


def _pixels_alone(content: bytes) -> bytes:
    """A PNG without `_NOT_PIXELS`; any other file as it is."""
    if not content.startswith(b"\x89PN"):
        return content
    kept, begin = [content[:8]], 8
    while begin + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, begin)
        end = begin + length + 12  # length, kind and checksum
        if kind not in _NOT_PIXELS:
            kept.append(content[begin:end])
        begin = end
    return b"".join([*kept, content[begin:]])


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
