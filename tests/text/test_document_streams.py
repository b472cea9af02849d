import numpy as np
import pytest
import tensorflow as tf

from tests.text.test_lm_batches import assert_same
from tfast.text.document_streams import DocumentStreams
from tfast.text.lm_batches import lm_batches
from tfast.text.stored_documents import store_documents

TEXTS = ["a b c d e f g", "b", "a long one " * 9, "c c", "d e f " * 4, "g"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored") / "ids"
    return store_documents(TEXTS, folder, held_out=0, min_frequency=1)


@pytest.fixture(scope="module")
def in_memory(stored):
    return tf.RaggedTensor.from_row_splits(tf.constant(stored.read()), stored.starts)


def arrays(batches):
    return [
        (inputs["token_ids"].numpy(), inputs["starts_anew"].numpy(), targets.numpy())
        for inputs, targets in batches
    ]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_batches_of_stored_documents_are_those_of_documents_in_memory(
    stored, in_memory, reverse, training, batch_size
):
    options = {
        "batch_size": batch_size,
        "sequence_length": 5,
        "training": training,
        "seed": 3,
        "reverse": reverse,
    }
    ours, theirs = (arrays(lm_batches(d, **options)) for d in (stored, in_memory))
    assert len(ours) > 2
    assert_same(ours, theirs)


@pytest.mark.parametrize("first_step", range(0, 9, 3))
def test_a_stream_can_begin_at_any_step_and_goes_on_into_the_next_epoch(
    stored, in_memory, first_step
):
    options = {"batch_size": 3, "sequence_length": 5, "training": True, "seed": 3}
    assert len(lm_batches(stored, **options)) == 4
    ours, theirs = (
        arrays(lm_batches(d, **options, first_step=first_step).take(7)) for d in (stored, in_memory)
    )
    assert_same(ours, theirs)


def test_only_selected_documents_are_read(stored, in_memory):
    ours = DocumentStreams(stored.select(2, 4))
    length = stored.select(2, 4).num_tokens
    tokens = ours.read(np.empty(0, "int64"), np.array([0]), length)
    np.testing.assert_array_equal(tokens[0], in_memory[2:4].flat_values)
