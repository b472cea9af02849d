import io
import struct

import checks
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfast.vision.preprocessing import ImagePreprocessing, decode_image, resize_and_crop

HEIGHT, WIDTH = 20, 17


def encode(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def smooth_picture(height=HEIGHT, width=WIDTH):
    coarse = np.random.RandomState(0).randint(0, 256, (5, 4, 3), "uint8")
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


PICTURE = smooth_picture()
PALETTE = PICTURE.quantize(100)
TRANSPARENT = PICTURE.copy()
TRANSPARENT.putalpha(PICTURE.getchannel("G"))


def bitfields_bmp(red, green, blue):
    """A 32-bit BMP that says where in its words the colours lie."""
    pixels = np.asarray(PICTURE).astype("<u4")
    words = sum(pixels[..., i] << (8 * byte) for i, byte in enumerate([red, green, blue]))
    masks = [0xFF << (8 * byte) for byte in (red, green, blue)]
    size = 4 * HEIGHT * WIDTH
    header = struct.pack("<2sIHHI", b"BM", 66 + size, 0, 0, 66)
    header += struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 32, 3, size, 0, 0, 0, 0)
    return header + struct.pack("<III", *masks) + words[::-1].tobytes()


READ = {
    "jpeg": encode(PICTURE, "JPEG"),
    "progressive jpeg": encode(PICTURE, "JPEG", progressive=True),
    "grey jpeg": encode(PICTURE.convert("L"), "JPEG"),
    "cmyk jpeg": encode(PICTURE.convert("CMYK"), "JPEG"),
    "png": encode(PICTURE, "PNG"),
    "grey png": encode(PICTURE.convert("L"), "PNG"),
    "transparent png": encode(TRANSPARENT, "PNG"),
    "grey transparent png": encode(TRANSPARENT.convert("LA"), "PNG"),
    "palette png": encode(PALETTE, "PNG"),
    "1-bit png": encode(PICTURE.convert("1"), "PNG"),
    "gif": encode(PALETTE, "GIF"),
    "moving gif": encode(PALETTE, "GIF", save_all=True, append_images=[PALETTE.rotate(180)]),
    "bmp": encode(PICTURE, "BMP"),
    "grey bmp": encode(PICTURE.convert("L"), "BMP"),
    "transparent bmp": encode(TRANSPARENT, "BMP"),
}


@pytest.mark.parametrize("encoded", READ.values(), ids=READ)
def test_pictures_decode_to_the_pixels_of_pillow(encoded):
    expected = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    np.testing.assert_array_equal(decode_image(encoded), expected)


def test_a_bmp_with_colour_masks_decodes_in_the_usual_order():
    np.testing.assert_array_equal(decode_image(bitfields_bmp(2, 1, 0)), np.asarray(PICTURE))


@pytest.mark.parametrize(
    ("encoded", "name"),
    [
        (encode(PALETTE, "BMP"), "8-bit BMP with a palette"),
        (encode(PICTURE.convert("1"), "BMP"), "1-bit BMP with a palette"),
        (bitfields_bmp(0, 1, 2), "32-bit BMP of an unusual layout"),
        (encode(PICTURE, "TIFF"), "not a JPEG, PNG, GIF or BMP file"),
        (b"", "not a JPEG, PNG, GIF or BMP file"),
        (b"BM", "0-bit BMP"),
    ],
)
def test_kinds_that_tensorflow_reads_wrongly_are_refused_by_name(encoded, name):
    with pytest.raises(tf.errors.InvalidArgumentError, match=name):
        decode_image(encoded)


@pytest.mark.parametrize("kind", ["jpeg", "progressive jpeg", "png", "gif", "bmp"])
@pytest.mark.parametrize("share", [0.4, 0.95])
def test_cut_off_files_are_refused(kind, share):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_image(READ[kind][: int(share * len(READ[kind]))])


@pytest.mark.parametrize(("height", "width"), [(60, 90), (90, 60), (20, 31), (16, 16)])
def test_the_centre_of_the_resized_picture_is_that_of_pillow(height, width):
    picture = smooth_picture(height, width)
    prepared = resize_and_crop(np.asarray(picture), (16, 16), crop_ratio=1.14)
    scale = 18 / min(height, width)  # round(1.14 * 16) = 18
    enlarged = picture.resize((round(width * scale), round(height * scale)), Image.BILINEAR)
    left, top = (enlarged.width - 16) // 2, (enlarged.height - 16) // 2
    expected = np.asarray(enlarged.crop((left, top, left + 16, top + 16)), "float32")
    # Pillow rounds to whole levels, once for each direction.
    np.testing.assert_allclose(prepared, expected, atol=1.01)


def test_without_antialiasing_shrinking_is_far_from_pillow():
    noise = np.random.RandomState(0).randint(0, 256, (64, 64, 3), "uint8")
    expected = np.asarray(Image.fromarray(noise).resize((16, 16), Image.BILINEAR), "float32")
    assert np.abs(resize_and_crop(noise, (16, 16)) - expected).max() < 1.01
    assert np.abs(resize_and_crop(noise, (16, 16), antialias=False) - expected).max() > 30


def test_a_picture_of_the_wanted_size_keeps_its_pixels_at_ratio_1():
    pixels = np.random.RandomState(0).randint(0, 256, (32, 32, 3), "uint8")
    prepare = ImagePreprocessing(mean=0.0, standard_deviation=1.0, crop_ratio=1.0)
    np.testing.assert_array_equal(prepare(pixels, (32, 32)), pixels.astype("float32") / 255)


def test_each_channel_is_normalised_by_its_own_numbers():
    prepare = ImagePreprocessing(mean=(0.1, 0.2, 0.3), standard_deviation=(0.5, 1.0, 2.0))
    expected = [(0.4 - 0.1) / 0.5, (0.6 - 0.2) / 1.0, (0.8 - 0.3) / 2.0]
    pixels = np.full((1, 1, 3), [102, 153, 204], "uint8")
    np.testing.assert_allclose(prepare.normalize(pixels)[0, 0], expected, rtol=1e-6)


def test_preprocessing_is_the_same_eagerly_in_a_dataset_and_for_a_batch():
    pixels = np.random.RandomState(0).randint(0, 256, (2, 20, 30, 3), "uint8")
    prepare = ImagePreprocessing()
    checks.check_dataset_op(lambda pixels: prepare(pixels, (16, 12)), pixels, tolerance=1e-6)
    one_by_one = [prepare(each, (16, 12)) for each in pixels]
    np.testing.assert_allclose(prepare(pixels, (16, 12)), one_by_one, atol=1e-6)


def test_preprocessing_survives_a_dictionary():
    prepare = ImagePreprocessing((0.1, 0.2, 0.3), 0.5, 1.25, False)
    assert ImagePreprocessing.from_dict(prepare.to_dict()) == prepare
    assert ImagePreprocessing.from_dict({"mean": [0.5] * 3}) == ImagePreprocessing(mean=0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": (0.1, 0.2)}, "mean is"),
        ({"standard_deviation": 0}, "standard_deviation is"),
        ({"crop_ratio": 0.9}, "crop_ratio is 0.9"),
    ],
)
def test_bad_preprocessing_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ImagePreprocessing(**options)
