import numpy as np
import pytest
import tensorflow as tf

from tfast.vision.augmentation import PadAndCrop, RandomResizedCrop

# A ramp in each direction: what part of it a crop shows can be read off its mean.
RAMP = np.zeros((40, 60, 3), "uint8")
RAMP[..., 0] = 4 * np.arange(60)
RAMP[..., 1] = 6 * np.arange(40)[:, None]
SMALL = np.random.RandomState(0).randint(0, 256, (8, 8, 3), "uint8")


def sample_boxes(crop, sides, count=2000):
    @tf.function
    def sample():
        return tf.map_fn(lambda i: crop.sample_box(sides, tf.stack([3, i])), tf.range(count))

    return sample().numpy().T


def test_boxes_have_the_areas_and_shapes_asked_for():
    top, left, height, width = sample_boxes(RandomResizedCrop(), [300, 400])
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + height <= 300).all()
    assert (left + width <= 400).all()
    areas, ratios = height * width / (300 * 400), width / height
    assert 0.345 < areas.min() < 0.37
    assert 0.95 < areas.max() <= 1
    assert 0.745 < ratios.min() < 0.77
    assert 1.31 < ratios.max() < 1.34
    # Every position that a box can have is reached.
    assert top.min() == left.min() == 0
    assert (top + height).max() == 300
    assert (left + width).max() == 400


@pytest.mark.parametrize(("sides", "expected"), [((10, 400), (10, 13)), ((400, 10), (13, 10))])
def test_where_no_box_fits_the_largest_allowed_is_taken(sides, expected):
    top, left, height, width = sample_boxes(RandomResizedCrop(), sides, 20)
    assert set(zip(height.tolist(), width.tolist(), strict=True)) == {expected}
    assert len(set((top + left).tolist())) > 5, "always at the same position"


@pytest.mark.parametrize("encode", [tf.io.encode_png, tf.io.encode_jpeg])
def test_a_crop_shows_its_box(encode):
    crop = RandomResizedCrop(flip_rate=0.0)
    for i in range(5):
        seed = tf.constant([1, i])
        pixels = crop(encode(RAMP), (16, 16), antialias=True, seed=seed)
        box_seed, _ = tf.unstack(tf.random.split(seed))
        top, left, height, width = crop.sample_box([40, 60], box_seed).numpy()
        expected = RAMP[top : top + height, left : left + width].mean((0, 1))
        np.testing.assert_allclose(tf.reduce_mean(pixels, (0, 1)), expected, atol=3)


@pytest.mark.parametrize("augmentation", [RandomResizedCrop(), PadAndCrop(padding=2)])
def test_an_augmentation_is_a_function_of_its_seed(augmentation):
    encoded = tf.io.encode_png(SMALL)
    sample = tf.function(lambda i: augmentation(encoded, (8, 8), antialias=True, seed=[1, i]))
    first = [sample(tf.constant(i)).numpy() for i in range(4)]
    second = [sample(tf.constant(i)).numpy() for i in range(4)]
    np.testing.assert_array_equal(first, second)
    for i in range(4):
        for j in range(i):
            assert not np.array_equal(first[i], first[j])


def test_pad_and_crop_reaches_every_corner_and_flips_half():
    encoded = tf.io.encode_png(SMALL)
    padded = np.pad(SMALL, ((1, 1), (1, 1), (0, 0)), "reflect")
    expected = {
        (flip, top, left): padded[top : top + 8, left : left + 8][:, :: -1 if flip else 1]
        for flip in (False, True)
        for top in range(3)
        for left in range(3)
    }
    augment = PadAndCrop(padding=1)

    @tf.function
    def sample():
        return tf.map_fn(
            lambda i: augment(encoded, (8, 8), antialias=True, seed=[1, i]),
            tf.range(400),
            fn_output_signature=tf.float32,
        )

    images = sample().numpy()
    counts = {
        corner: int(np.sum(np.all(images == pixels, axis=(1, 2, 3))))
        for corner, pixels in expected.items()
    }
    assert sum(counts.values()) == 400
    assert min(counts.values()) > 5
    assert 150 < sum(count for (flip, _, _), count in counts.items() if flip) < 250


def test_without_padding_and_flipping_a_image_keeps_its_pixels():
    augment = PadAndCrop(padding=0, flip_rate=0.0)
    pixels = augment(tf.io.encode_png(SMALL), (8, 8), antialias=True, seed=[0, 0])
    np.testing.assert_array_equal(pixels, SMALL)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomResizedCrop(area=(0.5, 1.5)), r"area must be .*, got \(0.5, 1.5\)"),
        (lambda: RandomResizedCrop(area=(0.9, 0.5)), "area must be"),
        (lambda: RandomResizedCrop(aspect_ratio=(2.0, 1.0)), "aspect_ratio must be"),
        (lambda: RandomResizedCrop(flip_rate=2), "flip_rate must be .*, got 2"),
        (lambda: PadAndCrop(padding=-1), "padding must be .*, got -1"),
        (lambda: PadAndCrop(flip_rate=-0.5), "flip_rate must be .*, got -0.5"),
    ],
)
def test_bad_augmentations_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("augmentation", [RandomResizedCrop(), PadAndCrop(padding=2)])
def test_crops_are_resized_as_they_are_told(augmentation):
    noise = np.random.RandomState(0).randint(0, 256, (40, 60, 3)).astype("uint8")
    options = {"antialias": True, "seed": [1, 2]}
    encoded = tf.io.encode_png(noise)
    bilinear = augmentation(encoded, (16, 16), **options)
    bicubic = augmentation(encoded, (16, 16), interpolation="bicubic", **options)
    difference = np.abs(bicubic - bilinear).mean()
    assert 2 < difference < 30  # the same part, sharper
    np.testing.assert_array_equal(bicubic, np.round(bicubic))
