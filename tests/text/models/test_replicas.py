"""Training on several devices equals training on one: losses, weights and carried states."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import two_replicas

from tfast.text.classifier_batches import classifier_batches
from tfast.text.lm_batches import lm_batches
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.models.replicas import num_replicas, prepare_data
from tfast.text.models.weight_drop import WeightDrop
from tfast.training.optimizers.fused_adam import FusedAdam

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 1, "seed": 0}


def windows(batch_size=4, length=5, tokens=45):
    stream = np.random.RandomState(0).randint(2, 20, tokens).astype("int32")
    documents = tf.RaggedTensor.from_row_lengths(stream, [tokens - 10, 10])
    return lm_batches(documents, batch_size=batch_size, sequence_length=length, training=False)


def make_under(strategy, make, optimizer=None, **compile_options):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = make()
        model.compile(optimizer() if optimizer else keras.optimizers.SGD(0.1), **compile_options)
    return model


def on_one_and_two(make, train, **options):
    """The model of each, and what `train` returns for each."""
    models = [
        make_under(strategy, make, **options)
        for strategy in (tf.distribute.get_strategy(), two_replicas())
    ]
    return models, [train(model) for model in models]


def check_same_weights(one, two, atol=1e-6):
    for ours, theirs in zip(one.weights, two.weights, strict=True):
        np.testing.assert_allclose(
            theirs.numpy(), ours.numpy(), rtol=1e-5, atol=atol, err_msg=ours.path
        )


def check_same_history(one, two, rtol=1e-5):
    assert one.keys() == two.keys()
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, rtol=rtol, err_msg=name)


def language_model(**options):
    return LanguageModel(20, **(SIZES | {"drop_mult": 0.0, "max_batch_size": 5} | options))


def fused_adam():
    return FusedAdam(0.01)


@pytest.mark.parametrize("optimizer", [None, pytest.param(fused_adam, marks=pytest.mark.slow)])
def test_a_language_model_learns_and_carries_the_same(optimizer):
    def train(model):
        return model.fit(
            windows(), validation_data=windows(), epochs=2, shuffle=False, verbose=0
        ).history

    models, histories = on_one_and_two(language_model, train, optimizer=optimizer)
    check_same_history(*histories)
    check_same_weights(*models, atol=1e-5)
    for states in (models[1].carried_states.of_training, models[1].carried_states.of_evaluation):
        for state in states:
            assert np.all(np.any(state.numpy()[:4], axis=1)), "rows of all replicas"
            assert not np.any(state.numpy()[4:])
            copies = [copy.numpy() for copy in state.value.values]
            np.testing.assert_array_equal(*copies)


def test_weight_drop_drops_the_same_weights_on_each_device():
    def train(model):
        return model.fit(windows(), epochs=2, shuffle=False, verbose=0).history

    dropped = {"weight_rate": 0.5, "drop_mult": 1.0}
    others = dict.fromkeys(["output_rate", "hidden_rate", "input_rate", "embedding_rate"], 0.0)
    models, histories = on_one_and_two(lambda: language_model(**dropped, **others), train)
    check_same_history(*histories)
    check_same_weights(*models)
    plain = make_under(tf.distribute.get_strategy(), language_model)
    assert train(plain)["loss"] != pytest.approx(histories[0]["loss"], rel=1e-6)


def test_with_every_dropout_the_devices_still_agree_with_each_other():
    model = make_under(two_replicas(), lambda: language_model(drop_mult=1.0))
    loss = model.fit(windows(), epochs=2, shuffle=False, verbose=0).history["loss"]
    assert np.isfinite(loss).all()
    for weight in model.weights:
        np.testing.assert_array_equal(*[copy.numpy() for copy in weight.value.values])


def test_a_checkpoint_of_two_devices_continues_on_one(tmp_path):
    def train(model):
        model.fit(windows(), shuffle=False, verbose=0)
        model.save(tmp_path / f"{num_replicas()}.keras")
        model.save_weights(tmp_path / "model.weights.h5")
        return

    (one, _), _ = on_one_and_two(language_model, train)
    loaded = make_under(tf.distribute.get_strategy(), language_model)
    loaded.load_weights(tmp_path / "model.weights.h5")
    check_same_weights(one, loaded)
    inputs = next(iter(windows()))[0] | {"starts_anew": np.zeros(4, bool)}
    np.testing.assert_allclose(loaded(inputs)["logits"], one(inputs)["logits"], atol=1e-6)


def test_booleans_are_taken_from_arrays_too():
    ids = np.random.RandomState(0).randint(2, 20, (8, 6))
    inputs = {"token_ids": ids[:, :-1], "starts_anew": np.ones(8, bool)}

    def train(model):
        options = {"batch_size": 4, "verbose": 0}
        history = model.fit(
            inputs, ids[:, 1:], shuffle=False, validation_data=(inputs, ids[:, 1:]), **options
        ).history
        scores = model.evaluate(inputs, ids[:, 1:], return_dict=True, **options)
        logits = model.predict(inputs, **options)["logits"]
        return {**history, **scores, "logits": logits}

    models, results = on_one_and_two(language_model, train)
    for name, value in results[0].items():
        np.testing.assert_allclose(results[1][name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    check_same_weights(*models)


def test_booleans_stay_where_there_is_one_device():
    data = windows()
    assert prepare_data(language_model(), data, max_rows=5) is data
    several = make_under(two_replicas(), language_model)
    assert prepare_data(several, data, max_rows=5).element_spec[0]["starts_anew"].dtype == tf.int32
    assert prepare_data(several, "something else", max_rows=5) == "something else"


def test_a_batch_with_more_rows_than_are_carried_is_named():
    model = make_under(two_replicas(), lambda: language_model(max_batch_size=3))
    with pytest.raises(ValueError, match=r"at most 3 rows \(max_batch_size\), .* got 4"):
        model.fit(windows(), shuffle=False, verbose=0)


def test_clipping_each_device_by_itself_is_refused():
    def clipped():
        return FusedAdam(0.01, global_clipnorm=0.1)

    model = make_under(two_replicas(), language_model, clipped)
    with pytest.raises(ValueError, match=r"must not clip .*, got global_clipnorm=0\.1"):
        model.fit(windows(), shuffle=False, verbose=0)


def test_a_batch_that_cannot_be_divided_among_the_devices_is_named():
    model = make_under(two_replicas(), language_model)
    for act in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match="the same number for each of 2 replicas, got 3"):
            act(windows(3), verbose=0)


def test_a_last_batch_of_fewer_rows_counts_by_its_rows():
    ids = np.random.RandomState(0).randint(2, 20, (7, 6))
    inputs = {"token_ids": ids[:, :-1], "starts_anew": np.zeros(7, bool)}

    def train(model):
        options = {"batch_size": 4, "shuffle": False, "verbose": 0}
        return model.fit(inputs, ids[:, 1:], **options).history

    models, histories = on_one_and_two(language_model, train)
    check_same_history(*histories)
    check_same_weights(*models)


def documents(reverse=False):
    random = np.random.RandomState(0)
    rows = [random.randint(2, 20, length) for length in (9, 3, 7, 2, 8, 4, 5, 6)]
    return classifier_batches(
        tf.ragged.constant([row.tolist() for row in rows], dtype="int32"),
        [0, 1, 2, 0, 1, 2, 0, 1],
        num_classes=3,
        batch_size=4,
        training=False,
        reverse=reverse,
    )


def text_classifier(**options):
    options = {"drop_mult": 0.0, "head_rate": 0.0, "window": 2, "max_length": 4} | options
    return TextClassifier(20, 3, **SIZES, **options)


def both_directions():
    return ForwardBackwardClassifier(text_classifier(), text_classifier())


@pytest.mark.parametrize(
    "make", [text_classifier, pytest.param(both_directions, marks=pytest.mark.slow)]
)
def test_a_classifier_learns_and_is_evaluated_the_same(make):
    def train(model):
        history = model.fit(documents(), shuffle=False, verbose=0).history
        scores = model.evaluate(documents(), verbose=0, return_dict=True)
        return history | {f"val_{name}": value for name, value in scores.items()}

    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    models, histories = on_one_and_two(make, train, loss=loss, metrics=["accuracy"])
    # Norms of few and nearly equal values enlarge what differs in the last digits.
    check_same_history(*histories, rtol=1e-3)
    check_same_weights(*models, atol=1e-3)


@pytest.mark.parametrize("kind", [keras.layers.LSTM, keras.layers.GRU])
def test_a_layer_with_dropped_weights_learns_the_same(kind):
    sequences = np.random.RandomState(0).standard_normal((8, 6, 3)).astype("float32")

    def make():
        layers = [WeightDrop(kind(4, seed=1), 0.5, seed=2), keras.layers.Dense(1)]
        return keras.Sequential([keras.Input((6, 3)), *layers])

    def train(model):
        options = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0}
        return model.fit(sequences, sequences.sum((1, 2)), **options).history

    models, histories = on_one_and_two(make, train, loss="mse")
    check_same_history(*histories)
    check_same_weights(*models)
