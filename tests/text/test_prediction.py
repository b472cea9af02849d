import numpy as np
import tensorflow as tf

from tfast.text import TextClassifier
from tfast.text.classifier_batches import classifier_batches, restore_order
from tfast.text.prediction import predict_documents

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 1}
LENGTHS = (3, 40, 7, 7, 21)
DOCUMENTS = tf.RaggedTensor.from_row_lengths(np.arange(sum(LENGTHS), dtype="int32") % 20, LENGTHS)


def test_it_gives_what_keras_gives():
    model = TextClassifier(20, 2, **SIZES)
    batches = classifier_batches(DOCUMENTS, batch_size=2, training=False)
    expected = restore_order(model.predict(batches, verbose=0), DOCUMENTS)
    found = predict_documents(model, DOCUMENTS, batch_size=2)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == "float32"
    # There is no dropout, so it is the same again.
    np.testing.assert_array_equal(predict_documents(model, DOCUMENTS, batch_size=2), found)


def test_it_traces_once():
    traces = []

    def lengths(inputs):
        traces.append(inputs)
        return inputs["lengths"]

    found = predict_documents(lengths, DOCUMENTS, batch_size=2)
    assert found.tolist() == list(LENGTHS)
    assert len(traces) == 1


def test_documents_are_reversed_where_that_is_asked():
    def first(inputs):
        return inputs["token_ids"][:, 0]

    forward, backward = (
        predict_documents(first, DOCUMENTS, reverse=reverse) for reverse in (False, True)
    )
    assert forward.tolist() == [document.numpy()[0] for document in DOCUMENTS]
    assert backward.tolist() == [document.numpy()[-1] for document in DOCUMENTS]


def test_progress_is_shown_where_that_is_asked(capsys):
    for show_progress in (False, True):
        predict_documents(
            lambda inputs: inputs["lengths"], DOCUMENTS, batch_size=2, show_progress=show_progress
        )
        assert ("3/3" in capsys.readouterr().out) == show_progress
