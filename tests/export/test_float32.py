import keras
import numpy as np
import pytest

from tfast.export.float32 import in_float32
from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.models.tfidf import TfidfClassifier
from tfast.vision.xresnet import xresnet

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 1}
DOCUMENTS = {
    "token_ids": np.array([[2, 5, 8], [2, 4, 1]], "int32"),
    "lengths": np.array([3, 2], "int32"),
}


def classifier(policy):
    return TextClassifier(9, 2, dtype=policy, **SIZES)


def images(policy):
    keras.mixed_precision.set_dtype_policy(policy)
    return xresnet(2, block_counts=(1,), expansion=1, stem_widths=(8,))


def both(policy):
    return ForwardBackwardClassifier(classifier(policy), classifier(policy))


def nested(policy):
    """As it is loaded: the inner model tells nothing of what its layers compute in."""
    keras.mixed_precision.set_dtype_policy(policy)
    inner = keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D()])
    last = keras.layers.Dense(2, dtype="float32")
    model = keras.Sequential([keras.Input((33, 32, 3)), inner, last])
    keras.mixed_precision.set_dtype_policy("float32")
    return keras.Sequential.from_config(model.get_config())


def blended(policy):
    tfidf = TfidfClassifier(9, 2, 1)
    tfidf.idf.assign(np.arange(10))
    tfidf.coefficients.assign(np.ones((10, 1)) * [0, 2])
    return BlendedClassifier(classifier(policy), tfidf, weight=0.4, sharpness=1.5)


@pytest.mark.parametrize("make", [classifier, images, nested, both, blended])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_model_of_mixed_precision_gets_a_twin_with_the_same_weights(make, policy):
    model = make(policy)
    twin = in_float32(model)
    expected = make("float32")
    expected.set_weights(model.get_weights())
    noise = np.random.default_rng(0).normal(size=(2, 33, 32, 3)).astype("float32")
    inputs = noise if make in (images, nested) else DOCUMENTS
    # The input of an inner model is rounded as before.
    tolerance = 1e-4 if make is nested else 1e-5
    np.testing.assert_allclose(
        twin(inputs, training=False), expected(inputs, training=False), rtol=1e-5, atol=tolerance
    )
    assert twin is not model
    assert twin is in_float32(twin)


@pytest.mark.parametrize("make", [classifier, images, nested, both, blended])
def test_a_model_in_float32_is_its_own_twin(make):
    model = make("float32")
    assert in_float32(model) is model
