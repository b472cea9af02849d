"""Small classifiers of texts, documents, and what the models say of them."""

import keras
import numpy as np
import tensorflow as tf

from tfast.export.portable.formats import FORMATS
from tfast.text.models.classifier import TextClassifier

CLASSES = ["negative", "positive", "neither"]
VOCAB_SIZE = 200
MAX_LENGTH = 9
GRAPH_BYTES = 40_000  # of the file, beside the weights


def classifier(seed, vocab_size=VOCAB_SIZE):
    keras.utils.set_random_seed(seed)
    model = TextClassifier(
        vocab_size, len(CLASSES), embed_size=16, hidden_size=32, num_layers=2, max_length=MAX_LENGTH
    )
    for weight in model.trainable_weights:
        weight.assign(2 * weight)  # so that answers differ
    return model


def some_documents():
    lengths = np.array([40, 0, 1, MAX_LENGTH, 23, 17], "int32")
    token_ids = np.random.default_rng(0).integers(0, VOCAB_SIZE, (6, 40)).astype("int32")
    return {"token_ids": token_ids, "lengths": lengths}


def probabilities_of(model, documents):
    return tf.nn.softmax(model(documents)).numpy()


def check_core(file_format, model, *, precision, tolerance, bytes_of_a_weight):
    """Any number of documents of any length, none too, from a file of the expected size."""
    documents = some_documents()
    content = FORMATS[file_format].text_bytes(model, precision=precision)
    num_weights = sum(weight.numpy().size for weight in model.trainable_weights)
    assert 0 < len(content) - bytes_of_a_weight * num_weights < GRAPH_BYTES
    run = FORMATS[file_format].runner(content)
    for batch, time in ((6, 40), (1, 1), (3, 17)):
        part = {
            "token_ids": documents["token_ids"][:batch, :time],
            "lengths": np.minimum(documents["lengths"][:batch], time),
        }
        probabilities = run(**part)["probabilities"]
        expected = probabilities_of(model, part)
        np.testing.assert_allclose(probabilities, expected, atol=tolerance)
        best, second = np.sort(expected)[:, :-3:-1].T
        clear = best - second > 2 * tolerance
        np.testing.assert_array_equal(probabilities.argmax(-1)[clear], expected.argmax(-1)[clear])
    # A text of no token is one of padding.
    padding = {"token_ids": np.ones((1, 1), "int32"), "lengths": np.ones(1, "int32")}
    expected = run(**padding)["probabilities"]
    for batch, time in ((0, 0), (0, 4), (2, 0)):
        empty = {"token_ids": np.zeros((batch, time), "int32"), "lengths": np.zeros(batch, "int32")}
        found = run(**empty)["probabilities"]
        assert found.shape == (batch, 3)
        np.testing.assert_allclose(found, expected.repeat(batch, axis=0), atol=1e-6)
