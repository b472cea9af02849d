import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import check_layer
from keras import layers

from tfast.vision.layers.residual_blocks import Convolution, StemPooling
from tfast.vision.xresnet import xresnet

IMAGES = np.random.default_rng(0).normal(size=(4, 5, 6, 8)).astype("float32")


def test_layers_keep_the_layer_contract(tmp_path):
    check_layer(lambda: Convolution(3, 3, padding="same"), IMAGES[:, :1, :1], tmp_path=tmp_path)
    check_layer(StemPooling, IMAGES, tmp_path=tmp_path)


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((1, 1), {}),
        ((1, 1), {"groups": 2}),
        ((1, 1), {"kernel_size": 2}),
        ((1, 1), {"strides": 2}),
        ((1, 2), {}),
    ],
)
def test_convolution_and_its_gradients_are_those_of_keras(size, options):
    options = {"filters": 4, "kernel_size": 3, "padding": "same"} | options
    results = []
    kernel = np.random.default_rng(1).normal(
        size=(options["kernel_size"],) * 2 + (8 // options.get("groups", 1), 4)
    )
    images = tf.constant(IMAGES[:, : size[0], : size[1]])
    for layer in (Convolution(**options), layers.Conv2D(**options)):
        layer.build(images.shape)
        layer.kernel.assign(kernel)
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = layer(images)
            loss = tf.reduce_sum(outputs**2)
        results.append([outputs, *tape.gradient(loss, [images, layer.kernel.value])])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (4, 5), (5, 6)])
def test_stem_pooling_takes_the_largest_of_each_centred_window(size):
    images = IMAGES[:, : size[0], : size[1]] - 10  # zeros would win
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    rows, columns = (range(0, length, 2) for length in size)
    expected = [[padded[:, i : i + 3, j : j + 3].max((1, 2)) for j in columns] for i in rows]
    expected = np.transpose(expected, (2, 0, 1, 3))
    np.testing.assert_array_equal(StemPooling()(images), expected)
    assert StemPooling()(keras.Input((*size, 8))).shape[1:] == expected.shape[1:]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("size", [(1, 1), (4, 5), (5, 6)])
def test_stem_pooling_passes_nan_on_and_nothing_else(size, dtype):
    images = IMAGES[:, : size[0], : size[1]].copy()
    images[0, 0, 0, 0] = np.nan
    images[1] = np.nan
    images[2] = np.inf
    images[3] = np.finfo(dtype).max
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    rows, columns = (range(0, length, 2) for length in size)
    expected = [[padded[:, i : i + 3, j : j + 3].max((1, 2)) for j in columns] for i in rows]
    expected = np.transpose(expected, (2, 0, 1, 3)).astype(dtype)
    layer = StemPooling(dtype=dtype)
    np.testing.assert_array_equal(layer(images.astype(dtype)), expected)
    np.testing.assert_array_equal(tf.function(layer)(images.astype(dtype)), expected)


def test_a_loss_tells_of_one_nan_in_the_images():
    model = xresnet(10, block_counts=(1,), expansion=1, stem_widths=(8,))
    images = np.zeros((4, 16, 16, 3), "float32")
    images[1, 5, 5, 0] = np.nan
    for training in (True, False):
        logits = np.array(model(images, training=training))
        assert np.isnan(logits[1]).all()
        assert np.isnan(logits).all() == training  # batch norm shares it
    # What the one batch did to the statistics would stay.
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
