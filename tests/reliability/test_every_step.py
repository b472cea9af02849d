"""Each dataset of batches, begun at every step, gives all that the whole one gives from there.

As grain tests its iterators: a start for each element, and a comparison of all that comes after.
"""

import numpy as np
import pytest
import tensorflow as tf
from small_data import write_images

from tfast.text.classifier_batches import classifier_batches
from tfast.text.lm_batches import lm_batches
from tfast.vision.images import ImageFolder
from tfast.vision.mixup import mixup_dataset

# Two whole epochs and a part of the third.
NUM_STEPS = 8
DOCUMENTS = tf.ragged.constant(
    [list(range(begin, begin + length)) for begin, length in enumerate([5, 1, 9, 4, 7, 2, 3])],
    dtype=tf.int32,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return ImageFolder.read(write_images(tmp_path_factory.mktemp("images") / "all", count=4))


def language_model(reverse):
    return lambda first_step, _: lm_batches(
        DOCUMENTS,
        batch_size=2,
        sequence_length=5,
        training=True,
        seed=3,
        first_step=first_step,
        reverse=reverse,
    )


def classifier(first_step, _):
    return classifier_batches(
        DOCUMENTS,
        [0, 1, 2, 0, 1, 2, 0],
        num_classes=3,
        batch_size=2,
        training=True,
        seed=3,
        first_step=first_step,
    )


def noisy(encoded, size, *, antialias, seed):
    """An augmentation that is traced in a moment."""
    pixels = tf.cast(tf.io.decode_png(encoded), tf.float32)[: size[0], : size[1]]
    return pixels + tf.random.stateless_normal(tf.shape(pixels), seed)


def mixed_images(first_step, folder):
    images = folder.training_batches(
        image_size=8, batch_size=3, augmentation=noisy, seed=3, first_step=first_step
    )
    return mixup_dataset(images, 0.4, seed=3, first_step=first_step)


MAKERS = {
    "language model": language_model(False),
    "backward language model": language_model(True),
    "classifier": classifier,
    "mixed images": mixed_images,
}


def elements(dataset, count):
    found = []
    for element in dataset.take(count):
        arrays = [np.asarray(array) for array in tf.nest.flatten(element)]
        found.append([(array.dtype, array.shape, array.tobytes()) for array in arrays])
    return found


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_begun_at_any_step_the_whole_future_is_the_same(make, folder):
    whole = elements(make(0, folder), NUM_STEPS)
    assert len(whole) == NUM_STEPS
    # Else any start would do. (The classifier's batches come again, in another order.)
    assert len({str(element) for element in whole}) >= NUM_STEPS // 2
    for step in range(1, NUM_STEPS):
        assert elements(make(step, folder), NUM_STEPS - step) == whole[step:], step
