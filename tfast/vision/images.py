"""From a folder of images to batches of normalised images and one-hot labels.

ImageFolder.read         finds and checks the files of a folder of class folders
split                    two parts, class by class
training_batches         shuffled and augmented
validation_batches       in the order of the files
"""

import dataclasses
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfast import arguments
from tfast.data.epochs import batches_by_epoch
from tfast.data.folders import read_class_folders
from tfast.data.splitting import split_by_class
from tfast.types import PathLike, Tensor
from tfast.vision.augmentation import RandomResizedCrop
from tfast.vision.decoding import decode_image
from tfast.vision.image_files import describe_bad_images, find_bad_images
from tfast.vision.preprocessing import ImagePreprocessing, height_and_width


@dataclasses.dataclass(frozen=True)
class ImageFolder:
    """The images of a folder that holds a folder for each class, checked and ready to be read.

    `keras.utils.image_dataset_from_directory` does less: it fails in mid-epoch at a broken file,
    reads palette BMPs wrongly, resizes without antialiasing, and cannot begin at a step.

    Attributes:
        directory: the folder.
        class_names: names of the classes in the order of their numbers.
        file_paths: the images, sorted by class and path, without the bad ones.
        labels: the class number of each image.
        bad_images: from the path of each file that cannot be used to the reason.

    Examples:
        >>> import pathlib, tempfile
        >>> directory = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):
        ...     (directory / name).parent.mkdir(exist_ok=True)
        ...     image = tf.io.encode_png(tf.zeros((40, 50, 3), tf.uint8))
        ...     tf.io.write_file(str(directory / name), image)
        >>> training, validation = ImageFolder.read(directory).split(0.5, seed=1)
        >>> training.class_names, len(training), len(validation)
        (('cat', 'dog'), 2, 2)
        >>> batches = training.training_batches(image_size=32, batch_size=8)
        >>> images, labels = next(iter(batches))
        >>> images.shape, labels.shape
        (TensorShape([2, 32, 32, 3]), TensorShape([2, 2]))
    """

    directory: Path
    class_names: tuple[str, ...]
    file_paths: tuple[str, ...]
    labels: tuple[int, ...]
    bad_images: Mapping[str, str]

    @classmethod
    def read(
        cls,
        directory: PathLike,
        *,
        class_names: Iterable[str] | None = None,
        on_bad_image: str = "error",
        check_cache: PathLike | None = None,
    ) -> "ImageFolder":
        """Finds the images of a folder and decodes each once, so a broken one stops no training.

        JPEG, PNG, GIF (the first frame) and BMP, grey, CMYK and transparent ones too. Which
        files and folders count is said in `tfast.data.folders`.

        Args:
            directory: a folder that holds a folder of images for each class.
            class_names: names of the classes in the order of their numbers, so that several
                folders agree; a class may be missing from the folder, not from the names.
                Default: the folders' names, sorted.
            on_bad_image: "error" names files that are broken or of a kind that is not read
                rightly (see `tfast.vision.decoding.describe_refusal`); "skip" leaves them out
                and warns, naming them.
            check_cache: a file that remembers which images were found good or bad, by path, size
                and time of change, so that a later call decodes only new ones. None: no memory.

        Returns:
            An `ImageFolder`.

        Raises:
            ValueError: an argument is out of its range; the folder is not as described (the
                message says which folder to give, where one is seen); it holds a bad file and
                `on_bad_image` is "error"; or a class has no image that can be read and
                `class_names` is None.
        """
        arguments.one_of("on_bad_image", on_bad_image, ("error", "skip"))
        found = read_class_folders(directory, class_names=class_names)
        for name in found.class_names:
            _check_utf8(directory, name)
        bad = find_bad_images(found.file_paths, check_cache)
        kept = [number for number, path in enumerate(found.file_paths) if path not in bad]
        folder = cls(Path(directory), found.class_names, found.file_paths, found.labels, bad)
        folder = folder.subset(kept)
        if bad:
            report = describe_bad_images(bad, len(found.file_paths))
            if on_bad_image == "error":
                raise ValueError(f"{report}\nRemove or fix them, or skip bad images")
            warnings.warn(f"left out: {report}", stacklevel=2)
        readable = {found.class_names[label] for label in folder.labels}
        missing = [name for name in found.class_names if name not in readable]
        if not readable or (missing and class_names is None):
            raise ValueError(
                f"directory {directory} must hold readable images of each class, got none of "
                f"{', '.join(missing)}; remove or fill such folders"
            )
        return folder

    def split(self, fraction: float, *, seed: int) -> tuple["ImageFolder", "ImageFolder"]:
        """Splits the images in two at random, class by class.

        Args:
            fraction: part of each class's images that goes to validation, in (0, 1); at least
                one image of a class goes to each part. A class of one image has it for training,
                with a warning.
            seed: an integer. The split of a class depends on it, the class's name and the number
                of its images alone.

        Returns:
            Training and validation, with the same `directory`, `class_names` and `bad_images`.

        Raises:
            ValueError: `fraction` is out of its range, or no class has two images.
        """
        fraction = arguments.fraction("fraction", fraction, zero=False)
        names = [self.class_names[label] for label in self.labels]
        validation, training = split_by_class(names, fraction, seed=seed)
        return self.subset(training), self.subset(validation)

    def subset(self, indices: Sequence[int]) -> "ImageFolder":
        """The images at these indices of `file_paths`, in this order, with the same classes."""
        return dataclasses.replace(
            self,
            file_paths=tuple(self.file_paths[index] for index in indices),
            labels=tuple(self.labels[index] for index in indices),
        )

    def __len__(self) -> int:
        """The number of images."""
        return len(self.file_paths)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches in an epoch; the last one holds what is left, no image is dropped."""
        return -(-len(self) // arguments.whole_number("batch_size", batch_size))

    def training_batches(
        self,
        *,
        image_size: int | Sequence[int],
        batch_size: int,
        preprocessing: ImagePreprocessing | None = None,
        augmentation: Callable[..., Tensor] | None = None,
        seed: int | None = None,
        first_step: int | None = None,
    ) -> tf.data.Dataset:
        """Shuffled, augmented batches; see `tfast.vision.mixup` for mixing them.

        There are two forms:

        - without `first_step`, one epoch that is shuffled and augmented differently each time it
          is iterated, as `fit` does each epoch;
        - with `first_step`, the epochs one after another without end, a function of `seed` and
          step alone: the dataset with `first_step=k` continues where the first k batches of the
          one with `first_step=0` end, and decodes nothing of what it skips. `fit` needs
          `steps_per_epoch=folder.steps_per_epoch(batch_size)`.

        Args:
            image_size: height and width of the images, or one number for both.
            batch_size: images in a batch; the last batch of an epoch holds what is left.
            preprocessing: an `ImagePreprocessing`; None: its defaults.
            augmentation: `RandomResizedCrop` (the default), `PadAndCrop` for tiny images, or a
                function such as `tfast.vision.augmentation` describes.
            seed: an integer that fixes shuffling and augmentation. `first_step` needs one.
            first_step: None, or the step to begin with.

        Returns:
            A `tf.data.Dataset` of float32 images `(batch, height, width, 3)` and float32 one-hot
            labels `(batch, classes)`.

        Raises:
            ValueError: an argument is out of its range.
        """
        size = height_and_width(image_size)
        preprocessing = preprocessing or ImagePreprocessing()
        augmentation = augmentation or RandomResizedCrop()
        batch_size = arguments.whole_number("batch_size", batch_size)
        if seed is not None:
            seed = arguments.whole_number("seed", seed, minimum=None)
        label_of, read_file = self._readers()
        options: dict[str, Any] = {"antialias": preprocessing.antialias}
        # Functions of one's own need not know of others.
        if preprocessing.interpolation != "bilinear":
            options["interpolation"] = preprocessing.interpolation

        def load(position: Tensor, example_seed: Tensor) -> tuple[Tensor, Tensor]:
            pixels = augmentation(read_file(position), size, seed=example_seed, **options)
            return preprocessing.normalize(pixels), label_of(position)

        def epoch_batches(random_seed: Tensor, start: Tensor) -> tf.data.Dataset:
            # Seeds of orders are negative and those of examples are not: none is used twice.
            own_seed, epoch = tf.unstack(random_seed)
            order = tf.range(len(self), dtype=tf.int64)
            order = tf.random.experimental.stateless_shuffle(order, [own_seed, -1 - epoch])
            examples = tf.data.Dataset.from_tensor_slices(order).enumerate(epoch * len(self))
            examples = examples.skip(batch_size * tf.cast(start, tf.int64))
            return _load_batches(
                examples,
                lambda number, position: load(position, tf.stack([own_seed, number])),
                batch_size,
            )

        return batches_by_epoch(
            epoch_batches,
            steps_per_epoch=self.steps_per_epoch(batch_size),
            seed=seed,
            training=True,
            first_step=first_step,
        )

    def validation_batches(
        self,
        *,
        image_size: int | Sequence[int],
        batch_size: int,
        preprocessing: ImagePreprocessing | None = None,
    ) -> tf.data.Dataset:
        """Batches in the order of `file_paths`, prepared as `preprocessing` says.

        Args:
            image_size: as in `training_batches`.
            batch_size: as in `training_batches`.
            preprocessing: as in `training_batches`.

        Returns:
            A `tf.data.Dataset` as `training_batches` gives it, of one epoch.

        Raises:
            ValueError: an argument is out of its range.
        """
        size = height_and_width(image_size)
        preprocessing = preprocessing or ImagePreprocessing()
        batch_size = arguments.whole_number("batch_size", batch_size)
        label_of, read_file = self._readers()

        def load(position: Tensor) -> tuple[Tensor, Tensor]:
            return preprocessing(decode_image(read_file(position)), size), label_of(position)

        batches = _load_batches(tf.data.Dataset.range(len(self)), load, batch_size)
        return batches.prefetch(tf.data.AUTOTUNE)

    def _readers(self) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
        """Functions from a position to its one-hot label, and to its file's content."""
        paths = tf.constant([os.fsencode(path) for path in self.file_paths])
        labels = tf.constant(self.labels)
        return (
            lambda position: tf.one_hot(labels[position], len(self.class_names)),
            lambda position: tf.io.read_file(paths[position]),
        )


def _check_utf8(directory: PathLike, name: str) -> None:
    """Refuses the name of a class that no export could write."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"directory {directory} must hold folders whose names are UTF-8, got {name!r}"
        ) from None


def _load_batches(
    examples: tf.data.Dataset, load: Callable[..., tuple[Tensor, Tensor]], batch_size: int
) -> tf.data.Dataset:
    # In order, whichever is ready first: a run must be repeatable.
    images = examples.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return images.batch(batch_size)
