import itertools
import os
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.vision import image_files
from tfast.vision.augmentation import PadAndCrop
from tfast.vision.images import ImageFolder
from tfast.vision.preprocessing import ImagePreprocessing

# Pixels divided by 255 and nothing else: an image's number can be read off its batch.
PLAIN = ImagePreprocessing(mean=0.0, standard_deviation=1.0, crop_ratio=1.0)
OPTIONS = {"image_size": 8, "batch_size": 4, "preprocessing": PLAIN}


def training(folder, **options):
    if not isinstance(folder, ImageFolder):
        folder = ImageFolder.read(folder)
    return folder.training_batches(**OPTIONS | {"seed": 1} | options)


def batches_of(dataset, count=-1):
    return [(images.numpy(), labels.numpy()) for images, labels in dataset.take(count)]


def numbers_in(batches):
    """The numbers of the images, batch after batch (see `image_folder`)."""
    return [np.rint(255 * images[:, 0, 0, 0]).astype(int).tolist() for images, _ in batches]


def joined(lists):
    return list(itertools.chain.from_iterable(lists))


def test_validation_keeps_the_order_and_the_last_partial_batch(image_folder):
    folder = ImageFolder.read(image_folder())
    dataset = folder.validation_batches(**OPTIONS)
    batches = batches_of(dataset)
    assert numbers_in(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert np.concatenate([labels for _, labels in batches]).argmax(1).tolist() == [0] * 5 + [1] * 5
    assert folder.class_names == ("cat", "dog")
    assert [path[-9:] for path in folder.file_paths[4:6]] == ["cat/4.png", "dog/0.png"]
    assert dataset.cardinality() == folder.steps_per_epoch(4) == 3
    assert dataset.element_spec[0] == tf.TensorSpec((None, 8, 8, 3), "float32")
    assert dataset.element_spec[1] == tf.TensorSpec((None, 2), "float32")


def test_each_training_epoch_has_every_image_once_in_another_order(image_folder):
    dataset = training(image_folder())
    assert dataset.cardinality() == 3
    epochs = [numbers_in(batches_of(dataset)) for _ in range(3)]
    assert [[len(batch) for batch in epoch] for epoch in epochs] == [[4, 4, 2]] * 3
    assert all(sorted(joined(epoch)) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_orders_and_crops_are_those_of_earlier_versions(image_folder):
    # A run that was begun before an update must go on with the same batches.
    assert numbers_in(batches_of(training(image_folder(), first_step=2), 3)) == [
        *([1, 4], [8, 4, 2, 5], [1, 3, 7, 6])
    ]


@pytest.mark.parametrize("seed", [7, None])
def test_training_follows_the_seed(image_folder, seed):
    def two_epochs():
        keras.utils.set_random_seed(3)
        dataset = training(folder, seed=seed)
        return [batches_of(dataset) for _ in range(2)]

    folder = image_folder()
    for first, second in zip(joined(two_epochs()), joined(two_epochs()), strict=True):
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("first_step", [0, 2, 3, 7])
def test_a_resumed_stream_continues_the_whole_one(image_folder, first_step):
    folder = ImageFolder.read(image_folder())
    options = {"augmentation": PadAndCrop(padding=2)}
    whole = batches_of(training(folder, first_step=0, **options), 10)
    resumed = training(folder, first_step=first_step, **options)
    assert resumed.cardinality() == tf.data.INFINITE_CARDINALITY
    for expected, actual in zip(whole[first_step:], batches_of(resumed, 10), strict=False):
        np.testing.assert_array_equal(actual[0], expected[0])
        np.testing.assert_array_equal(actual[1], expected[1])
    assert sorted(joined(numbers_in(whole[3:6]))) == list(range(10))
    assert numbers_in(whole[:3]) != numbers_in(whole[3:6])


def test_a_resumed_stream_does_not_read_what_it_skips(image_folder):
    directory = image_folder()
    folder = ImageFolder.read(directory)
    skipped = numbers_in(batches_of(training(folder, first_step=0), 1))[0]
    resumed = training(folder, first_step=1)
    for number in skipped:
        (directory / ("cat", "dog")[number // 5] / f"{number % 5}.png").unlink()
    # A file that is missing fails the batch that holds it.
    assert set(joined(numbers_in(batches_of(resumed, 1)))).isdisjoint(skipped)


def test_images_are_checked_once_for_all_batches_and_parts(image_folder, monkeypatch):
    checked, check = [], image_files._reason_against
    monkeypatch.setattr(
        image_files, "_reason_against", lambda path: checked.append(path) or check(path)
    )
    folder = ImageFolder.read(image_folder())
    part, _ = folder.split(0.2, seed=1)
    for first_step in (0, 3, None):
        batches_of(training(part, first_step=first_step), 1)
    assert tuple(sorted(checked)) == folder.file_paths


def test_a_split_has_each_class_in_both_parts(image_folder):
    folder = ImageFolder.read(image_folder())
    train, valid = folder.split(0.4, seed=3)
    assert sorted(train.file_paths + valid.file_paths) == sorted(folder.file_paths)
    assert (train.labels, valid.labels) == ((0, 0, 0, 1, 1, 1), (0, 0, 1, 1))
    assert train.class_names == valid.class_names == folder.class_names
    assert (len(train), len(valid)) == (6, 4)
    assert folder.split(0.4, seed=3) == (train, valid)
    assert folder.split(0.4, seed=4)[1].file_paths != valid.file_paths
    assert folder.split(0.01, seed=4)[1].labels == (0, 1)


def test_a_subset_has_the_images_asked_for(image_folder):
    folder = ImageFolder.read(image_folder()).subset([7, 2])
    assert folder.labels == (1, 0)
    assert numbers_in(batches_of(folder.validation_batches(**OPTIONS))) == [[7, 2]]


def test_class_names_fix_the_labels_of_every_folder(image_folder):
    directory = image_folder(count=1, class_names=("dog", "fox"))
    folder = ImageFolder.read(directory, class_names=["fox", "cat", "dog"])
    assert folder.class_names == ("fox", "cat", "dog")
    ((_, labels),) = batches_of(folder.validation_batches(**OPTIONS))
    assert labels.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert folder.labels == (0, 2)


def test_bad_images_are_named_before_anything_is_returned(image_folder):
    directory = image_folder()
    path = directory / "dog" / "3.png"
    path.write_bytes(path.read_bytes()[:-20])
    (directory / "cat" / "notes.txt").write_text("no image")
    with pytest.raises(
        ValueError,
        match=r"(?s)2 of 11 .*notes.txt: not a JPEG.*3.png: Invalid PNG.*or skip bad images$",
    ):
        ImageFolder.read(directory)


def test_bad_images_are_left_out_and_reported(image_folder):
    directory = image_folder()
    bad = directory / "dog" / "3.png"
    bad.write_bytes(b"BM")
    with pytest.warns(UserWarning, match=r"(?s)left out: 1 of 10 images.*3.png: 0-bit BMP"):
        folder = ImageFolder.read(directory, on_bad_image="skip")
    batches = batches_of(folder.validation_batches(**OPTIONS))
    assert numbers_in(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [9]]
    assert list(folder.bad_images) == [str(bad)]
    assert str(bad) not in folder.file_paths


@pytest.mark.filterwarnings("ignore:left out")
def test_a_class_without_a_readable_image_is_refused_unless_it_is_named(image_folder):
    directory = image_folder()
    for path in (directory / "dog").iterdir():
        path.write_bytes(b"....ftypheic")
    with pytest.raises(ValueError, match="images of each class, got none of dog; remove or fill"):
        ImageFolder.read(directory, on_bad_image="skip")
    folder = ImageFolder.read(directory, on_bad_image="skip", class_names=["cat", "dog"])
    assert folder.labels == (0,) * 5


@pytest.mark.filterwarnings("ignore:left out")
def test_a_folder_with_nothing_but_bad_images_is_refused(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(15):
            (tmp_path / name / f"{i}").write_text("")
    with pytest.raises(ValueError, match=r"(?s)30 of 30 .* and 10 more"):
        ImageFolder.read(tmp_path)
    with pytest.raises(ValueError, match="got none of cat, dog"):
        ImageFolder.read(tmp_path, on_bad_image="skip", class_names=["cat", "dog"])


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode there")
def test_files_need_no_utf8_names_and_classes_do(image_folder):
    directory = image_folder()
    path = directory / "dog" / "3.png"
    path.rename(path.with_name(os.fsdecode(b"caf\xe9.png")))
    batches = batches_of(ImageFolder.read(directory).validation_batches(**OPTIONS))
    assert numbers_in(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [9, 8]]
    (directory / "cat").rename(directory / os.fsdecode(b"caf\xe9"))
    with pytest.raises(ValueError, match=r"folders whose names are UTF-8, got 'caf\\udce9'"):
        ImageFolder.read(directory)


def test_image_size_may_be_height_and_width(image_folder):
    folder = ImageFolder.read(image_folder())
    for make in (folder.training_batches, folder.validation_batches):
        dataset = make(image_size=(6, 9), batch_size=np.int64(4))
        assert batches_of(dataset, 1)[0][0].shape == (4, 6, 9, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 0}, "image_size must be a whole number of at least 1, got 0"),
        ({"image_size": (8, 8, 3)}, "image_size must be one whole number or two, got"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"seed": 1.5}, "seed must be a whole number, got 1.5"),
        ({"first_step": -1}, "first_step must be a whole number of at least 0, got -1"),
        ({"first_step": 1, "seed": None}, "seed must be a whole number where first_step is"),
        ({"augmentation": PadAndCrop(padding=8)}, r"padding must be less than .*, got 8"),
    ],
)
def test_bad_arguments_are_refused(image_folder, options, message):
    with pytest.raises(ValueError, match=message):
        training(image_folder(count=1), **options)


def test_bad_folders_and_splits_are_refused(image_folder):
    directory = image_folder(count=1)
    for options, message in [
        ({"on_bad_image": "ignore"}, "on_bad_image must be one of 'error', 'skip', got 'ignore'"),
        ({"class_names": ["cat"]}, "class_names must name every folder"),
    ]:
        with pytest.raises(ValueError, match=message):
            ImageFolder.read(directory, **options)
    with pytest.raises(ValueError, match="labels must have a class of 2 or more examples"):
        ImageFolder.read(directory).split(0.5, seed=0)
    with pytest.raises(ValueError, match=r"fraction must be a number in \(0, 1\), got 2"):
        ImageFolder.read(directory).split(2, seed=0)


def test_training_images_are_resized_like_those_of_validation(image_folder):
    given = []

    def augment(encoded, image_size, *, antialias, seed, **more):
        given.append(more)
        return tf.zeros((*image_size, 3))

    folder = ImageFolder.read(image_folder())
    for interpolation in ("bilinear", "bicubic"):
        folder.training_batches(
            image_size=8,
            batch_size=2,
            preprocessing=ImagePreprocessing(interpolation=interpolation),
            augmentation=augment,
        )
    assert given[0] == {}  # functions of one's own need not know of others
    assert given[-1] == {"interpolation": "bicubic"}
