import keras
import numpy as np
import pytest
from checks import check_layer
from keras import layers

from tfast.training.batch_norm import BatchNorm
from tfast.training.optimizers.keras_private import all_layers

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


def statistics(layer):
    return [np.array(layer.moving_mean), np.array(layer.moving_variance)]


@pytest.mark.parametrize("shape", [(1, 6), (1, 1, 1, 6), (1, 1, 6)])
@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_a_single_value_per_channel_leaves_the_statistics_as_they_are(shape, dtype):
    layer = BatchNorm(dtype=dtype)
    layer(IMAGES.reshape(-1, *shape[1:]), training=True)
    before = statistics(layer)
    single = IMAGES[0, 0, 0].reshape(shape)
    assert not np.any(layer(single, training=True))
    np.testing.assert_array_equal(statistics(layer), before)
    layer(np.concatenate([single, single + 1]), training=True)
    assert np.all(statistics(layer)[0] != before[0])


def test_a_mask_that_shows_one_value_counts_as_one():
    layer = BatchNorm()
    layer.build((2, 3, 6))
    inputs = IMAGES[:2, 0, :3]
    for mask, changes in [([[1, 0, 0], [0, 0, 0]], False), ([[1, 1, 0], [0, 0, 0]], True)]:
        before = statistics(layer)
        layer(inputs, training=True, mask=np.array(mask, bool))
        assert np.any(statistics(layer)[0] != before[0]) == changes


@pytest.mark.parametrize("shape", [(60, 6), (4, 3, 5, 6)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_statistics_that_are_not_finite_are_not_recorded(shape, value):
    layer, other = BatchNorm(), BatchNorm()
    inputs = IMAGES.reshape(shape).copy()
    other(inputs, training=True)
    inputs[..., 2].flat[7] = value
    outputs = np.array(layer(inputs, training=True))
    assert np.isnan(outputs[..., 2]).any()
    for ours, theirs, start in zip(statistics(layer), statistics(other), (0, 1), strict=True):
        assert ours[2] == start
        np.testing.assert_allclose(np.delete(ours, 2), np.delete(theirs, 2), rtol=1e-5)


def test_a_last_batch_of_one_does_not_move_the_variance_of_a_head():
    """33 examples in batches of 32, for both kinds of heads."""
    vectors = np.random.default_rng(0).normal(3, 2, (33, 6)).astype("float32")
    pooled, dense = BatchNorm(), keras.Sequential([layers.Dense(6, use_bias=False), BatchNorm()])
    dense(vectors)
    dense.layers[0].kernel.assign(np.eye(6))
    for _ in range(60):
        for batch in (vectors[:32], vectors[32:]):
            pooled(batch, training=True)
            dense(batch, training=True)
    for layer in (pooled, dense.layers[1]):
        np.testing.assert_allclose(layer.moving_variance, vectors[:32].var(0), rtol=0.01)


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


def test_heads_of_images_and_of_texts_have_this_layer():
    from tfast.text.models.classifier import TextClassifier
    from tfast.vision.transfer import create_head

    text = TextClassifier(20, 2, embed_size=4, hidden_size=4, num_layers=1, head_size=3)
    text({"token_ids": np.ones((2, 3), "int32"), "lengths": np.array([3, 3])})
    features = keras.Input((2, 2, 4))
    for model in (text, keras.Model(features, create_head(features, 2))):
        norms = [
            layer
            for layer in all_layers(model)
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
        assert len(norms) == 2
        assert all(isinstance(layer, BatchNorm) for layer in norms)
