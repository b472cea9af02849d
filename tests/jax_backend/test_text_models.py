import keras
import numpy as np

from tfast.text.models.chunked_loss import chunked_softmax_cross_entropy
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.models.tfidf import TfidfClassifier
from tfast.text.models.weight_drop import WeightDrop, _suits_the_kernel

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 2}
IDS = np.random.RandomState(0).randint(2, 20, (4, 21)).astype("int32")


def test_weight_drop_without_training_equals_the_keras_layer():
    inputs = np.random.RandomState(0).standard_normal((2, 5, 3)).astype("float32")
    wrapped, bare = WeightDrop(keras.layers.LSTM(4), 0.5), keras.layers.LSTM(4)
    wrapped.build(inputs.shape)
    bare.build(inputs.shape)
    bare.set_weights(wrapped.layer.get_weights())
    np.testing.assert_allclose(wrapped(inputs), bare(inputs), atol=1e-6)


def test_weight_drop_leaves_to_cudnn_only_the_dtype_it_takes(monkeypatch):
    import jax

    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert not _suits_the_kernel(keras.layers.LSTM(4))
    for policy in ("mixed_float16", "mixed_bfloat16"):
        assert _suits_the_kernel(keras.layers.LSTM(4, dtype=policy))


def test_chunked_loss_equals_the_plain_one_in_value_and_gradient():
    import jax

    random = np.random.RandomState(0)
    hidden = random.standard_normal((3, 5, 4)).astype("float32")
    embeddings, bias = random.standard_normal((11, 4)).astype("float32"), np.ones(11, "float32")
    targets = random.randint(0, 11, (3, 5))

    def plain(hidden, embeddings, bias):
        logits = hidden @ embeddings.T + bias
        losses = keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True)
        return losses.mean()

    def chunked(*tensors):
        return chunked_softmax_cross_entropy(*tensors, targets, chunk_size=4)[0]

    for function in (chunked, jax.jit(chunked)):
        actual = jax.value_and_grad(function, argnums=(0, 1, 2))(hidden, embeddings, bias)
        expected = jax.value_and_grad(plain, argnums=(0, 1, 2))(hidden, embeddings, bias)
        for a, e in zip(keras.tree.flatten(actual), keras.tree.flatten(expected), strict=True):
            np.testing.assert_allclose(a, e, rtol=1e-5, atol=1e-6)


def test_language_model_trains_from_arrays_and_carries_its_state():
    model = LanguageModel(20, **SIZES, max_batch_size=2, drop_mult=0.5)
    model.compile(keras.optimizers.Adam(0.01))
    inputs = {"token_ids": IDS[:, :-1], "starts_anew": np.array([True, True, False, False])}
    arguments = {"batch_size": 2, "shuffle": False, "verbose": 0}
    history = model.fit(inputs, IDS[:, 1:], epochs=4, **arguments).history
    assert history["loss"][-1] < history["loss"][0]
    results = model.evaluate(inputs, IDS[:, 1:], batch_size=2, verbose=0, return_dict=True)
    np.testing.assert_allclose(np.exp(results["loss"]), results["perplexity"], rtol=1e-5)
    for states in (model.carried_states.of_training, model.carried_states.of_evaluation):
        assert all(np.any(np.array(state)) for state in states)
    assert model.generate([[3, 4]], 1, seed=0).shape == (1, 1)


def test_classifier_trains_from_arrays_and_no_document_depends_on_another():
    model = TextClassifier(20, 2, **SIZES, window=3, max_length=5)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    lengths = np.array([21, 3, 9, 14], "int32")
    inputs = {"token_ids": IDS, "lengths": lengths}
    history = model.fit(inputs, np.eye(2)[[0, 1, 0, 1]], epochs=3, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    both = ForwardBackwardClassifier(model, model)
    together = both.predict(inputs, verbose=0)
    other = {**inputs, "token_ids": np.where(np.arange(21) < lengths[:, None], IDS, 1)}
    other["token_ids"][1:] += 1
    other["lengths"] = np.array([21, 4, 2, 5], "int32")
    np.testing.assert_allclose(both.predict(other, verbose=0)[0], together[0], atol=1e-6)


def test_tfidf_counts_words_and_pairs():
    model = TfidfClassifier(12, 2, 1)
    model.pair_starts.assign(np.array([0] * 10 + [1] * 3))  # the one pair is 9, 10
    model.second_words.assign(np.array([10]))
    model.idf.assign(np.array([0] * 9 + [2, 3, 5, 7]))
    coefficients = np.random.RandomState(0).standard_normal((13, 2))
    model.coefficients.assign(coefficients)
    weights = np.array([2 * (1 + np.log(3)), 3 * (1 + np.log(2)), 7 * (1 + np.log(2))])
    expected = weights / np.linalg.norm(weights) @ coefficients[[9, 10, 12]]
    inputs = {"token_ids": np.array([[2, 9, 8, 10, 9, 10, 0, 9, 11]]), "lengths": np.array([8])}
    np.testing.assert_allclose(model(inputs)[0], expected, rtol=1e-5)
