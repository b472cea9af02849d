"""The image path as calls: images -> batches -> mixup -> fit."""

import dataclasses

import keras
import tensorflow as tf

from tfast.recipes.divergence import StopAtDivergence
from tfast.recipes.image_preparation import PreparedImages
from tfast.recipes.image_recipe import ImageRecipe
from tfast.recipes.old_runs import checkpoint_settings
from tfast.training.checkpoints.resume import resumable_fit
from tfast.training.inspection.stopwatch import Stopwatch
from tfast.vision.augmentation import PadAndCrop, RandomResizedCrop
from tfast.vision.mixup import mixup_dataset


@dataclasses.dataclass(frozen=True)
class TrainedImages:
    """What training gives.

    Attributes:
        model: the trained model.
        history: a list for each number, with its value in each epoch.
        seconds: that the fit took, over all interruptions.
        images_per_second: of training alone; None where no step was timed.
    """

    model: keras.Model
    history: dict[str, list[float]]
    seconds: float
    images_per_second: float | None


def train(prepared: PreparedImages) -> TrainedImages:
    """Fits the model, from the checkpoint of the run where there is one."""
    recipe, stopwatch = prepared.recipe, Stopwatch()
    history = resumable_fit(
        prepared.model,
        lambda first_step: training_batches(prepared, first_step),
        epochs=recipe.all_epochs,
        steps_per_epoch=prepared.training.steps_per_epoch(recipe.batch_size),
        checkpoint=prepared.output / "checkpoint.npz",
        save_every=recipe.save_every,
        validation_data=validation_batches(prepared),
        callbacks=[*prepared.callbacks, stopwatch, StopAtDivergence()],
        settings=checkpoint_settings(prepared.settings),
    )
    return TrainedImages(
        model=prepared.model,
        history=history.history,
        seconds=round(stopwatch.seconds, 1),
        images_per_second=images_per_second(prepared, stopwatch),
    )


def images_per_second(prepared: PreparedImages, stopwatch: Stopwatch) -> float | None:
    """How fast the training was; None where no step was timed."""
    if not stopwatch.batches:
        return None
    batch_size = prepared.recipe.batch_size
    # The first batch of an epoch, which is full, is not timed; the last one may hold fewer images.
    images = len(prepared.training) - batch_size
    steps = prepared.training.steps_per_epoch(batch_size) - 1
    return round(stopwatch.steps_per_second * images / steps, 1)


def training_batches(prepared: PreparedImages, first_step: int) -> tf.data.Dataset:
    """Endless batches of images and labels, mixed, from a step on."""
    recipe = prepared.recipe
    dataset = prepared.training.training_batches(
        image_size=recipe.image_size,
        batch_size=recipe.batch_size,
        preprocessing=prepared.preprocessing,
        augmentation=make_augmentation(recipe),
        seed=recipe.seed,
        first_step=first_step,
    )
    if recipe.mixup:
        dataset = mixup_dataset(dataset, recipe.mixup, seed=recipe.seed, first_step=first_step)
    return dataset.prefetch(tf.data.AUTOTUNE)


def validation_batches(prepared: PreparedImages) -> tf.data.Dataset:
    """Batches of the validation images, in order."""
    return prepared.validation.validation_batches(
        image_size=prepared.recipe.image_size,
        batch_size=prepared.recipe.batch_size,
        preprocessing=prepared.preprocessing,
    )


def make_augmentation(recipe: ImageRecipe) -> PadAndCrop | RandomResizedCrop:
    """The random changes of a training image."""
    flip_rate = 0.5 if recipe.flip else 0.0
    if recipe.augment == "pad":
        return PadAndCrop(recipe.padding, flip_rate=flip_rate)
    return RandomResizedCrop(flip_rate=flip_rate)
