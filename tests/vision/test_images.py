import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.vision import image_files
from tfast.vision.augmentation import PadAndCrop
from tfast.vision.images import image_dataset
from tfast.vision.preprocessing import ImagePreprocessing

# Pixels divided by 255 and nothing else: a picture's number can be read off its batch.
PLAIN = ImagePreprocessing(mean=0.0, standard_deviation=1.0, crop_ratio=1.0)


def make(directory, **options):
    options = {"image_size": 8, "batch_size": 4, "preprocessing": PLAIN, "seed": 1} | options
    return image_dataset(directory, **options)


def batches_of(dataset, count=-1):
    return [(images.numpy(), labels.numpy()) for images, labels in dataset.take(count)]


def numbers_in(batches):
    """The numbers of the pictures, batch after batch (see `picture_folder`)."""
    return [np.rint(255 * images[:, 0, 0, 0]).astype(int).tolist() for images, _ in batches]


def joined(lists):
    return list(itertools.chain.from_iterable(lists))


def test_validation_keeps_the_order_and_the_last_partial_batch(picture_folder):
    dataset = make(picture_folder(), training=False)
    batches = batches_of(dataset)
    assert numbers_in(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert np.concatenate([labels for _, labels in batches]).argmax(1).tolist() == [0] * 5 + [1] * 5
    assert dataset.class_names == ["cat", "dog"]
    assert [path[-9:] for path in dataset.file_paths[4:6]] == ["cat/4.png", "dog/0.png"]
    assert dataset.cardinality() == dataset.steps_per_epoch == 3
    assert dataset.element_spec[0] == tf.TensorSpec((None, 8, 8, 3), "float32")
    assert dataset.element_spec[1] == tf.TensorSpec((None, 2), "float32")


def test_each_training_epoch_has_every_picture_once_in_another_order(picture_folder):
    dataset = make(picture_folder(), training=True)
    assert dataset.cardinality() == dataset.steps_per_epoch == 3
    epochs = [numbers_in(batches_of(dataset)) for _ in range(3)]
    assert [[len(batch) for batch in epoch] for epoch in epochs] == [[4, 4, 2]] * 3
    assert all(sorted(joined(epoch)) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


@pytest.mark.parametrize("seed", [7, None])
def test_training_follows_the_seed(picture_folder, seed):
    def two_epochs():
        keras.utils.set_random_seed(3)
        dataset = make(folder, training=True, seed=seed)
        return [batches_of(dataset) for _ in range(2)]

    folder = picture_folder()
    for first, second in zip(joined(two_epochs()), joined(two_epochs()), strict=True):
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("first_step", [0, 2, 3, 7])
def test_a_resumed_stream_is_the_rest_of_the_whole_one(picture_folder, first_step):
    folder = picture_folder()
    options = {"training": True, "augmentation": PadAndCrop(padding=2)}
    whole = batches_of(make(folder, first_step=0, **options), 10)
    resumed = make(folder, first_step=first_step, **options)
    assert resumed.cardinality() == tf.data.INFINITE_CARDINALITY
    assert resumed.steps_per_epoch == 3
    for expected, actual in zip(whole[first_step:], batches_of(resumed, 10), strict=False):
        np.testing.assert_array_equal(actual[0], expected[0])
        np.testing.assert_array_equal(actual[1], expected[1])
    assert sorted(joined(numbers_in(whole[3:6]))) == list(range(10))
    assert numbers_in(whole[:3]) != numbers_in(whole[3:6])


def test_a_resumed_stream_does_not_read_what_it_skips(picture_folder):
    folder = picture_folder()
    skipped = numbers_in(batches_of(make(folder, training=True, first_step=0), 1))[0]
    resumed = make(folder, training=True, first_step=1)
    for number in skipped:
        (folder / ("cat", "dog")[number // 5] / f"{number % 5}.png").unlink()
    # A file that is missing fails the batch that holds it.
    assert set(joined(numbers_in(batches_of(resumed, 1)))).isdisjoint(skipped)


def test_pictures_are_checked_once_and_not_again_for_a_later_start(picture_folder, monkeypatch):
    checked, check = [], image_files._reason_against
    monkeypatch.setattr(
        image_files, "_reason_against", lambda path: checked.append(path) or check(path)
    )
    whole = make(picture_folder(), training=True, first_step=0)
    resumed = whole.starting_at(3).starting_at(4)
    assert sorted(checked) == whole.file_paths == resumed.file_paths
    for expected, actual in zip(batches_of(whole, 6)[4:], batches_of(resumed, 2), strict=True):
        np.testing.assert_array_equal(actual[0], expected[0])
    with pytest.raises(ValueError, match="first_step is -1"):
        whole.starting_at(-1)


def test_class_names_fix_the_labels_of_every_folder(picture_folder):
    folder = picture_folder(count=1, class_names=("dog", "fox"))
    dataset = make(folder, training=False, class_names=["fox", "cat", "dog"])
    assert dataset.class_names == ["fox", "cat", "dog"]
    ((_, labels),) = batches_of(dataset)
    assert labels.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert dataset.labels == [0, 2]


def test_bad_pictures_are_named_before_anything_is_returned(picture_folder):
    folder = picture_folder()
    path = folder / "dog" / "3.png"
    path.write_bytes(path.read_bytes()[:-20])
    (folder / "cat" / "notes.txt").write_text("no picture")
    with pytest.raises(
        ValueError, match=r"(?s)2 of 11 .*notes.txt: not a JPEG.*3.png: Invalid PNG"
    ):
        make(folder, training=True)


def test_bad_pictures_are_left_out_and_reported(picture_folder):
    folder = picture_folder()
    bad = folder / "dog" / "3.png"
    bad.write_bytes(b"BM")
    with pytest.warns(UserWarning, match=r"(?s)left out: 1 of 10 pictures.*3.png: 0-bit BMP"):
        dataset = make(folder, training=False, on_bad_image="skip")
    assert numbers_in(batches_of(dataset)) == [[0, 1, 2, 3], [4, 5, 6, 7], [9]]
    assert list(dataset.bad_images) == [str(bad)]
    assert str(bad) not in dataset.file_paths


def test_a_folder_with_nothing_but_bad_pictures_is_refused(tmp_path):
    (tmp_path / "cat").mkdir()
    for i in range(30):
        (tmp_path / "cat" / f"{i}").write_text("")
    with pytest.raises(ValueError, match=r"(?s)30 of 30 .* and 10 more"):
        make(tmp_path, training=False, on_bad_image="skip")


def test_image_size_may_be_height_and_width(picture_folder):
    for training in (True, False):
        dataset = make(picture_folder(name=str(training)), training=training, image_size=(6, 9))
        assert batches_of(dataset, 1)[0][0].shape == (4, 6, 9, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 0}, "image_size is 0"),
        ({"image_size": (8, 8, 3)}, "image_size is"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"on_bad_image": "ignore"}, "on_bad_image is 'ignore'"),
        ({"first_step": -1}, "first_step is -1"),
        ({"first_step": 1, "seed": None}, "seed is None"),
        ({"first_step": 1, "training": False}, "first_step is 1; expected None"),
        ({"augmentation": PadAndCrop(padding=8)}, "padding is 8; expected less than 8"),
        ({"class_names": ["cat", "cat", "dog"]}, "repeat"),
        ({"class_names": ["cat"]}, r"miss: \['dog'\]"),
    ],
)
def test_bad_arguments_are_refused(picture_folder, options, message):
    folder = picture_folder(count=1)
    with pytest.raises(ValueError, match=message):
        make(folder, **({"training": True} | options))


def test_bad_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a folder"):
        make(tmp_path / "nothing", training=False)
    with pytest.raises(ValueError, match="holds no folders"):
        make(tmp_path, training=False)
    (tmp_path / "cat").mkdir()
    with pytest.raises(ValueError, match="holds no files"):
        make(tmp_path, training=False)
