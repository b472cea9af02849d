import keras
import numpy as np
import pytest
from golden_weights import golden_arrays, golden_json, golden_state_dict, wave

from tfast.fastai.xresnet import xresnet_from_fastai
from tfast.training.batch_norm import BatchNorm
from tfast.vision.transfer import transfer_model
from tfast.vision.xresnet import xresnet


@pytest.mark.slow  # about 15 seconds of compiling
def test_logits_are_fastais():
    keys = golden_json("fastai_numerics.json")["xresnet18"]["keys"]
    model = xresnet_from_fastai(golden_state_dict(keys))
    images = wave((2, 3, 67, 64), 3).transpose(0, 2, 3, 1).astype("float32")
    expected = golden_arrays("fastai_numerics.npz")["xresnet18_logits"]
    np.testing.assert_allclose(
        model.predict(images, verbose=0), expected, rtol=0, atol=1e-5 * np.abs(expected).max()
    )


def test_moving_variance_follows_the_biased_variance():
    images = np.random.default_rng(0).normal(3, 2, (4, 3, 5, 6)).astype("float32")
    layer = BatchNorm(momentum=0.75)
    layer(images, training=True)
    expected = 0.75 + 0.25 * images.var(axis=(0, 1, 2))
    np.testing.assert_allclose(layer.moving_variance, expected, rtol=1e-5)


def test_transferred_model_trains_from_numpy_arrays():
    options = {"squeeze_reduction": 4, "self_attention": True, "stem_widths": (8,)}
    model = transfer_model(xresnet(3, block_counts=(1,), expansion=1, **options), 3)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images = np.random.default_rng(0).normal(size=(8, 9, 8, 3)).astype("float32")
    losses = model.fit(images, np.arange(8) % 3, epochs=8, batch_size=8, verbose=0)
    assert losses.history["loss"][-1] < losses.history["loss"][0]
