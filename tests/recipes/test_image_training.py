import numpy as np
import pytest
from small_data import TINY_IMAGES

from tfast.recipes import DivergedError, ImageRecipe
from tfast.recipes.image_training import images_per_second, make_augmentation, training_batches
from tfast.training.checkpoints.file_format import read_checkpoint
from tfast.training.inspection.stopwatch import Stopwatch
from tfast.vision.augmentation import PadAndCrop, RandomResizedCrop


@pytest.mark.usefixtures("tiny_xresnet")
def test_batches_from_a_step_are_those_of_the_whole_run(images, tmp_path):
    prepared = ImageRecipe(data=images, **TINY_IMAGES).prepare(tmp_path)
    whole = list(training_batches(prepared, 0).take(6).as_numpy_iterator())
    later = list(training_batches(prepared, 3).take(3).as_numpy_iterator())
    for (images_a, labels_a), (images_b, labels_b) in zip(whole[3:], later, strict=True):
        np.testing.assert_array_equal(images_a, images_b)
        np.testing.assert_array_equal(labels_a, labels_b)
    assert any((labels.max(-1) < 1).any() for _, labels in whole)  # mixed


@pytest.mark.usefixtures("tiny_xresnet")
def test_a_last_batch_counts_for_the_images_that_it_holds(images, tmp_path):
    prepared, stopwatch = ImageRecipe(data=images, **TINY_IMAGES).prepare(tmp_path), Stopwatch()
    assert images_per_second(prepared, stopwatch) is None
    stopwatch.set_state({"counts": np.array([9.0, 3.0, 6.0])})  # two steps per second
    # Of 20 images in batches of 6, 6, 6 and 2 all but the first 6 are timed: 14 in 3 steps.
    assert images_per_second(prepared, stopwatch) == round(2 * 14 / 3, 1)


def test_augmentation_is_the_one_that_was_chosen():
    chosen = make_augmentation(ImageRecipe(data="images", augment="pad", padding=2, flip=False))
    assert isinstance(chosen, PadAndCrop)
    assert isinstance(make_augmentation(ImageRecipe(data="images")), RandomResizedCrop)


@pytest.mark.usefixtures("tiny_xresnet")
def test_a_run_that_diverges_leaves_no_model(images, tmp_path):
    recipe = ImageRecipe(data=images, **(TINY_IMAGES | {"learning_rate": 1e30}))
    with pytest.raises(DivergedError, match="the training diverged in "):
        recipe.run(tmp_path / "run")
    left = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert left == ["checked_images.json", "checkpoint.npz"]
    for name, array in read_checkpoint(tmp_path / "run" / "checkpoint.npz").arrays.items():
        assert np.isfinite(np.asarray(array, "float64")).all(), name
