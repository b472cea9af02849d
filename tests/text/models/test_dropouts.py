import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import check_layer

from tfast.text.models import dropouts
from tfast.text.models.dropouts import EmbeddingDropout, WeightDrop, WindowDropout

SEQUENCES = np.random.RandomState(0).standard_normal((2, 6, 3)).astype("float32")


def built(kind, rate=0.5, **kwargs):
    """A wrapped layer and a bare one with the same weights."""
    wrapped = WeightDrop(kind(4, **kwargs), rate)
    bare = kind(4, **kwargs)
    wrapped.build(SEQUENCES.shape)
    bare.build(SEQUENCES.shape)
    bare.set_weights(wrapped.layer.get_weights())
    return wrapped, bare


def gradient_of_recurrent_kernel(layer, **kwargs):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(SEQUENCES, **kwargs) ** 2)
    return tape.gradient(loss, layer.layer.cell.recurrent_kernel.value).numpy()


@pytest.mark.parametrize("kind", [keras.layers.LSTM, keras.layers.GRU])
def test_weight_drop_keeps_the_layer_contract(kind, tmp_path):
    def make_layer():
        return WeightDrop(kind(4, return_sequences=True), 0.5, seed=1)

    check_layer(make_layer, SEQUENCES, tmp_path=tmp_path)


@pytest.mark.parametrize("kind", [keras.layers.LSTM, keras.layers.GRU])
def test_weight_drop_is_identity_at_inference(kind):
    wrapped, bare = built(kind, return_sequences=True, return_state=True)
    for ours, theirs in zip(wrapped(SEQUENCES), bare(SEQUENCES), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("kind", [keras.layers.LSTM, keras.layers.GRU])
def test_weight_drop_masks_and_scales_and_leaves_the_stored_weight(kind):
    wrapped, bare = built(kind, rate=0.5)
    stored = wrapped.layer.cell.recurrent_kernel
    before = stored.numpy()
    gradient = gradient_of_recurrent_kernel(wrapped, training=True)
    np.testing.assert_array_equal(stored.numpy(), before)
    assert wrapped.layer.cell.recurrent_kernel is stored
    kept = gradient != 0
    assert 0.2 < kept.mean() < 0.8
    assert np.all(gradient_of_recurrent_kernel(wrapped) != 0)

    wrapped.seed_generator.state.assign([7, 0])
    dropped = wrapped(SEQUENCES, training=True)
    wrapped.seed_generator.state.assign([7, 0])
    kept = gradient_of_recurrent_kernel(wrapped, training=True) != 0
    bare.cell.recurrent_kernel.assign(before * kept / 0.5)
    np.testing.assert_allclose(dropped, bare(SEQUENCES), atol=1e-6)


def test_weight_drop_draws_anew_for_each_call():
    wrapped, _ = built(keras.layers.LSTM)
    assert np.any(wrapped(SEQUENCES, training=True) != wrapped(SEQUENCES, training=True))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"activation": "relu"},
        {"use_bias": False},
        {"go_backwards": True},
        {"dropout": 0.1},
        {"unroll": True},
        {"return_sequences": True},
        {"return_state": True},
    ],
    ids=str,
)
def test_weight_drop_follows_the_arguments_of_the_layer(kwargs):
    wrapped, bare = built(keras.layers.LSTM, **kwargs)
    ours, theirs = wrapped(SEQUENCES), bare(SEQUENCES)
    for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(theirs), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_where_cudnn_is_at_hand_the_layer_runs_itself(monkeypatch):
    monkeypatch.setattr(dropouts, "_has_cudnn", lambda: True)
    assert not dropouts._suits_the_kernel(keras.layers.LSTM(4))
    assert dropouts._suits_the_kernel(keras.layers.LSTM(4, use_cudnn=False))
    wrapped, bare = built(keras.layers.LSTM)
    np.testing.assert_allclose(wrapped(SEQUENCES), bare(SEQUENCES), atol=1e-6)
    assert np.any(gradient_of_recurrent_kernel(wrapped, training=True) == 0)


def test_weight_drop_takes_a_mask():
    wrapped, bare = built(keras.layers.LSTM)
    mask = np.arange(6) < np.array([[6], [2]])
    np.testing.assert_allclose(wrapped(SEQUENCES, mask=mask), bare(SEQUENCES, mask=mask), atol=1e-6)


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
        (lambda: WeightDrop(keras.layers.Dense(3), 0.5), "LSTM or GRU"),
        (lambda: WeightDrop(keras.layers.LSTM(3), 1.0), "rate must be"),
        (lambda: WindowDropout(0.5, 0), "window must be"),
        (lambda: EmbeddingDropout(keras.layers.Dense(3), 0.5), "Embedding"),
        (lambda: EmbeddingDropout(keras.layers.Embedding(3, 4), -0.1), "rate must be"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
