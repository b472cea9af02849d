"""What an image run needs before it trains: images, found, checked and split, and the model."""

import dataclasses
import functools
import hashlib
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfast.export.images import known_image_size
from tfast.files import atomic_write
from tfast.pretrained.records import Provenance
from tfast.recipes.image_recipe import ImageRecipe
from tfast.recipes.image_start import Start, load_start, one_or_all
from tfast.recipes.old_runs import check_same_result, check_same_run
from tfast.recipes.run_folder import remove_all_leftovers
from tfast.training.optimizers.fused_adam import FusedAdam
from tfast.training.precision import set_precision
from tfast.training.schedules import MomentumSchedule, OneCycle, OneCycleMomentum
from tfast.training.unfreezing import GradualUnfreezing, Stage
from tfast.vision import xresnet
from tfast.vision.images import ImageFolder
from tfast.vision.preprocessing import ImagePreprocessing
from tfast.vision.transfer import transfer_model


@dataclasses.dataclass(frozen=True)
class PreparedImages:
    """What is trained on, and what is trained.

    Attributes:
        recipe: the settings.
        output: the folder of the run.
        training: the training images.
        validation: the validation images.
        preprocessing: how pixels become the model's inputs.
        model: compiled.
        schedule: the learning rate by step.
        callbacks: what goes with it.
        settings: what a resumed run must agree on with the interrupted one.
        provenance: of published weights that the run starts from; else None.
    """

    recipe: ImageRecipe
    output: Path
    training: ImageFolder
    validation: ImageFolder
    preprocessing: ImagePreprocessing
    model: keras.Model
    schedule: keras.optimizers.schedules.LearningRateSchedule
    callbacks: tuple[keras.callbacks.Callback, ...]
    settings: dict[str, Any]
    provenance: Provenance | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their numbers."""
        return tuple(self.training.class_names)


def prepare(recipe: ImageRecipe, output: Path) -> PreparedImages:
    """Reads the images and makes the model.

    Raises:
        ValueError: bad images, a bad pretrained model, or a checkpoint or result of another run.
    """
    keras.utils.set_random_seed(recipe.seed)
    set_precision(recipe.precision)
    remove_all_leftovers(output)
    start = load_start(recipe)
    recipe = start.complete(recipe)
    if start.model is not None:
        known_image_size(start.model, recipe.image_size)
    training, validation = find_images(recipe, output)
    settings = make_settings(recipe, start, training, validation)
    if (output / "checkpoint.npz").exists():
        check_same_run(output / "checkpoint.npz", settings)
    check_same_result(output / "result.json", settings)
    model = make_model(recipe, len(training.class_names), start.model)
    steps_per_epoch = training.steps_per_epoch(recipe.batch_size)
    schedule, callbacks = make_schedule(recipe, model, steps_per_epoch)
    compile_model(recipe, model, schedule)
    return PreparedImages(
        recipe=recipe,
        output=output,
        training=training,
        validation=validation,
        preprocessing=make_preprocessing(recipe, start),
        model=model,
        schedule=schedule,
        callbacks=callbacks,
        settings=settings,
        provenance=start.provenance,
    )


def find_images(recipe: ImageRecipe, output: Path) -> tuple[ImageFolder, ImageFolder]:
    """Training and validation images, checked; one folder is split class by class."""
    folder = recipe.data
    if folder is None:
        folder = output / "digits"
        write_digits(folder)
    read = functools.partial(
        ImageFolder.read,
        on_bad_image="skip" if recipe.skip_bad_images else "error",
        # A resumed run decodes only what it has not seen.
        check_cache=output / "checked_images.json",
    )
    images = read(folder)
    if not isinstance(recipe.valid, Path):
        return images.split(recipe.valid, seed=recipe.seed)
    validation = read(recipe.valid, class_names=images.class_names)
    return images, validation


def write_digits(folder: Path) -> None:
    """Writes scikit-learn's digits, 1,797 grey images of 8x8, as a folder for each class.

    Args:
        folder: where; left as it is if it exists.
    """
    if folder.exists():
        return
    from sklearn.datasets import load_digits

    digits = load_digits()
    with atomic_write(folder) as temporary:
        for digit in range(10):
            (temporary / str(digit)).mkdir(parents=True)
        for number, (image, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
            pixels = (image * (255 / 16)).round().astype("uint8")[..., None]
            path = temporary / str(digit) / f"{number:04}.png"
            path.write_bytes(tf.io.encode_png(pixels).numpy())


def make_model(
    recipe: ImageRecipe, num_classes: int, pretrained: keras.Model | None
) -> keras.Model:
    """A new XResNet, or the pretrained model with a new head."""
    if pretrained is not None:
        return transfer_model(pretrained, num_classes)
    make = getattr(xresnet, recipe.model)
    return make(num_classes, activation=recipe.activation, self_attention=recipe.self_attention)


def make_schedule(
    recipe: ImageRecipe, model: keras.Model, steps_per_epoch: int
) -> tuple[keras.optimizers.schedules.LearningRateSchedule, tuple[keras.callbacks.Callback, ...]]:
    """The learning rate by step, and the callbacks that go with it.

    A pretrained model is trained after fastai's `fine_tune`: the head alone, then all at half the
    rate, the body at a hundredth of that.

    Differs: in fastai the rate rises for 99% of the first stage, and for 30% of the second, from a
    fifth of its peak; here for 25% of each, from a 25th. There momentum cycles in both stages, here
    it stays; and an XResNet has three groups of layers there, here two.
    """
    if recipe.pretrained is None:
        total_steps = recipe.epochs * steps_per_epoch
        callbacks = (MomentumSchedule(OneCycleMomentum(total_steps)),)
        return OneCycle(recipe.learning_rate, total_steps), callbacks
    stages = [
        Stage(-1, recipe.learning_rate, recipe.frozen_epochs),
        Stage(0, recipe.learning_rate / 2, recipe.epochs, multipliers=(0.01, 1.0)),
    ]
    unfreezing = GradualUnfreezing(xresnet.layer_groups(model), stages)
    return unfreezing.schedule(steps_per_epoch), (unfreezing,)


def compile_model(
    recipe: ImageRecipe,
    model: keras.Model,
    schedule: keras.optimizers.schedules.LearningRateSchedule,
) -> None:
    """Gives the model fastai's Adam, and a loss with label smoothing."""
    optimizer = FusedAdam(schedule, beta_2=0.99, epsilon=1e-5, weight_decay=0.01)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing
    )
    model.compile(optimizer, loss, metrics=["accuracy"])


def make_settings(
    recipe: ImageRecipe, start: Start, training: ImageFolder, validation: ImageFolder
) -> dict[str, Any]:
    """What a resumed run must agree on with the interrupted one: settings, and the images."""
    return recipe.settings() | {
        "class_names": list(training.class_names),
        "images": {"training": fingerprint(training), "validation": fingerprint(validation)},
        "pretrained": start.fingerprint,
    }


def make_preprocessing(recipe: ImageRecipe, start: Start) -> ImagePreprocessing:
    """How pixels become inputs: as the recipe says, and in what it does not say as before."""
    return dataclasses.replace(
        start.preprocessing or ImagePreprocessing(),
        mean=one_or_all(recipe.mean),
        standard_deviation=one_or_all(recipe.std),
        crop_ratio=recipe.crop_ratio,
        interpolation=recipe.interpolation,
    )


def fingerprint(images: ImageFolder) -> str:
    """A word for the names and sizes of files."""
    sizes = (
        f"{Path(path).relative_to(images.directory).as_posix()} {Path(path).stat().st_size}\n"
        for path in images.file_paths
    )
    # Names may hold bytes that are no UTF-8.
    return hashlib.sha256("".join(sizes).encode("utf-8", "surrogateescape")).hexdigest()[:16]
