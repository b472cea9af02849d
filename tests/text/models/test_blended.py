import keras
import numpy as np
import pytest
import tensorflow as tf
from small_tfidf import VOCAB_SIZE, hard_texts, some_texts

from tfast.saving import load_model
from tfast.text.documents import pad_documents
from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.tfidf import TfidfClassifier
from tfast.text.tfidf import CANDIDATES, fit_tfidf


@pytest.fixture(scope="module")
def parts():
    keras.utils.set_random_seed(0)
    classifier = TextClassifier(VOCAB_SIZE, 3, embed_size=4, hidden_size=6, num_layers=1)
    for weight in classifier.trainable_weights:
        weight.assign(4 * weight)  # so that answers differ
    sizes = {"vocab_size": VOCAB_SIZE, "num_classes": 3, "settings": CANDIDATES[0]}
    return classifier, fit_tfidf(*some_texts(60, 3), **sizes)


@pytest.fixture(scope="module")
def inputs():
    return pad_documents(hard_texts())


def test_probabilities_are_the_geometric_mean(parts, inputs):
    blend = BlendedClassifier(*parts, weight=0.3, sharpness=1.5)
    first, second = (tf.nn.softmax(part(inputs)).numpy().astype("float64") for part in parts)
    expected = (first**0.3 * second**0.7) ** 1.5
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(tf.nn.softmax(blend(inputs)), expected, rtol=0, atol=1e-6)
    assert abs(first - expected).max() > 0.05
    assert abs(second - expected).max() > 0.05


@pytest.mark.parametrize(("weight", "used"), [(0, 1), (1, 0)])
def test_at_the_ends_one_alone_answers(parts, inputs, weight, used):
    broken = [keras.Sequential(name="broken")] * 2
    broken[used] = parts[used]
    expected = tf.nn.softmax(parts[used](inputs))
    blend = BlendedClassifier(*parts, weight=weight)
    blend.classifier, blend.tfidf = broken  # the other one is not even called
    np.testing.assert_allclose(tf.nn.softmax(blend(inputs)), expected, rtol=0, atol=1e-6)


def test_a_file_gives_the_whole_again(parts, inputs, tmp_path):
    blend = BlendedClassifier(*parts, weight=0.3, sharpness=1.5)
    blend.save(tmp_path / "blend.keras")
    loaded = load_model(tmp_path / "blend.keras")
    np.testing.assert_array_equal(loaded(inputs), blend(inputs))
    assert (loaded.weight, loaded.sharpness) == (0.3, 1.5)


def test_what_does_not_fit_is_named(parts):
    with pytest.raises(ValueError, match=r"weight must be a number in \[0, 1\], got 1.1"):
        BlendedClassifier(*parts, weight=1.1)
    with pytest.raises(ValueError, match="sharpness must be a finite number above 0, got 0"):
        BlendedClassifier(*parts, weight=1, sharpness=0)
    with pytest.raises(ValueError, match="tfidf must have the 3 classes of the classifier, got 2"):
        BlendedClassifier(parts[0], TfidfClassifier(VOCAB_SIZE, 2, 1), weight=0.5)
