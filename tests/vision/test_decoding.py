import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfast.vision.decoding import MOST_PIXELS, decode_image, describe_refusal

HEIGHT, WIDTH = 20, 17


def encode(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def smooth_image():
    coarse = np.random.RandomState(0).randint(0, 256, (5, 4, 3), "uint8")
    return Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


IMAGE = smooth_image()
PALETTE = IMAGE.quantize(100)
TRANSPARENT = IMAGE.copy()
TRANSPARENT.putalpha(IMAGE.getchannel("G"))


def bitfields_bmp(red, green, blue):
    """A 32-bit BMP that says where in its words the colours lie."""
    pixels = np.asarray(IMAGE).astype("<u4")
    words = sum(pixels[..., i] << (8 * byte) for i, byte in enumerate([red, green, blue]))
    masks = [0xFF << (8 * byte) for byte in (red, green, blue)]
    size = 4 * HEIGHT * WIDTH
    header = struct.pack("<2sIHHI", b"BM", 66 + size, 0, 0, 66)
    header += struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 32, 3, size, 0, 0, 0, 0)
    return header + struct.pack("<III", *masks) + words[::-1].tobytes()


READ = {
    "jpeg": encode(IMAGE, "JPEG"),
    "progressive jpeg": encode(IMAGE, "JPEG", progressive=True),
    "grey jpeg": encode(IMAGE.convert("L"), "JPEG"),
    "cmyk jpeg": encode(IMAGE.convert("CMYK"), "JPEG"),
    "png": encode(IMAGE, "PNG"),
    "grey png": encode(IMAGE.convert("L"), "PNG"),
    "transparent png": encode(TRANSPARENT, "PNG"),
    "grey transparent png": encode(TRANSPARENT.convert("LA"), "PNG"),
    "palette png": encode(PALETTE, "PNG"),
    "1-bit png": encode(IMAGE.convert("1"), "PNG"),
    "gif": encode(PALETTE, "GIF"),
    "moving gif": encode(PALETTE, "GIF", save_all=True, append_images=[PALETTE.rotate(180)]),
    "bmp": encode(IMAGE, "BMP"),
    "grey bmp": encode(IMAGE.convert("L"), "BMP"),
    "transparent bmp": encode(TRANSPARENT, "BMP"),
}


@pytest.mark.parametrize("encoded", READ.values(), ids=READ)
def test_images_decode_to_the_pixels_of_pillow(encoded):
    expected = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    np.testing.assert_array_equal(decode_image(encoded), expected)


def test_a_bmp_with_colour_masks_decodes_in_the_usual_order():
    np.testing.assert_array_equal(decode_image(bitfields_bmp(2, 1, 0)), np.asarray(IMAGE))


@pytest.mark.parametrize(
    ("encoded", "name"),
    [
        (encode(PALETTE, "BMP"), "8-bit BMP with a palette"),
        (encode(IMAGE.convert("1"), "BMP"), "1-bit BMP with a palette"),
        (bitfields_bmp(0, 1, 2), "32-bit BMP of an unusual layout"),
        (encode(IMAGE, "TIFF"), "not a JPEG, PNG, GIF or BMP file"),
        (b"", "not a JPEG, PNG, GIF or BMP file"),
        (b"BM", "0-bit BMP"),
    ],
)
def test_kinds_that_tensorflow_reads_wrongly_are_refused_by_name(encoded, name):
    with pytest.raises(tf.errors.InvalidArgumentError, match=name):
        decode_image(encoded)


@pytest.mark.parametrize("kind", ["jpeg", "progressive jpeg", "png", "gif", "bmp"])
@pytest.mark.parametrize("fraction", [0.01, 0.4, 0.95])
def test_cut_off_files_are_refused(kind, fraction):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_image(READ[kind][: int(fraction * len(READ[kind]))])


def with_png_size(width, height):
    """A PNG that says it is so large, as one of a single colour could be."""
    encoded = READ["png"]
    return encoded[:16] + struct.pack(">II", width, height) + encoded[24:]


def with_gif_size(width, height):
    return READ["gif"][:6] + struct.pack("<HH", width, height) + READ["gif"][10:]


def with_jpeg_size(width, height):
    start = READ["jpeg"].index(b"\xff\xc0") + 5
    return READ["jpeg"][:start] + struct.pack(">HH", height, width) + READ["jpeg"][start + 4 :]


@pytest.mark.parametrize("make", [with_png_size, with_gif_size, with_jpeg_size])
def test_sizes_that_would_fill_the_memory_are_refused_before_decoding(make):
    with pytest.raises(tf.errors.InvalidArgumentError, match="an image of 50000 x 40000 pixels"):
        decode_image(make(50_000, 40_000))
    assert describe_refusal(make(10_000, MOST_PIXELS // 10_000)) == b""
