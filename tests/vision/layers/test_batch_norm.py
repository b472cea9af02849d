import keras
import numpy as np
import pytest
from checks import check_layer
from keras import layers

from tfast.vision.layers.batch_norm import BatchNorm

IMAGES = np.random.default_rng(0).normal(3, 2, (4, 3, 5, 6)).astype("float32")


def test_batch_norm_keeps_the_layer_contract(tmp_path):
    check_layer(BatchNorm, IMAGES, tmp_path=tmp_path)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_fused_kernel_and_keras_agree(training, dtype):
    fused, plain = BatchNorm(dtype=dtype), layers.BatchNormalization(-1, 0.9, 1e-5, dtype=dtype)
    for layer in (fused, plain):
        layer.build(IMAGES.shape)
        layer.set_weights([np.linspace(0.5, 2, 6) + i for i in range(4)])
    tolerance = {"float32": 1e-5, "mixed_float16": 5e-3, "mixed_bfloat16": 4e-2}[dtype]
    images = keras.ops.cast(IMAGES, fused.compute_dtype)
    outputs = [
        np.array(keras.ops.cast(f(images, training=training), "float32")) for f in (fused, plain)
    ]
    np.testing.assert_allclose(*outputs, rtol=tolerance, atol=tolerance)
    for ours, theirs in zip(fused.weights, plain.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_moving_variance_follows_the_biased_variance():
    layer = BatchNorm(momentum=0.75)
    layer(IMAGES, training=True)
    expected = 0.75 + 0.25 * IMAGES.var(axis=(0, 1, 2))
    np.testing.assert_allclose(layer.moving_variance, expected, rtol=1e-5)


def test_one_pixel_of_one_picture_has_variance_zero():
    layer = BatchNorm()
    assert not np.any(layer(IMAGES[:1, :1, :1], training=True))
    np.testing.assert_allclose(layer.moving_variance, np.full(6, 0.9), rtol=1e-6)


def test_frozen_layer_uses_and_keeps_its_moving_statistics():
    layer = BatchNorm()
    layer.build(IMAGES.shape)
    layer.trainable = False
    np.testing.assert_allclose(layer(IMAGES, training=True), IMAGES / np.sqrt(1 + 1e-5), rtol=1e-6)
    assert not np.any(layer.moving_mean)


def test_what_the_fused_kernel_cannot_do_goes_through_keras():
    vectors = BatchNorm()
    np.testing.assert_allclose(
        np.mean(vectors(IMAGES[:, 0, 0], training=True), axis=0), np.zeros(6), atol=1e-6
    )
    first = BatchNorm(axis=1)
    outputs = first(IMAGES, training=True)
    np.testing.assert_allclose(np.mean(outputs, axis=(0, 2, 3)), np.zeros(3), atol=1e-6)
    assert BatchNorm(scale=False)(IMAGES, training=True).shape == IMAGES.shape
