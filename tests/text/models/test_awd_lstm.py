import keras
import numpy as np
import pytest

from tfast.text.models.awd_lstm import AWDLSTM, TiedDecoder
from tfast.text.models.dropouts import WindowDropout

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 3}
IDS = np.random.RandomState(0).randint(2, 20, (2, 7))


def test_an_encoder_is_its_layers_one_after_another():
    encoder = AWDLSTM(20, **SIZES)
    outputs, states = encoder(IDS)
    expected, expected_states = encoder.embeddings.numpy()[IDS], []
    for wrapper in encoder.lstms:
        expected, *after = wrapper.layer(expected)
        expected_states += after
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    for state, other in zip(states, expected_states, strict=True):
        np.testing.assert_allclose(state, other, atol=1e-6)
    assert [state.shape[1] for state in states] == encoder.state_widths == [6, 6, 6, 6, 4, 4]


def test_states_are_arguments_and_results():
    encoder = AWDLSTM(20, **SIZES)
    whole, last = encoder(IDS)
    _, states = encoder(IDS[:, :3])
    rest, states = encoder(IDS[:, 3:], states=states)
    np.testing.assert_allclose(rest, whole[:, 3:], atol=1e-6)
    for state, other in zip(states, last, strict=True):
        np.testing.assert_allclose(state, other, atol=1e-6)
    again, _ = encoder(IDS, states=encoder.initial_states(2))
    np.testing.assert_allclose(again, whole, atol=1e-6)


@pytest.mark.parametrize("rate", ["input_rate", "hidden_rate", "embedding_rate", "weight_rate"])
def test_each_rate_drops_in_training_alone(rate):
    names = ("input_rate", "hidden_rate", "embedding_rate", "weight_rate")
    encoder = AWDLSTM(20, **SIZES, **{name: 0.6 * (name == rate) for name in names}, seed=0)
    plain, _ = encoder(IDS)
    dropped, _ = encoder(IDS, training=True)
    other, _ = encoder(IDS, training=True)
    assert np.abs(dropped - plain).max() > 1e-4
    assert np.abs(dropped - other).max() > 1e-4
    np.testing.assert_array_equal(encoder(IDS)[0], plain)


def test_each_dropout_has_a_seed_of_its_own():
    encoder = AWDLSTM(20, **SIZES, window=3, seed=5)
    dropouts = [encoder.embedding, encoder.input_dropout, *encoder.lstms, *encoder.hidden_dropouts]
    assert [layer.seed for layer in dropouts] == list(range(5, 5 + 7))
    assert isinstance(encoder.input_dropout, WindowDropout)


def test_a_config_of_version_0_2_is_read():
    config = {
        "name": "encoder", "trainable": True, "dtype": "float32", "vocab_size": 20,
        "embed_size": 4, "hidden_size": 6, "num_layers": 2, "input_rate": 0.25,
        "hidden_rate": 0.15, "embedding_rate": 0.02, "weight_rate": 0.2, "drop_mult": 0.5,
        "seed": 7, "window": None,
    }  # fmt: skip
    encoder = AWDLSTM.from_config(dict(config))
    assert config.items() <= (encoder.get_config() | {"dtype": "float32"}).items()
    again = AWDLSTM.from_config(encoder.get_config())
    assert again.get_config() == encoder.get_config()


def test_the_decoder_is_tied_and_adds_its_bias_in_float32():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    random = np.random.RandomState(0)
    hidden, embeddings = random.standard_normal((2, 3, 4)), random.standard_normal((9, 4))
    decoder = TiedDecoder(9)
    decoder.bias.assign(np.arange(9.0))
    logits = decoder(hidden.astype("float16"), embeddings.astype("float16"))
    assert logits.dtype == "float32"
    np.testing.assert_allclose(logits, hidden @ embeddings.T + np.arange(9.0), atol=1e-2)


@pytest.mark.parametrize("training", [False, True])
def test_the_decoder_hands_on_masks(training):
    embedding = keras.layers.Embedding(9, 4, mask_zero=True)
    embedded = embedding(np.array([[1, 2, 0]]))
    logits = TiedDecoder(9)(embedded, np.ones((9, 4), "float32"), training=training)
    np.testing.assert_array_equal(logits._keras_mask, [[True, True, False]])


def test_bad_windows_are_named():
    with pytest.raises(ValueError, match="window must be a whole number of at least 1, got 0"):
        AWDLSTM(20, **SIZES, window=0)
