import checks
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfast.vision.preprocessing import (
    ImagePreprocessing,
    decode_image,
    height_and_width,
    resize_and_crop,
)


def smooth_image(height, width):
    coarse = np.random.RandomState(0).randint(0, 256, (5, 4, 3), "uint8")
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(("height", "width"), [(60, 90), (90, 60), (20, 31), (16, 16)])
def test_the_centre_of_the_resized_image_is_that_of_pillow(height, width):
    image = smooth_image(height, width)
    prepared = resize_and_crop(np.asarray(image), (16, 16), crop_ratio=1.14)
    scale = 18 / min(height, width)  # round(1.14 * 16) = 18
    enlarged = image.resize((round(width * scale), round(height * scale)), Image.BILINEAR)
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


def test_a_image_of_the_wanted_size_keeps_its_pixels_at_ratio_1():
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
    prepare = ImagePreprocessing((0.1, 0.2, 0.3), 0.5, 1.25, False, "bicubic", "torchvision")
    assert ImagePreprocessing.from_dict(prepare.to_dict()) == prepare
    assert ImagePreprocessing.from_dict({"mean": [0.5] * 3}) == ImagePreprocessing(mean=0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": (0.1, 0.2)}, "mean must be one finite number or three, got"),
        ({"mean": float("nan")}, "mean must be one finite number or three, got nan"),
        ({"standard_deviation": 0}, "standard_deviation must be above 0, got"),
        ({"crop_ratio": 0.9}, "crop_ratio must be at least 1, got 0.9"),
        ({"interpolation": "cubic"}, "interpolation must be one of 'bilinear', 'bicubic', got"),
        ({"rounding": "down"}, "rounding must be one of 'nearest', 'torchvision', got 'down'"),
        ({"crop_ratio": float("inf")}, "crop_ratio must be a finite number above 0, got inf"),
    ],
)
def test_bad_preprocessing_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ImagePreprocessing(**options)


@pytest.mark.parametrize("size", [np.int64(9), (9, 9), [9, np.int32(9)], np.array([9, 9])])
def test_an_image_size_is_one_whole_number_or_two(size):
    assert height_and_width(size) == (9, 9)
    assert ImagePreprocessing()(np.zeros((3, 4, 3), "uint8"), size).shape == (9, 9, 3)


@pytest.mark.parametrize("size", [0, 1.5, (8, 8, 3), (8, 0), (8,), None, True])
def test_other_image_sizes_are_refused(size):
    with pytest.raises(ValueError, match="image_size must be"):
        height_and_width(size)
