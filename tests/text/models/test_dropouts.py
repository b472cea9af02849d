import keras
import numpy as np
import pytest
from checks import check_layer

from tfast.text.models.dropouts import EmbeddingDropout, WindowDropout


def test_embedding_dropout_keeps_the_layer_contract(tmp_path):
    def make_layer():
        return EmbeddingDropout(keras.layers.Embedding(9, 4), 0.5, seed=1)

    check_layer(make_layer, np.array([[1, 2, 8], [0, 1, 1]]), tmp_path=tmp_path)


def test_embedding_dropout_drops_a_word_everywhere_and_scales_the_others():
    layer = EmbeddingDropout(keras.layers.Embedding(100, 4), 0.25)
    ids = np.stack([np.arange(100), np.arange(100)[::-1]])
    plain = layer(ids).numpy()
    dropped = layer(ids, training=True).numpy()
    kept = dropped.any(axis=-1)
    assert 0.6 < kept.mean() < 0.9
    np.testing.assert_array_equal(kept[0], kept[1][::-1])
    np.testing.assert_allclose(dropped, plain * kept[..., None] / 0.75, rtol=1e-6)


def test_window_dropout_keeps_the_layer_contract(tmp_path):
    inputs = np.ones((2, 7, 4), "float32")
    check_layer(lambda: WindowDropout(0.5, 3, seed=1), inputs, tmp_path=tmp_path)


def test_window_dropout_draws_one_mask_for_each_window_and_scales():
    inputs = keras.random.normal((2, 7, 100), seed=0)
    outputs = np.array(WindowDropout(0.25, 3, seed=1)(inputs, training=True))
    masks = outputs / np.array(inputs)
    windows = [masks[:, :3], masks[:, 3:6], masks[:, 6:]]
    for window in windows:
        np.testing.assert_allclose(window, np.repeat(window[:, :1], window.shape[1], axis=1))
        assert set(np.unique(window.round(5))) == {0, np.float32(1 / 0.75).round(5)}
        assert 0.6 < np.mean(window > 0) < 0.9
    assert np.any(windows[0][:, 0] != windows[1][:, 0])
    assert np.any(windows[0][0] != windows[0][1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WindowDropout(0.5, 0), "window must be"),
        (lambda: EmbeddingDropout(keras.layers.Dense(3), 0.5), "Embedding"),
        (lambda: EmbeddingDropout(keras.layers.Embedding(3, 4), -0.1), "rate must be"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("training", [False, True])
def test_embedding_dropout_hands_on_the_mask_of_the_embedding(training):
    ids = np.array([[3, 1, 0, 0], [1, 2, 4, 0]])
    layer = EmbeddingDropout(keras.layers.Embedding(5, 3, mask_zero=True), 0.5, seed=0)
    np.testing.assert_array_equal(layer(ids, training=training)._keras_mask, ids != 0)
    plain = EmbeddingDropout(keras.layers.Embedding(5, 3), 0.5, seed=0)
    assert getattr(plain(ids, training=training), "_keras_mask", None) is None


@pytest.mark.parametrize("training", [False, True])
def test_a_model_pools_only_real_words_in_training_too(training):
    ids = np.array([[3, 1, 0, 0]])
    inputs = keras.Input((None,), dtype="int32")
    embedding = EmbeddingDropout(keras.layers.Embedding(5, 3, mask_zero=True), 1e-9, seed=0)
    dropped = WindowDropout(1e-9, 2)(embedding(inputs))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(dropped))
    expected = np.mean(embedding.layer.embeddings.numpy()[[3, 1]], axis=0)
    np.testing.assert_allclose(model(ids, training=training)[0], expected, rtol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_window_dropout_hands_on_masks(training):
    embedded = keras.layers.Embedding(5, 3, mask_zero=True)(np.array([[3, 1, 0, 0]]))
    outputs = WindowDropout(0.5, 2)(embedded, training=training)
    np.testing.assert_array_equal(outputs._keras_mask, [[True, True, False, False]])
