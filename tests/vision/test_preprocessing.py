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


def resized_whole(pixels, image_size, crop_ratio, antialias):
    """The definition of `resize_and_crop`: the whole image is resized, then its centre cut out."""
    enlarged = [round(crop_ratio * side) for side in image_size]
    sides = np.array(pixels.shape[-3:-1], "float32")
    resized = np.round(sides * np.max(np.array(enlarged, "float32") / sides)).astype("int32")
    resized = np.maximum(resized, enlarged)
    pixels = tf.image.resize(pixels, resized, antialias=antialias)
    return tf.image.crop_to_bounding_box(pixels, *((resized - image_size) // 2), *image_size)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("crop_ratio", [1.0, 1.14, 3.0])
def test_pixels_are_those_of_resizing_the_whole_image(antialias, crop_ratio):
    random = np.random.RandomState(0)
    sides = [(1, 1), (3, 2000), (2000, 3), (1, 700), (300, 299), (16, 12)]
    sides += [tuple(random.randint(1, 80, 2)) for _ in range(20)]
    for number, (height, width) in enumerate(sides):
        shape = (height, width, 3) if number % 2 else (2, height, width, 3)
        dtype = ("uint8", "float32", "float16", "int32", "float64")[number % 5]
        pixels = random.randint(0, 256, shape).astype(dtype)
        for image_size in ((16, 12), (31, 31), (1, 5)):
            options = {"crop_ratio": crop_ratio, "antialias": antialias}
            actual = resize_and_crop(pixels, image_size, **options)
            assert actual.dtype == "float32"
            # Of 255 levels. Where positions in the whole image are in the hundreds, its own
            # float32 weights are that far from exact ones.
            expected = resized_whole(pixels, image_size, **options)
            np.testing.assert_allclose(actual, expected, rtol=0, atol=0.03)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize(("height", "width"), [(4, 30_000), (30_000, 4)])
def test_thin_images_take_the_memory_of_image_and_result(height, width, antialias):
    resource = pytest.importorskip("resource")  # not on Windows
    prepare = ImagePreprocessing(antialias=antialias)
    prepare(np.zeros((8, 8, 3), "uint8"), (224, 224))
    encoded = tf.io.encode_png(np.zeros((height, width, 3), "uint8"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    prepare(decode_image(encoded), (224, 224))
    # Kilobytes on Linux. Resized whole it would be six million.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


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
