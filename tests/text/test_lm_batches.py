import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfast.text.lm_batches import lm_batches

DOCUMENTS = tf.RaggedTensor.from_row_lengths(
    tf.range(100, dtype="int32"), [7, 1, 30, 12, 5, 20, 3, 22]
)


def make(training=True, batch_size=4, sequence_length=5, **options):
    return lm_batches(
        DOCUMENTS,
        batch_size=batch_size,
        sequence_length=sequence_length,
        training=training,
        **options,
    )


def arrays(batches):
    """(token_ids, starts_anew, targets) of each batch."""
    return [
        (inputs["token_ids"].numpy(), inputs["starts_anew"].numpy(), targets.numpy())
        for inputs, targets in batches
    ]


def rows(batches):
    """The rows of an epoch, each in one piece."""
    return np.concatenate([token_ids for token_ids, _, _ in arrays(batches)], 1)


def assert_same(batches, others):
    for batch, other in zip(batches, others, strict=True):
        for array, same in zip(batch, other, strict=True):
            np.testing.assert_array_equal(array, same)


def test_the_issues_example():
    documents = tf.RaggedTensor.from_row_lengths(tf.range(23), [10, 13])
    batches = arrays(lm_batches(documents, batch_size=4, sequence_length=3, training=False))
    assert [ids.tolist() for ids, _, _ in batches] == [
        [[0, 1, 2], [5, 6, 7], [10, 11, 12], [15, 16, 17]],
        [[3, 4], [8, 9], [13, 14], [18, 19]],
    ]
    for ids, _, targets in batches:
        np.testing.assert_array_equal(targets, ids + 1)


def test_length_of_the_dataset_counts_the_last_shorter_window():
    batches = make()
    assert len(batches) == 5
    assert [ids.shape for ids, _, _ in arrays(batches)] == [(4, 5)] * 4 + [(4, 4)]


def test_only_the_first_batch_of_an_epoch_starts_anew():
    assert [starts.tolist() for _, starts, _ in arrays(make())] == [[True] * 4] + [[False] * 4] * 4
    endless = arrays(make(first_step=3).take(8))
    assert [bool(starts[0]) for _, starts, _ in endless] == [False, False, True] + [False] * 4 + [
        True
    ]


def test_every_target_is_the_token_after_its_input_also_across_windows():
    batches = arrays(make())
    inputs = rows(make(training=False))
    stream = np.concatenate([batch[2] for batch in arrays(make(training=False))], 1)
    np.testing.assert_array_equal(stream[:, :-1], inputs[:, 1:])
    for (_, _, targets), (following, _, _) in itertools.pairwise(batches):
        np.testing.assert_array_equal(targets[:, -1], following[:, 0])


def test_each_epoch_joins_the_whole_documents_in_another_order():
    batches = make(batch_size=1, sequence_length=99)
    first, second = (arrays(batches)[0] for _ in range(2))
    assert (first[0] != second[0]).any()
    for ids, _, targets in (first, second):
        stream = [*ids[0], targets[0, -1]]
        assert sorted(stream) == list(range(100))
        breaks = sum(after != before + 1 for before, after in itertools.pairwise(stream))
        assert 1 <= breaks <= 7


def test_without_training_the_order_is_the_documents():
    for _ in range(2):
        np.testing.assert_array_equal(rows(make(training=False)), np.arange(96).reshape(4, 24))


@pytest.mark.parametrize("first_step", [0, 3, 5, 11])
def test_a_run_that_starts_later_goes_on_as_the_uninterrupted_one(first_step):
    whole = arrays(make(first_step=0, seed=3).take(16))
    assert_same(
        arrays(make(first_step=first_step, seed=3).take(16 - first_step)), whole[first_step:]
    )


def test_seeds_and_epochs_give_other_orders():
    epochs = arrays(make(first_step=0).take(10))
    assert (epochs[0][0] != epochs[5][0]).any()
    assert (epochs[0][0] != arrays(make(first_step=0, seed=1).take(1))[0][0]).any()


def test_reverse_reads_the_stream_backwards():
    backward = rows(make(training=False, reverse=True))
    np.testing.assert_array_equal(backward, np.arange(99, 3, -1).reshape(4, 24))


def test_element_spec_is_what_the_language_model_takes():
    inputs, targets = make().element_spec
    assert inputs["token_ids"] == targets == tf.TensorSpec((4, None), tf.int32)
    assert inputs["starts_anew"] == tf.TensorSpec((4,), tf.bool)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"sequence_length": 0}, "sequence_length"),
        ({"batch_size": 100}, "documents must have 101 or more tokens .*, got 100"),
        ({"first_step": -1}, "first_step"),
        ({"first_step": 0, "training": False}, "first_step"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([[1, 2], [3]], "must be a tf.RaggedTensor"),
        (tf.ragged.constant([[1, 2], [3]], dtype="int64"), "must be int32, got int64"),
        (tf.ragged.constant([[1, 2], [], [3]]), "got 1 without, first number 1"),
    ],
)
def test_bad_documents_are_named(documents, message):
    with pytest.raises(ValueError, match=message):
        lm_batches(documents, batch_size=1, sequence_length=1, training=False)


def test_integers_of_numpy_pass():
    options = {"batch_size": np.int64(2), "sequence_length": np.int32(3), "training": False}
    assert len(lm_batches(tf.ragged.range([9], dtype="int32"), **options)) == 2
