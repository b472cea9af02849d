"""The pictures of a run: found, checked, split, told apart from others, and read in batches."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from image_folders import split_folder, write_digits

from tfast.vision.augmentation import PadAndCrop, RandomResizedCrop
from tfast.vision.images import ImageFolder
from tfast.vision.mixup import mixup_dataset
from tfast.vision.preprocessing import ImagePreprocessing


@dataclasses.dataclass(frozen=True)
class Data:
    """What is trained on."""

    make_batches: Callable  # from a step to the endless dataset that begins there
    steps_per_epoch: int
    train_paths: list
    validation: tf.data.Dataset
    validation_images: ImageFolder
    class_names: list
    preprocessing: ImagePreprocessing
    fingerprints: dict  # others where names or sizes of files are others


def load_data(arguments):
    """Finds and checks the pictures; splits one folder in two where --valid is a share."""
    folder = arguments.data or arguments.output / "digits"
    if not arguments.data:
        write_digits(folder)
    train_folder, valid_folder = folder, arguments.valid
    if isinstance(arguments.valid, float):
        train_folder, valid_folder = split_folder(
            folder, arguments.output / "split", fraction=arguments.valid, seed=arguments.seed
        )
    preprocessing = ImagePreprocessing(
        mean=one_or_three(arguments.mean),
        standard_deviation=one_or_three(arguments.std),
        crop_ratio=arguments.crop_ratio,
    )
    common = {
        "image_size": arguments.image_size,
        "batch_size": arguments.batch_size,
        "preprocessing": preprocessing,
    }
    on_bad_image = "skip" if arguments.skip_bad_images else "error"
    training = ImageFolder.read(train_folder, on_bad_image=on_bad_image)

    def make_batches(first_step):
        dataset = training.training_batches(
            seed=arguments.seed,
            first_step=first_step,
            augmentation=make_augmentation(arguments),
            **common,
        )
        if arguments.mixup:
            dataset = mixup_dataset(
                dataset, arguments.mixup, seed=arguments.seed, first_step=first_step
            )
        return dataset.prefetch(tf.data.AUTOTUNE)

    validation = ImageFolder.read(
        valid_folder, class_names=training.class_names, on_bad_image=on_bad_image
    )
    return Data(
        make_batches,
        training.steps_per_epoch(arguments.batch_size),
        list(training.file_paths),
        validation.validation_batches(**common),
        validation,
        list(training.class_names),
        preprocessing,
        {
            "training": fingerprint(train_folder, training.file_paths),
            "validation": fingerprint(valid_folder, validation.file_paths),
        },
    )


def make_augmentation(arguments):
    """The random changes of a training picture."""
    flip_rate = 0.5 if arguments.flip else 0.0
    if arguments.augment == "pad":
        return PadAndCrop(arguments.padding, flip_rate=flip_rate)
    return RandomResizedCrop(flip_rate=flip_rate)


def fingerprint(folder, paths):
    """A word for the names and sizes of a folder's files."""
    sizes = (f"{Path(path).relative_to(folder)} {Path(path).stat().st_size}\n" for path in paths)
    return hashlib.sha256("".join(sizes).encode()).hexdigest()[:16]


def one_or_three(numbers):
    """What --mean and --std hold, as `ImagePreprocessing` takes it."""
    return numbers[0] if len(numbers) == 1 else tuple(numbers)
