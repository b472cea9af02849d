import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_text import FASTAI, SIZES, load_classifier
from golden_weights import golden_arrays

from tfast.text.models.classifier import TextClassifier, concat_pooling, layer_groups
from tfast.training.layer_groups import group_weights

DOCUMENTS = FASTAI["classifier"]["docs"]


def padded(documents, extra=0):
    time = max(len(document) for document in documents) + extra
    ids = [document + [1] * (time - len(document)) for document in documents]
    return {
        "token_ids": np.array(ids, "int32"),
        "lengths": np.array([len(document) for document in documents], "int32"),
    }


def small_model(**kwargs):
    sizes = {"embed_size": 4, "hidden_size": 6, "num_layers": 2, "seed": 0}
    return TextClassifier(50, 3, **(sizes | kwargs))


def random_documents(*lengths):
    random = np.random.RandomState(0)
    return [random.randint(2, 50, length).tolist() for length in lengths]


def test_logits_of_a_padded_batch_equal_those_of_fastai_for_each_document_alone():
    model = TextClassifier(50, 3, **SIZES)
    load_classifier(model)
    expected = golden_arrays("fastai_numerics.npz")["classifier_logits_unpadded"]
    np.testing.assert_allclose(model(padded(DOCUMENTS)), expected, atol=1e-5)


@pytest.mark.parametrize("max_length", [100, 5])
def test_logits_do_not_depend_on_the_rest_of_the_batch(max_length):
    model = small_model(window=3, max_length=max_length)
    together = model(padded(random_documents(17, 2, 9, 6, 1), extra=4))
    for document, logits in zip(random_documents(17, 2, 9, 6, 1), together, strict=True):
        np.testing.assert_allclose(model(padded([document]))[0], logits, atol=1e-6)


def test_only_the_last_tokens_are_pooled_but_the_state_knows_all():
    whole = small_model(max_length=100)
    model = small_model(window=3, max_length=5)
    model.set_weights(whole.get_weights())
    document = random_documents(17)
    outputs, _ = whole.encoder(np.array(document))
    pooled = np.concatenate(
        [outputs[:, -1], np.max(outputs[:, -5:], axis=1), np.mean(outputs[:, -5:], axis=1)], axis=1
    )
    for layer in whole.head:
        pooled = layer(pooled)
    np.testing.assert_allclose(model(padded(document)), pooled, atol=1e-6)


def gradient_by_token(model, inputs):
    """Size of the loss's gradient towards the embedded tokens that were read with gradients."""
    table, seen = model.encoder.embedding.layer, []
    look_up = table.call
    table.call = lambda ids: seen.append(look_up(ids)) or seen[-1]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(inputs, training=True)))
    return np.abs(tape.gradient(loss, seen[-1])).sum(axis=-1) > 0


def test_gradients_reach_the_last_tokens_of_each_document_whatever_else_is_in_the_batch():
    model = small_model(window=3, max_length=5, drop_mult=0.0)
    reached = gradient_by_token(model, padded(random_documents(17, 2, 9, 6)))
    # 17 - 5 = 12 is the edge of a window, 9 - 5 = 4 is one token behind one, 6 - 5 < 3.
    np.testing.assert_array_equal(reached.sum(axis=1), [5, 2, 6, 6])


def test_what_stands_before_the_pooled_tokens_is_read_without_dropout():
    model = small_model(window=3, max_length=5)
    read, seen = model.encoder.call, []

    def watched(token_ids, states=None, training=False):
        seen.append(training)
        return read(token_ids, states=states, training=training)

    model.encoder.call = watched
    model(padded(random_documents(17)), training=True)
    assert set(seen[:-1]) == {False}
    assert seen[-1] is True


def test_each_window_of_a_document_has_locked_masks_of_its_own():
    model = small_model(window=3, weight_rate=0.0, embedding_rate=0.0)
    dropout = model.encoder.input_dropout
    outputs = np.array(dropout(np.ones((2, 6, 4), "float32"), training=True))
    np.testing.assert_array_equal(outputs[:, 0], outputs[:, 2])
    assert np.any(outputs[:, 0] != outputs[:, 3])


def test_no_two_dropouts_share_a_seed():
    model = small_model()
    layers = [layer for layer in model._flatten_layers() if getattr(layer, "rate", 0)]
    seeds = [layer.seed for layer in layers]
    assert len(set(seeds)) == len(seeds) == 2 * 2 + 1 + 2


def test_graph_with_unknown_lengths_equals_eager():
    model = small_model(window=3, max_length=5)
    graph = tf.function(
        model,
        input_signature=[
            {
                "token_ids": tf.TensorSpec([None, None], tf.int32),
                "lengths": tf.TensorSpec([None], tf.int32),
            }
        ],
    )
    for lengths in [(17, 2), (3,), (8, 7, 8)]:
        inputs = padded(random_documents(*lengths))
        inputs = {key: tf.constant(value) for key, value in inputs.items()}
        np.testing.assert_allclose(graph(inputs), model(inputs), atol=1e-6)


def test_pooling_by_hand():
    outputs = np.array([[[5.0], [1.0], [3.0], [9.0]], [[-2.0], [7.0], [7.0], [7.0]]])
    pooled = concat_pooling(outputs, np.array([3, 1]), 2)
    np.testing.assert_array_equal(pooled, [[3.0, 3.0, 2.0], [-2.0, -2.0, -2.0]])


def test_it_learns_and_is_the_same_after_saving(tmp_path):
    inputs = padded(random_documents(7, 2, 9, 6, 1, 5))
    targets = np.eye(3)[[0, 1, 2, 0, 1, 2]]
    model = small_model(num_layers=1, max_length=5, window=3, drop_mult=0.0, head_rate=0.0)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    history = model.fit(inputs, targets, epochs=8, batch_size=6, verbose=0).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_allclose(loaded(inputs), model(inputs), atol=1e-6)


def test_mixed_precision_gives_float32_logits():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    logits = small_model()(padded(random_documents(7, 2)))
    assert logits.dtype == "float32"
    assert np.isfinite(logits).all()


def test_an_export_of_a_fitted_model_takes_ids(tmp_path):
    model = small_model(num_layers=1)
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    inputs = padded(random_documents(7, 2, 5))
    model.fit(inputs, np.eye(3), verbose=0)
    model.export(tmp_path / "model", verbose=False)
    served = tf.saved_model.load(tmp_path / "model")
    for documents in (random_documents(7, 2, 5), random_documents(3)):
        inputs = {name: tf.constant(value) for name, value in padded(documents).items()}
        np.testing.assert_allclose(served.serve(inputs), model(inputs), atol=1e-6)


def test_a_config_of_version_0_2_is_read():
    config = {
        "name": "text_classifier", "trainable": True, "dtype": "float32", "vocab_size": 20,
        "embed_size": 4, "hidden_size": 6, "num_layers": 2, "input_rate": 0.4,
        "hidden_rate": 0.3, "embedding_rate": 0.05, "weight_rate": 0.4, "drop_mult": 1.0,
        "seed": 1, "num_classes": 3, "output_rate": 0.4, "head_size": 5, "head_rate": 0.1,
        "window": 3, "max_length": 5,
    }  # fmt: skip
    model = TextClassifier.from_config(dict(config))
    assert model.get_config() | {"dtype": "float32"} == config
    assert [weight.path for weight in model.weights if "seed" not in weight.path] == [
        "encoder/embedding/embedding/embeddings",
        *(f"encoder/lstm_{i}/lstm{'_1' * (i == 2)}/lstm_cell/{name}" for i in (1, 2)
          for name in ("kernel", "recurrent_kernel", "bias")),
        *(f"{layer}/{name}" for layer, names in {
            "norm_1": ("gamma", "beta", "moving_mean", "moving_variance"), "dense_1": ("kernel",),
            "norm_2": ("gamma", "beta", "moving_mean", "moving_variance"), "dense_2": ("kernel",),
        }.items() for name in names),
    ]  # fmt: skip


def test_layer_groups_hold_every_weight_once():
    model = small_model()
    assert [len(group) for group in group_weights(model, layer_groups(model))] == [1, 3, 3, 10]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"window": 0}, "window must be a whole number of at least 1"),
        ({"max_length": 0}, "max_length must be a whole number of at least 1"),
        ({"output_rate": 0.7, "drop_mult": 1.5}, "output_rate times drop_mult"),
        ({"head_rate": 1.0}, "head_rate"),
    ],
)
def test_bad_arguments_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        small_model(**kwargs)
