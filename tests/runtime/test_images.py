import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfast.runtime.errors import ImageError
from tfast.runtime.images import (
    INTERPOLATIONS,
    MOST_PIXELS,
    ROUNDINGS,
    decode_image,
    resize_and_crop,
)
from tfast.vision import decoding, preprocessing

HEIGHT, WIDTH = 45, 37


def encode(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def smooth(channels=3):
    coarse = np.random.RandomState(channels).randint(0, 256, (7, 6, channels)).astype("uint8")
    return Image.fromarray(coarse.squeeze()).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, kind, rows, extra=b""):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + extra + data + chunk(b"IEND", b"")


def png_of_16_bits(channels, kind):
    words = np.random.RandomState(0).randint(0, 65536, (5, 7, channels)).astype(">u2")
    return png(7, 5, 16, kind, b"".join(b"\0" + row.tobytes() for row in words))


IMAGE, PALETTE, TRANSPARENT = smooth(), smooth().quantize(50), smooth()
TRANSPARENT.putalpha(smooth(1))
BITS = b"\0\x1b\xe4\0\x00\xff"
READ = {
    **{f"jpeg {q} {s}": encode(IMAGE, "JPEG", quality=q, subsampling=s)
       for q in (30, 95) for s in (0, 1, 2)},
    "progressive jpeg": encode(IMAGE, "JPEG", progressive=True),
    "grey jpeg": encode(IMAGE.convert("L"), "JPEG"),
    "cmyk jpeg": encode(IMAGE.convert("CMYK"), "JPEG"),
    "rgb jpeg": encode(IMAGE, "JPEG", keep_rgb=True),
    "png": encode(IMAGE, "PNG"),
    "grey png": encode(IMAGE.convert("L"), "PNG"),
    "transparent png": encode(TRANSPARENT, "PNG"),
    "grey transparent png": encode(TRANSPARENT.convert("LA"), "PNG"),
    "palette png": encode(PALETTE, "PNG"),
    "transparent palette png": encode(PALETTE, "PNG", transparency=3),
    "1-bit png": encode(IMAGE.convert("1"), "PNG"),
    "2-bit grey png": png(8, 2, 2, 0, BITS),
    "2-bit palette png": png(8, 2, 2, 3, BITS, chunk(b"PLTE", bytes(range(12)))),
    "16-bit grey png": png_of_16_bits(1, 0),
    "16-bit grey transparent png": png_of_16_bits(2, 4),
    "16-bit png": png_of_16_bits(3, 2),
    "16-bit transparent png": png_of_16_bits(4, 6),
    "png with gamma": png(7, 1, 8, 2, b"\0" + bytes(range(21)), chunk(b"gAMA", b"\0\1\x86\xa0")),
    "gif": encode(PALETTE, "GIF"),
    "transparent gif": encode(PALETTE, "GIF", transparency=3),
    "moving gif": encode(PALETTE, "GIF", save_all=True, append_images=[PALETTE.rotate(180)]),
    "bmp": encode(IMAGE, "BMP"),
    "transparent bmp": encode(TRANSPARENT, "BMP"),
    "grey bmp": encode(IMAGE.convert("L"), "BMP"),
}  # fmt: skip
BROKEN = {
    **{f"half a {name}": READ[name][: 2 * len(READ[name]) // 3] for name in ("png", "gif", "bmp")},
    "half a jpeg": READ["jpeg 95 0"][:300],
    "palette bmp": encode(PALETTE, "BMP"),
    "1-bit bmp": encode(IMAGE.convert("1"), "BMP"),
    "webp": encode(IMAGE, "WEBP"),
    "tiff": encode(IMAGE, "TIFF"),
    "nothing": b"",
    "gif alone": b"GIF89a",
    "png alone": b"\x89PNG\r\n\x1a\n",
    "text": b"BM is no image",
    "flipped png": READ["png"][:60] + b"\xff\xff" + READ["png"][62:],
    **{f"png without its last {n} bytes": READ["png"][:-n] for n in (1, 12, 16)},
}


@pytest.mark.parametrize("name", READ)
def test_pixels_are_those_of_the_graph(name):
    expected = decoding.decode_image(tf.constant(READ[name])).numpy()
    np.testing.assert_array_equal(np.asarray(decode_image(READ[name])), expected)


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_graph_refuses_is_refused_in_one_line(name):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decoding.decode_image(tf.constant(BROKEN[name]))
    with pytest.raises(ImageError) as caught:
        decode_image(BROKEN[name])
    assert "\n" not in str(caught.value)


def test_what_follows_the_end_of_a_png_is_not_read():
    np.testing.assert_array_equal(decode_image(READ["png"] + bytes(100)), IMAGE)


@pytest.mark.parametrize("name", ["palette bmp", "1-bit bmp", "webp", "nothing", "text"])
def test_refusals_have_the_words_of_the_graph(name):
    expected = decoding.describe_refusal(tf.constant(BROKEN[name])).numpy().decode()
    with pytest.raises(ImageError) as caught:
        decode_image(BROKEN[name])
    assert str(caught.value) == expected


@pytest.mark.parametrize("name", ["zTXt", "iTXt", "tEXt", "iCCP"])
def test_long_texts_and_profiles_in_a_png_are_skipped(name):
    packed = zlib.compress(bytes(3_000_000))
    body = {
        "tEXt": b"Comment\0" + b"x" * 3_000_000,
        "zTXt": b"Comment\0\0" + packed,
        "iTXt": b"Comment\0\1\0\0\0" + packed,
        "iCCP": b"profile\0\0" + packed,
    }[name]
    checksum = struct.pack(">I", zlib.crc32(name.encode() + body))
    long_chunk = struct.pack(">I", len(body)) + name.encode() + body + checksum
    content = READ["png"][:33] + long_chunk + READ["png"][33:]  # after the header
    expected = decoding.decode_image(tf.constant(content)).numpy()
    np.testing.assert_array_equal(np.asarray(decode_image(content)), expected)


def test_bombs_are_refused_before_they_are_decoded():
    assert MOST_PIXELS == decoding.MOST_PIXELS
    bomb = png(50_000, 50_000, 8, 2, b"")
    with pytest.raises(ImageError, match=r"too many pixels; the most are 178,956,970"):
        decode_image(bomb)
    # No row of pixels is there: reading them would say so.
    small = png(1000, 1000, 8, 2, b"")
    with pytest.raises(ImageError, match="an image of 1000 x 1000 pixels; the most are 999,999"):
        decode_image(small, most_pixels=999_999)
    with pytest.raises(ImageError, match="a broken image"):
        decode_image(small)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("crop_ratio", [1.0, 1.14, 1.5])
def test_resized_images_are_those_of_the_graph(crop_ratio, antialias, interpolation, rounding):
    source = np.random.RandomState(3)
    sizes = [(45, 37), (300, 200), (3000, 4), (2, 900), (1, 1), (1, 70), (224, 224), (31, 90)]
    options = {"crop_ratio": crop_ratio, "antialias": antialias}
    options |= {"interpolation": interpolation, "rounding": rounding}
    for height, width in sizes:
        pixels = source.randint(0, 256, (height, width, 3)).astype("uint8")
        for size in ((24, 24), (30, 17), (1, 9), (100, 128)):
            expected = np.rint(preprocessing.resize_and_crop(pixels, size, **options))
            found = resize_and_crop(Image.fromarray(pixels), size, **options)
            assert found.dtype == np.uint8
            off = np.abs(found - expected)
            if interpolation == "bilinear":
                assert off.max() <= 1  # rounded once in the graph, twice by Pillow
            else:  # twice by both: a half rounded otherwise may count double
                assert off.max() <= 2
                assert np.count_nonzero(off) <= 0.02 * off.size + 9


def test_an_image_of_the_wanted_size_keeps_its_pixels():
    pixels = np.asarray(IMAGE)
    for antialias in (True, False):
        found = resize_and_crop(IMAGE, (HEIGHT, WIDTH), crop_ratio=1.0, antialias=antialias)
        np.testing.assert_array_equal(found, pixels)
