import keras
import numpy as np
import tensorflow as tf

from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier


def small_model(seed=0):
    return TextClassifier(50, 3, embed_size=4, hidden_size=6, num_layers=1, seed=seed)


def padded(documents):
    time = max(map(len, documents))
    ids = [document + [1] * (time - len(document)) for document in documents]
    lengths = [len(document) for document in documents]
    return {"token_ids": np.array(ids, "int32"), "lengths": np.array(lengths, "int32")}


def random_documents(*lengths):
    random = np.random.RandomState(0)
    return [random.randint(2, 50, length).tolist() for length in lengths]


def test_forward_and_backward_probabilities_are_averaged(tmp_path):
    forward, backward = small_model(), small_model(seed=1)
    both = ForwardBackwardClassifier(forward, backward)
    documents = random_documents(7, 2, 5)
    inputs = padded(documents)
    turned = padded([document[::-1] for document in documents])
    expected = (keras.ops.softmax(forward(inputs)) + keras.ops.softmax(backward(turned))) / 2
    np.testing.assert_allclose(keras.ops.softmax(both(inputs)), expected, atol=1e-6)
    both.save(tmp_path / "both.keras")
    loaded = keras.saving.load_model(tmp_path / "both.keras")
    np.testing.assert_allclose(loaded(inputs), both(inputs), atol=1e-6)


def test_an_export_takes_ids(tmp_path):
    both = ForwardBackwardClassifier(small_model(), small_model(1))
    both.export(tmp_path / "model", verbose=False)
    inputs = {name: tf.constant(x) for name, x in padded(random_documents(4, 2)).items()}
    served = tf.saved_model.load(tmp_path / "model")
    np.testing.assert_allclose(served.serve(inputs), both(inputs), atol=1e-6)


def test_a_config_is_left_as_it_was():
    config = ForwardBackwardClassifier(small_model(), small_model(1)).get_config()
    before = dict(config)
    ForwardBackwardClassifier.from_config(config)
    assert config == before
