import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from small_data import photo

from tfast.vision.preprocessing import ImagePreprocessing, resize_and_crop
from tfast.vision.resizing import Resizing

SIDES = [(375, 500), (100, 77), (640, 480), (31, 47), (235, 300), (224, 224), (1, 300), (601, 399)]


def by_pillow(pixels, resized, crop):
    """torchvision's `Resize` and `CenterCrop` of Pillow's images, as timm evaluates."""
    height, width = pixels.shape[:2]
    short, long = min(height, width), max(height, width)
    longer = int(resized * long / short)
    sides = (resized, longer) if width <= height else (longer, resized)
    image = Image.fromarray(pixels)
    if image.size != sides:
        # One direction, then the other: Pillow 13 has its own order for some sizes.
        image = image.resize((sides[0], height), Image.Resampling.BICUBIC)
        image = image.resize(sides, Image.Resampling.BICUBIC)
    left, top = (round((side - crop) / 2) for side in image.size)
    return np.asarray(image.crop((left, top, left + crop, top + crop)), "float32")


@pytest.mark.parametrize(("resized", "crop"), [(64, 56), (59, 56), (56, 56)])
@pytest.mark.parametrize(("height", "width"), SIDES)
def test_bicubic_images_are_those_of_pillow_and_torchvision(height, width, resized, crop):
    pixels = photo(height, width)
    prepare = ImagePreprocessing(
        crop_ratio=resized / crop, interpolation="bicubic", rounding="torchvision"
    )
    off = np.abs(prepare.resize(pixels, crop) - by_pillow(pixels, resized, crop))
    assert off.max() <= 2
    assert off.mean() < 0.01


def test_a_shift_of_a_pixel_would_be_seen():
    pixels, expected = photo(500, 375), by_pillow(photo(500, 375), 59, 56)
    options = {"crop_ratio": 59 / 56, "interpolation": "bicubic"}
    off = np.abs(resize_and_crop(pixels, 56, **options) - expected)
    assert off.mean() > 3


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("rounding", ["nearest", "torchvision"])
@pytest.mark.parametrize(("height", "width"), SIDES)
def test_the_part_that_is_seen_is_that_of_the_whole_image(height, width, rounding, antialias):
    pixels = tf.constant(photo(height, width))
    resizing = Resizing("bicubic", antialias, rounding)
    seen = resizing.centre(pixels[None], (16, 12), 1.25)[0]
    sides = np.array([height, width])
    scale = max(20 / height, 15 / width)
    rounded = np.round if rounding == "nearest" else np.floor
    resized = np.maximum(rounded(np.float32(sides * scale)).astype(int), (20, 15))
    whole = resizing.whole(pixels, tuple(resized))
    margin = resized - (16, 12)
    corner = margin // 2 if rounding == "nearest" else np.rint(margin / 2).astype(int)
    expected = whole[corner[0] : corner[0] + 16, corner[1] : corner[1] + 12]
    assert np.abs(seen - expected).max() <= 1
    assert np.mean(seen != expected) < 0.01


def test_bicubic_pixels_are_integers_in_range():
    checks = np.tile(255 * np.eye(2, dtype="uint8"), (9, 9))[..., None].repeat(3, -1)
    resized = Resizing("bicubic").whole(tf.constant(checks), (31, 29)).numpy()
    assert (resized.min(), resized.max()) == (0, 255)
    np.testing.assert_array_equal(resized, np.round(resized))


def test_a_batch_is_resized_like_its_images():
    batch = tf.stack([photo(30, 40), photo(30, 40)[::-1]])
    for resizing in (Resizing("bicubic"), Resizing("bilinear")):
        whole = resizing.whole(batch, (20, 21))
        for one, alone in zip(whole, batch, strict=True):
            np.testing.assert_allclose(one, resizing.whole(alone, (20, 21)), atol=1e-3)


@pytest.mark.parametrize("options", [("nearest",), ("bicubic", True, "down")])
def test_unknown_values_are_refused(options):
    with pytest.raises(ValueError, match="must be one of"):
        Resizing(*options)
