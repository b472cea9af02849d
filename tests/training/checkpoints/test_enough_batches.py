import keras
import pytest
import tensorflow as tf

from tfast.training.checkpoints.enough_batches import early_end_named, with_enough_batches


def of_unknown_length(count):
    return tf.data.Dataset.range(count).filter(lambda each: True)


class Batches(keras.utils.PyDataset):
    num_batches = 5


@pytest.mark.parametrize("make", [lambda: tf.data.Dataset.range(5), Batches])
def test_known_to_be_too_short_it_is_refused(make):
    dataset = make()
    assert with_enough_batches(dataset, 4, 9) is dataset
    with pytest.raises(ValueError, match=r"^make_dataset must give 10 batches, .*, got 9: "):
        with_enough_batches(dataset, 4, 10)


def test_what_is_endless_or_tells_no_length_is_left_as_it_is():
    for dataset in (tf.data.Dataset.range(5).repeat(), iter([1])):
        assert with_enough_batches(dataset, 0, 100) is dataset


def test_of_unknown_length_it_raises_at_its_end_if_that_is_too_early():
    read = [int(each) for each in with_enough_batches(of_unknown_length(5), 4, 9)]
    assert read == list(range(5))
    assert len(list(with_enough_batches(of_unknown_length(50), 4, 9))) == 5
    read, short = [], with_enough_batches(of_unknown_length(5), 4, 10).prefetch(4)
    message = r"must give 10 batches, .*, got 9: "
    with pytest.raises(ValueError, match=message), early_end_named(4, 10):
        read.extend(int(each) for each in short)
    assert read == list(range(5))


def test_other_errors_stay_what_they_are():
    with pytest.raises(KeyError, match="other"), early_end_named(0, 10):
        raise KeyError("other")
