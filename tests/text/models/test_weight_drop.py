import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import check_layer

from tfast.text.models import weight_drop
from tfast.text.models.weight_drop import WeightDrop

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


def test_weight_drop_has_a_new_mask_for_each_call():
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
    monkeypatch.setattr(weight_drop, "_has_cudnn", lambda: True)
    assert not weight_drop._suits_the_kernel(keras.layers.LSTM(4))
    assert weight_drop._suits_the_kernel(keras.layers.LSTM(4, use_cudnn=False))
    wrapped, bare = built(keras.layers.LSTM)
    np.testing.assert_allclose(wrapped(SEQUENCES), bare(SEQUENCES), atol=1e-6)
    assert np.any(gradient_of_recurrent_kernel(wrapped, training=True) == 0)


def test_weight_drop_takes_a_mask():
    wrapped, bare = built(keras.layers.LSTM)
    mask = np.arange(6) < np.array([[6], [2]])
    np.testing.assert_allclose(wrapped(SEQUENCES, mask=mask), bare(SEQUENCES, mask=mask), atol=1e-6)


class Doubled(keras.layers.LSTM):
    """A layer with a call of its own."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        return 2 * super().call(sequences, initial_state, mask, training)


class Peephole(keras.layers.LSTMCell):
    """Another cell, under an ordinary LSTM."""

    def call(self, inputs, states, training=False):
        output, states = super().call(inputs, states, training=training)
        return output + states[1], [output + states[1], states[1]]


class WithPeepholes(keras.layers.LSTM):
    def __init__(self, units, **kwargs):
        super().__init__(units, use_cudnn=False, **kwargs)
        self.cell = Peephole(units)


def regularized(units, **kwargs):
    return keras.layers.LSTM(units, activity_regularizer=keras.regularizers.L2(0.1), **kwargs)


def short(units, **kwargs):
    return keras.layers.LSTM(units, dtype="float16", **kwargs)


MASK = np.arange(6) < np.array([[6], [2]])
WAYS = {
    "kernel": (keras.layers.LSTM, {}),
    "backwards": (lambda units: keras.layers.LSTM(units, go_backwards=True), {}),
    "gru": (keras.layers.GRU, {}),
    "mask": (keras.layers.LSTM, {"mask": MASK}),
    "subclass": (Doubled, {}),
    "cell": (WithPeepholes, {}),
    "regularizer": (regularized, {}),
    "float16": (short, {}),
}


def with_cell_replaced(units):
    layer = keras.layers.LSTM(units, use_cudnn=False)
    layer.cell = Peephole(units)
    return layer


@pytest.mark.parametrize("way", WAYS)
def test_each_way_through_the_layer_is_the_layer_with_and_without_dropping(way):
    kind, options = WAYS[way]
    wrapped, bare = built(kind)
    tolerance = 2e-3 if way == "float16" else 1e-6
    np.testing.assert_allclose(
        wrapped(SEQUENCES, **options), bare(SEQUENCES, **options), atol=tolerance
    )
    np.testing.assert_allclose(wrapped.losses, bare.losses, rtol=1e-6)
    assert len(wrapped.losses) == (way == "regularizer")

    wrapped.seed_generator.state.assign([7, 0])
    dropped = wrapped(SEQUENCES, training=True, **options)
    losses = wrapped.losses
    wrapped.seed_generator.state.assign([7, 0])
    kernel = wrapped.layer.cell.recurrent_kernel
    kept = keras.random.dropout(tf.ones_like(kernel), wrapped.rate, seed=wrapped.seed_generator)
    assert 0.2 < np.mean(kept > 0) < 0.8
    bare.cell.recurrent_kernel.assign(kernel * kept)
    np.testing.assert_allclose(dropped, bare(SEQUENCES, **options), atol=tolerance)
    np.testing.assert_allclose(losses[-1:], bare.losses[-1:], rtol=1e-6)


def test_a_cell_put_in_the_place_of_the_layers_own_is_used():
    wrapped, bare = built(with_cell_replaced)
    np.testing.assert_allclose(wrapped(SEQUENCES), bare(SEQUENCES), atol=1e-6)
    gradient = gradient_of_recurrent_kernel(wrapped, training=True)
    assert 0.2 < np.mean(gradient != 0) < 0.8


def test_a_regularized_layer_adds_its_loss_once_a_step_in_fit():
    model = keras.Sequential([WeightDrop(regularized(4), 0.5, seed=0)])
    model.compile("sgd", "mse")
    model.layers[0].rate = 0.0
    targets = np.zeros((2, 4), "float32")
    outputs = model(SEQUENCES)
    expected = np.mean(np.square(outputs)) + 0.1 * np.sum(np.square(outputs)) / 2
    model.layers[0].rate = 1e-9  # drops nothing, and goes the way of dropping
    np.testing.assert_allclose(model.train_on_batch(SEQUENCES, targets), expected, rtol=1e-5)


def test_a_cell_without_the_weights_to_drop_from_is_refused():
    class Other(keras.layers.LSTM):
        def __init__(self, units):
            super().__init__(units)
            self.cell = keras.layers.StackedRNNCells([keras.layers.LSTMCell(units)])

    with pytest.raises(ValueError, match="must have a cell with a recurrent_kernel"):
        WeightDrop(Other(4), 0.5)(SEQUENCES)


@pytest.mark.parametrize("way", [*WAYS, "cudnn"])
def test_threads_do_not_disturb_each_other(way, monkeypatch):
    kind, options = WAYS.get(way, WAYS["kernel"])
    monkeypatch.setattr(weight_drop, "_has_cudnn", lambda: way == "cudnn")
    wrapped, _ = built(kind)
    stored = wrapped.layer.cell.recurrent_kernel
    expected = wrapped(SEQUENCES, **options).numpy()
    started, wrong = threading.Barrier(5), []

    def run(training):
        started.wait()
        for _ in range(8):
            outputs = wrapped(SEQUENCES, training=training, **options).numpy()
            if not training and np.any(outputs != expected):
                wrong.append(outputs)

    threads = [threading.Thread(target=run, args=(number == 0,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert wrapped.layer.cell.recurrent_kernel is stored
    stored.assign(stored * 0.0)
    assert np.any(wrapped(SEQUENCES, **options).numpy() != expected)


def test_at_inference_and_in_training_the_cell_keeps_its_variable(monkeypatch):
    wrapped, _ = built(keras.layers.GRU)
    stored, seen = wrapped.layer.cell.recurrent_kernel, []
    call = keras.layers.GRUCell.call

    def watched(cell, *args, **kwargs):
        seen.append(wrapped.layer.cell.recurrent_kernel is stored)
        return call(cell, *args, **kwargs)

    monkeypatch.setattr(keras.layers.GRUCell, "call", watched)
    for training in (False, True):
        wrapped(SEQUENCES, training=training)
    assert seen
    assert all(seen)


@pytest.mark.parametrize("kind", [keras.layers.LSTM, keras.layers.GRU])
@pytest.mark.parametrize("return_state", [False, True])
def test_bidirectional_reads_both_ways_and_drops_in_both(kind, return_state, tmp_path):
    def make(wrap):
        layer = kind(4, return_sequences=True, return_state=return_state)
        return keras.layers.Bidirectional(WeightDrop(layer, 0.5) if wrap else layer)

    inputs = keras.Input((6, 3))
    wrapped, bare = make(True), make(False)
    model = keras.Model(inputs, wrapped(inputs))
    bare(SEQUENCES)
    weights = [weight for weight in wrapped.weights if "seed" not in weight.path]
    for ours, theirs in zip(weights, bare.weights, strict=True):
        theirs.assign(ours)
    flat = keras.tree.flatten
    for ours, theirs in zip(flat(wrapped(SEQUENCES)), flat(bare(SEQUENCES)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)

    kernels = [
        d.layer.cell.recurrent_kernel for d in (wrapped.forward_layer, wrapped.backward_layer)
    ]
    with tf.GradientTape() as tape:
        loss = sum(tf.reduce_sum(x**2) for x in flat(wrapped(SEQUENCES, training=True)))
    for gradient in tape.gradient(loss, [kernel.value for kernel in kernels]):
        assert 0.2 < np.mean(gradient != 0) < 0.8

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(flat(loaded(SEQUENCES)), flat(model(SEQUENCES)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_bidirectional_passes_masks_and_switches_on():
    layer = keras.layers.LSTM(4, return_sequences=True, use_cudnn=False)
    both = keras.layers.Bidirectional(WeightDrop(layer, 0.5))
    bare = keras.layers.Bidirectional(layer)
    both(SEQUENCES), bare(SEQUENCES)
    weights = [weight for weight in both.weights if "seed" not in weight.path]
    for ours, theirs in zip(weights, bare.weights, strict=True):
        theirs.assign(ours)
    outputs = both(SEQUENCES, mask=MASK)
    np.testing.assert_allclose(outputs, bare(SEQUENCES, mask=MASK), atol=1e-6)
    assert not np.any(outputs[1, 2:])  # zero_output_for_mask
    assert both.backward_layer.layer.use_cudnn is False
    assert both.backward_layer.layer.go_backwards


def test_a_stateful_layer_keeps_and_resets_its_state():
    wrapped = WeightDrop(keras.layers.LSTM(4, stateful=True), 0.5)
    first = wrapped(SEQUENCES).numpy()
    assert np.any(wrapped(SEQUENCES).numpy() != first)
    wrapped.reset_state()
    np.testing.assert_array_equal(wrapped(SEQUENCES), first)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("return_state", [False, True])
def test_masks_are_used_and_handed_on(training, return_state):
    ids = np.array([[3, 1, 2, 0, 0], [1, 2, 0, 0, 0]])
    embedded = keras.layers.Embedding(5, 3, mask_zero=True)(ids)
    lstm = keras.layers.LSTM(4, return_sequences=True, return_state=return_state)
    outputs = WeightDrop(lstm, 0.5, seed=0)(embedded, training=training)
    outputs = outputs[0] if return_state else outputs
    np.testing.assert_array_equal(outputs._keras_mask, ids != 0)
    np.testing.assert_array_equal(outputs[0, 2], outputs[0, 4])  # nothing is read after the end


def test_a_config_of_version_0_2_is_read():
    config = {
        "name": "weight_drop", "trainable": True, "dtype": "float32", "rate": 0.3, "seed": 7,
        "layer": {
            "module": "keras.layers", "class_name": "LSTM", "registered_name": None,
            "config": {"units": 4, "return_sequences": True, "go_backwards": True},
        },
    }  # fmt: skip
    layer = WeightDrop.from_config(config)
    assert (layer.rate, layer.seed, layer.layer.units, layer.go_backwards) == (0.3, 7, 4, True)
    assert "layer" in config


def test_wrong_ranks_are_refused_by_name():
    with pytest.raises(ValueError, match="expected ndim=3"):
        WeightDrop(keras.layers.LSTM(4), 0.5)(SEQUENCES[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WeightDrop(keras.layers.Dense(3), 0.5), "LSTM or GRU"),
        (lambda: WeightDrop(keras.layers.SimpleRNN(3), 0.5), "LSTM or GRU"),
        (lambda: WeightDrop(keras.layers.LSTM(3), 1.0), "rate must be"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
