import numpy as np
import pytest
from checks import check_layer

from tfast.vision.layers.self_attention import SimpleSelfAttention

IMAGES = np.random.default_rng(0).normal(3, 2, (4, 3, 5, 6)).astype("float32")


def test_self_attention_keeps_the_layer_contract(tmp_path):
    check_layer(SimpleSelfAttention, IMAGES, tmp_path=tmp_path)


def test_self_attention_power_iteration_finds_the_largest_singular_value():
    layer = SimpleSelfAttention()
    layer.build(IMAGES.shape)
    for _ in range(50):
        layer(IMAGES[:1, :1, :1], training=True)
    norm = layer._spectral_norm(training=False)
    assert float(norm) == pytest.approx(np.linalg.norm(np.array(layer.kernel), 2), rel=1e-2)


def test_self_attention_is_the_formula():
    layer = SimpleSelfAttention()
    layer.build(IMAGES.shape)
    layer.gamma.assign(0.01)
    x, w = IMAGES.reshape(4, 15, 6), np.array(layer.kernel)
    w = w / (np.array(layer.right) @ w @ np.array(layer.left))
    expected = x + 0.01 * (x @ w) @ (x.transpose(0, 2, 1) @ x)
    np.testing.assert_allclose(layer(IMAGES), expected.reshape(IMAGES.shape), rtol=1e-3, atol=1e-3)
