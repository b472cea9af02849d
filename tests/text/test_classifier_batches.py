import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfast.text import classifier_batches as module
from tfast.text.classifier_batches import classifier_batches, restore_order

# Document i starts with 10 * i + 2, so that a batch shows which documents it holds.
LENGTHS = [4, 1, 7, 7, 2, 9, 3, 3, 5, 8, 6]
DOCUMENTS = tf.ragged.constant(
    [list(range(10 * i + 2, 10 * i + 2 + length)) for i, length in enumerate(LENGTHS)],
    dtype="int32",
)
LABELS = [i % 3 for i in range(len(LENGTHS))]


def make(labels=LABELS, training=True, batch_size=3, **options):
    options = {"num_classes": 3, "time_multiple": 1} | options
    return classifier_batches(
        DOCUMENTS, labels, batch_size=batch_size, training=training, **options
    )


def arrays(batches):
    return [
        (inputs["token_ids"].numpy(), inputs["lengths"].numpy(), targets.numpy())
        for inputs, targets in batches
    ]


def document_numbers(batches):
    """Which documents stand in each batch; forward batches only."""
    return [(ids[:, 0] // 10).tolist() for ids, _, _ in arrays(batches)]


def joined(lists):
    return list(itertools.chain(*lists))


def test_every_document_comes_once_an_epoch_with_its_tokens_and_label():
    batches = make()
    assert len(batches) == 4
    for _ in range(2):
        assert sorted(joined(document_numbers(batches))) == list(range(11))
        for ids, lengths, targets in arrays(batches):
            for row, length, target in zip(ids, lengths, targets, strict=True):
                number = row[0] // 10
                assert row[:length].tolist() == DOCUMENTS[number].numpy().tolist()
                assert (row[length:] == 1).all()
                assert target.tolist() == np.eye(3)[LABELS[number]].tolist()


def test_evaluation_comes_longest_first_and_predictions_go_back_in_order():
    batches = arrays(make(training=False))
    lengths = np.concatenate([lengths for _, lengths, _ in batches])
    np.testing.assert_array_equal(lengths, sorted(LENGTHS, reverse=True))
    predictions = np.concatenate([ids[:, 0] // 10 for ids, _, _ in batches])
    np.testing.assert_array_equal(restore_order(predictions, DOCUMENTS), np.arange(11))


def test_restore_order_refuses_another_number_of_predictions():
    with pytest.raises(
        ValueError, match="predictions must have a row for each of the 11 documents, got 3"
    ):
        restore_order(np.zeros((3, 2)), DOCUMENTS)


@pytest.mark.parametrize("seed", range(5))
def test_the_batch_with_the_longest_document_comes_first_in_training(monkeypatch, seed):
    monkeypatch.setattr(module, "BATCHES_PER_CHUNK", 2)  # two chunks
    assert arrays(make(seed=seed))[0][1].max() == 9


def test_lengths_fall_within_each_training_batch_and_chunk(monkeypatch):
    one_chunk = arrays(make())
    for _, lengths, _ in one_chunk:
        assert (np.diff(lengths) <= 0).all()
    assert sorted(len(ids) for ids, _, _ in one_chunk) == [2, 3, 3, 3]
    longest = sorted((lengths.tolist() for _, lengths, _ in one_chunk), reverse=True)
    assert joined(longest) == sorted(LENGTHS, reverse=True)
    monkeypatch.setattr(module, "BATCHES_PER_CHUNK", 1)
    one_batch_chunks = [lengths.tolist() for _, lengths, _ in arrays(make())]
    assert joined(sorted(one_batch_chunks, reverse=True)) != sorted(LENGTHS, reverse=True)


def test_epochs_and_seeds_differ():
    batches = document_numbers(make(batch_size=1, first_step=0).take(22))
    assert batches[:11] != batches[11:]
    assert batches[:11] != document_numbers(make(batch_size=1, first_step=0, seed=1).take(11))


@pytest.mark.parametrize("first_step", [0, 2, 4, 9])
def test_a_run_that_starts_later_goes_on_as_the_uninterrupted_one(first_step):
    whole = arrays(make(first_step=0, seed=3).take(12))[first_step:]
    later = arrays(make(first_step=first_step, seed=3).take(12 - first_step))
    for batch, other in zip(whole, later, strict=True):
        for array, same in zip(batch, other, strict=True):
            np.testing.assert_array_equal(array, same)


def test_reverse_turns_the_real_tokens_and_leaves_the_padding_behind():
    (ids, lengths, _), *_ = arrays(make(training=False, reverse=True, batch_size=11))
    for row, length in zip(ids, lengths, strict=True):
        number = (row[0] - 2) // 10
        assert row[:length].tolist() == DOCUMENTS[number].numpy()[::-1].tolist()
        assert (row[length:] == 1).all()


def test_padded_length_is_a_multiple_of_what_is_asked():
    assert {ids.shape[1] for ids, _, _ in arrays(make(time_multiple=4))} <= {4, 8, 12}
    assert [ids.shape[1] for ids, _, _ in arrays(make(training=False))] == [9, 7, 4, 2]


def test_without_labels_there_are_only_inputs():
    inputs = next(iter(make(None, training=False)))
    assert inputs["token_ids"].shape == (3, 9)
    assert set(inputs) == {"token_ids", "lengths"}


def test_element_spec_is_what_the_classifier_takes():
    inputs, targets = make().element_spec
    assert inputs["token_ids"] == tf.TensorSpec((None, None), tf.int32)
    assert inputs["lengths"] == tf.TensorSpec((None,), tf.int32)
    assert targets == tf.TensorSpec((None, 3), tf.float32)


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (
            LABELS,
            {"num_classes": None},
            "num_classes must be a whole number of at least 2, got None",
        ),
        (LABELS, {"num_classes": 2}, "between 0 and 1, got 0 to 2"),
        (LABELS[1:], {}, "must be 11 integers"),
        ([0.5] * 11, {}, "float64"),
        (LABELS, {"batch_size": 0}, "batch_size"),
        (LABELS, {"time_multiple": 0}, "time_multiple"),
        (LABELS, {"training": False, "first_step": 1}, "first_step"),
    ],
)
def test_bad_arguments_are_named(labels, options, message):
    with pytest.raises(ValueError, match=message):
        make(labels, **options)


def test_no_documents_are_refused():
    with pytest.raises(ValueError, match="documents must be one or more, got none"):
        classifier_batches(DOCUMENTS[:0], batch_size=1, training=False)


def test_integers_of_numpy_pass():
    options = {"batch_size": np.int64(4), "num_classes": np.int64(3), "time_multiple": np.int8(4)}
    assert len(make(**options)) == 3
