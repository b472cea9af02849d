"""From a folder of pictures to batches of normalised images and one-hot labels."""

import warnings

import tensorflow as tf

from tfast.vision.augmentation import RandomResizedCrop
from tfast.vision.image_files import find_bad_images, find_images
from tfast.vision.preprocessing import ImagePreprocessing, decode_image

# How many bad pictures a message names; `dataset.bad_images` has them all.
MOST_REPORTED = 20


def image_dataset(
    directory,
    *,
    image_size,
    batch_size,
    training,
    class_names=None,
    seed=None,
    on_bad_image="error",
    preprocessing=None,
    augmentation=None,
    first_step=None,
):
    """Reads a folder that holds a folder of pictures for each class.

    JPEG, PNG, GIF (the first frame) and BMP, grey, CMYK and transparent ones too. Every file
    is decoded once, in parallel, before anything is returned, so a broken one stops no
    training.

    For validation the pictures come in the order of `file_paths`, prepared as
    `preprocessing` says. For training there are two forms:

    - without `first_step`, one epoch that is shuffled and augmented afresh each time it is
      iterated, as `fit` does each epoch;
    - with `first_step`, the epochs one after another without end, a function of `seed` and
      step alone: the dataset with `first_step=k` goes on where the first k batches of the one
      with `first_step=0` end, and decodes nothing of what it skips. So does what its attribute
      `starting_at(k)` returns, which does not check the files once more. `fit` needs
      `steps_per_epoch=dataset.steps_per_epoch`.

    The last batch of an epoch holds what is left; no picture is dropped.

    Args:
        directory: the folder.
        image_size: height and width of the images, or one number for both.
        batch_size: pictures in a batch.
        training: whether to shuffle and augment.
        class_names: names of the classes in the order of their numbers, so that several
            folders agree; a class may be missing from the folder, not from the names.
            Default: the folders' names, sorted.
        seed: an integer that fixes shuffling and augmentation. `first_step` needs one.
        on_bad_image: "error" names files that are broken or of a kind that TensorFlow decodes
            wrongly (palette and 1-bit BMP); "skip" leaves them out and warns, naming them.
        preprocessing: an `ImagePreprocessing`; None stands for its defaults.
        augmentation: for training, `RandomResizedCrop` (the default), `PadAndCrop` for tiny
            pictures, or a function such as `tfast.vision.augmentation` describes.
        first_step: None, or for training the step to begin with.

    Returns:
        A `tf.data.Dataset` of float32 images `(batch, height, width, 3)` and float32 one-hot
        labels `(batch, classes)`, with plain attributes `class_names` (list of str),
        `file_paths` (list of str, without the bad ones), `labels` (list of int, the class of
        each path), `bad_images` (dict of path to reason) and `steps_per_epoch`; where
        `first_step` is given also `starting_at`, a function from a step to such a dataset.

    Raises:
        ValueError: an argument is out of its range, the folder is not as described, or it
            holds a bad file and `on_bad_image` is "error".

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("cat", "dog"):
        ...     (folder / name).mkdir()
        ...     picture = tf.io.encode_png(tf.zeros((40, 50, 3), tf.uint8))
        ...     tf.io.write_file(str(folder / name / "1.png"), picture)
        >>> dataset = image_dataset(folder, image_size=32, batch_size=8, training=True)
        >>> images, labels = next(iter(dataset))
        >>> images.shape, dataset.class_names
        (TensorShape([2, 32, 32, 3]), ['cat', 'dog'])
    """
    image_size = height_and_width(image_size)
    _check_arguments(batch_size, on_bad_image)
    _check_first_step(first_step, training, seed)
    preprocessing = preprocessing or ImagePreprocessing()
    augmentation = augmentation or RandomResizedCrop()
    file_paths, labels, class_names = find_images(directory, class_names)
    file_paths, labels, bad_images = _without_bad_images(file_paths, labels, on_bad_image)
    paths, label_of = tf.constant(file_paths), tf.constant(labels)

    def load_plain(position):
        pixels = decode_image(tf.io.read_file(paths[position]))
        return preprocessing(pixels, image_size), tf.one_hot(label_of[position], len(class_names))

    def load_augmented(position, seed):
        encoded = tf.io.read_file(paths[position])
        antialias = preprocessing.antialias
        pixels = augmentation(encoded, image_size, antialias=antialias, seed=seed)
        return preprocessing.normalize(pixels), tf.one_hot(label_of[position], len(class_names))

    def starting_at(first_step):
        _check_first_step(first_step, training, seed)
        if training:
            dataset = _training_batches(load_augmented, len(paths), batch_size, seed, first_step)
        else:
            dataset = _batches(tf.data.Dataset.range(len(paths)), load_plain, batch_size)
        dataset = dataset.prefetch(tf.data.AUTOTUNE)
        dataset.class_names = class_names
        dataset.file_paths, dataset.labels, dataset.bad_images = file_paths, labels, bad_images
        dataset.steps_per_epoch = _num_batches(len(paths), batch_size)
        if first_step is not None:
            dataset.starting_at = starting_at
        return dataset

    return starting_at(first_step)


def height_and_width(image_size):
    """An image size as `(height, width)`, from one or two whole numbers.

    Args:
        image_size: an integer for a square, or `(height, width)`.

    Returns:
        Tuple of two ints.

    Raises:
        ValueError: `image_size` is neither.

    Example:
        >>> height_and_width(128), height_and_width((96, 128))
        ((128, 128), (96, 128))
    """
    sides = (image_size,) * 2 if isinstance(image_size, int) else tuple(image_size)
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise ValueError(f"image_size is {image_size}; expected an integer or (height, width)")
    return sides


def _training_batches(load, num_examples, batch_size, seed, first_step):
    """Shuffled epochs: one, another each time it is iterated, or all from `first_step` on."""
    first_epoch, first_batch = divmod(first_step or 0, _num_batches(num_examples, batch_size))
    if first_step is None:
        # What counts as the number of the one epoch is drawn for each iteration.
        epochs = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).take(1)
        cardinality = _num_batches(num_examples, batch_size)
    else:
        epochs = tf.data.Dataset.range(first_epoch, tf.int64.max)
        cardinality = tf.data.INFINITE_CARDINALITY
    seed, num_skipped = seed or 0, first_batch * batch_size

    def epoch_batches(epoch):
        # Seeds of orders are negative and those of examples are not: no draw serves twice.
        order = tf.range(num_examples, dtype=tf.int64)
        order = tf.random.experimental.stateless_shuffle(order, [seed, -1 - epoch])
        examples = tf.data.Dataset.from_tensor_slices(order).enumerate(epoch * num_examples)
        examples = examples.skip(num_skipped * tf.cast(epoch == first_epoch, tf.int64))
        return _batches(
            examples, lambda number, position: load(position, [seed, number]), batch_size
        )

    batches = epochs.flat_map(epoch_batches)
    return batches.apply(tf.data.experimental.assert_cardinality(cardinality))


def _batches(examples, load, batch_size):
    # In order, whichever is ready first: a run must be repeatable.
    images = examples.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return images.batch(batch_size)


def _num_batches(num_examples, batch_size):
    return -(-num_examples // batch_size)


def _without_bad_images(file_paths, labels, on_bad_image):
    bad = find_bad_images(file_paths)
    if not bad:
        return file_paths, labels, bad
    lines = [f"{path}: {reason}" for path, reason in bad.items()]
    if len(lines) > MOST_REPORTED:
        lines[MOST_REPORTED:] = [f"and {len(lines) - MOST_REPORTED} more"]
    report = "\n  ".join([f"{len(bad)} of {len(file_paths)} pictures cannot be used:", *lines])
    if on_bad_image == "error":
        raise ValueError(f'{report}\nRemove or mend them, or leave them out: on_bad_image="skip"')
    if len(bad) == len(file_paths):
        raise ValueError(report)
    warnings.warn(f"left out: {report}", stacklevel=3)
    kept = [
        (path, label) for path, label in zip(file_paths, labels, strict=True) if path not in bad
    ]
    return *(list(column) for column in zip(*kept, strict=True)), bad


def _check_arguments(batch_size, on_bad_image):
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; expected an integer of 1 or more")
    if on_bad_image not in ("error", "skip"):
        raise ValueError(f'on_bad_image is {on_bad_image!r}; expected "error" or "skip"')


def _check_first_step(first_step, training, seed):
    if first_step is None:
        return
    if not training:
        raise ValueError(f"first_step is {first_step}; expected None where training is False")
    if first_step < 0:
        raise ValueError(f"first_step is {first_step}; expected 0 or more")
    if seed is None:
        raise ValueError("seed is None; expected an integer where first_step is given")
