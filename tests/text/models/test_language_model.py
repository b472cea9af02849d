import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_text import FASTAI, SIZES, load_language_model
from golden_weights import golden_arrays

from tfast.text.lm_batches import lm_batches
from tfast.text.models.language_model import LanguageModel, layer_groups
from tfast.training.layer_groups import group_weights

GOLDEN = golden_arrays("fastai_numerics.npz")
IDS = GOLDEN["lm_ids"]


def golden_model(**kwargs):
    model = LanguageModel(50, **SIZES, max_batch_size=5, **kwargs)
    load_language_model(model)
    return model


def window(begin, length=8, fresh=False):
    return {"token_ids": IDS[:, begin : begin + length], "starts_anew": np.full(4, fresh)}


def small_model(**kwargs):
    defaults = {"embed_size": 4, "hidden_size": 6, "num_layers": 2, "max_batch_size": 3, "seed": 0}
    return LanguageModel(20, **(defaults | kwargs))


def batches(batch_size=3, length=5, tokens=67):
    stream = np.random.RandomState(0).randint(2, 20, tokens).astype("int32")
    documents = tf.RaggedTensor.from_row_lengths(stream, [tokens - 20, 20])
    return lm_batches(documents, batch_size=batch_size, sequence_length=length, training=False)


def states(model):
    return [np.array(state) for state in model.carried_states.of_training]


def test_two_windows_with_carried_state_equal_fastai():
    model = golden_model()
    for number, begin in enumerate((0, 9)):
        outputs = model(window(begin, fresh=number == 0))
        np.testing.assert_allclose(outputs["logits"], GOLDEN[f"lm_logits_{number}"], atol=1e-5)
        np.testing.assert_allclose(outputs["hidden"], GOLDEN[f"lm_hidden_{number}"], atol=1e-5)
    for layer in range(3):
        for offset, name in enumerate("hc"):
            state = model.carried_states.of_evaluation[2 * layer + offset][:4]
            np.testing.assert_allclose(state, GOLDEN[f"lm_state_{name}{layer}"][0], atol=1e-5)


def test_loss_gradients_and_regularizers_equal_fastai():
    model = golden_model(drop_mult=0.0)
    model.compile("sgd")
    targets = IDS[:, 1:9]
    outputs = model(window(0, fresh=True), training=True)
    loss = model.compute_loss(y=targets, y_pred=outputs)
    regularizers = FASTAI["lm"]["ar_tar"]
    plain = GOLDEN["lm_loss"][()]
    expected = plain + regularizers["ar"] + regularizers["tar"]
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    np.testing.assert_allclose(model.perplexity.result(), np.exp(plain), rtol=1e-5)

    model.alpha = model.beta = 0.0
    looked_up = watch_embedding(model)
    with tf.GradientTape() as tape:
        outputs = model(window(0, fresh=True), training=True)
        loss = model.compute_loss(y=targets, y_pred=outputs)
    ours = golden_variables(model)
    variables = [variable.value for variable in ours.values()]
    *gradients, of_vectors = tape.gradient(loss, [*variables, *looked_up])
    gradients = [np.array(tf.convert_to_tensor(gradient)) for gradient in gradients]
    # fastai's table gives the row of xxpad no gradient for being looked up.
    gradients[0][1] -= of_vectors.numpy()[window(0)["token_ids"] == 1].sum(axis=0)
    for name, gradient in zip(ours, gradients, strict=True):
        expected = FASTAI["lm"]["grad_norms"][name]
        np.testing.assert_allclose(np.linalg.norm(gradient), expected, rtol=1e-5, err_msg=name)


def watch_embedding(model):
    """A list that will hold the vectors that the embedding gives."""
    table, seen = model.encoder.embedding.layer, []
    look_up = table.call
    table.call = lambda ids: seen.append(look_up(ids)) or seen[-1]
    return seen


def test_state_restarts_only_in_the_rows_that_start_anew():
    model = golden_model()
    fresh = model(window(9, fresh=True))["logits"].numpy()
    model(window(0, fresh=True))
    carried = model(window(9))["logits"].numpy()
    model(window(0, fresh=True))
    mixed = {**window(9), "starts_anew": np.array([True, False, True, False])}
    np.testing.assert_allclose(model(mixed)["logits"][0::2], fresh[0::2], atol=1e-6)
    model(window(0, fresh=True))
    np.testing.assert_allclose(model(mixed)["logits"][1::2], carried[1::2], atol=1e-6)
    assert np.abs(fresh - carried).max() > 1e-3


def test_fit_learns_and_evaluate_takes_another_batch_size_without_touching_the_training_state():
    model = small_model(drop_mult=0.0)
    model.compile(keras.optimizers.Adam(0.01))
    history = model.fit(
        batches(), validation_data=batches(2), epochs=3, shuffle=False, verbose=0
    ).history
    assert history["loss"][-1] < history["loss"][0]
    assert {"accuracy", "perplexity", "val_loss", "val_accuracy", "val_perplexity"} < {*history}
    before = states(model)
    assert all(state.any() for state in before)
    results = model.evaluate(batches(1), verbose=0, return_dict=True)
    # The last window is short, and the mean of Keras gives it the weight of the others.
    np.testing.assert_allclose(np.exp(results["loss"]), results["perplexity"], rtol=0.02)
    for a, b in zip(before, states(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluation_equals_reading_each_row_in_one_piece():
    model = small_model()
    model.compile("sgd")
    results = model.evaluate(batches(), verbose=0, return_dict=True)
    ids, targets = zip(*[(inputs["token_ids"], t) for inputs, t in batches()], strict=True)
    fresh = {"token_ids": np.concatenate(ids, axis=1), "starts_anew": np.ones(3, bool)}
    targets = np.concatenate(targets, axis=1)
    logits = model(fresh)["logits"]
    losses = keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True)
    np.testing.assert_allclose(results["perplexity"], np.exp(np.mean(losses)), rtol=1e-5)
    hits = np.argmax(logits, axis=-1) == targets
    np.testing.assert_allclose(results["accuracy"], hits.mean(), rtol=1e-6)


def test_compiled_steps_never_make_the_logits():
    model = small_model()
    model.compile("sgd")
    for step in (model.train_step, model.test_step):
        graph = tf.function(step).get_concrete_function(next(iter(batches()))).graph
        definition = tf.compat.v1.graph_util.extract_sub_graph(
            graph.as_graph_def(),
            [output.op.name for output in graph.outputs]
            + [op.name for op in graph.get_operations() if op.op_def.is_stateful],
        )
        logits = {
            operation.name
            for operation in graph.get_operations()
            for output in operation.outputs
            if output.shape.rank == 3 and output.shape[-1] == 20
        }
        assert logits
        assert not logits & {node.name for node in definition.node}


def test_saved_and_loaded_it_is_the_same_model_and_goes_on_training(tmp_path):
    model = small_model(alpha=1.0, output_rate=0.3, num_layers=1)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(batches(), shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    inputs = next(iter(batches()))[0]
    np.testing.assert_allclose(loaded(inputs)["logits"], model(inputs)["logits"], atol=1e-6)
    loaded.fit(batches(), shuffle=False, verbose=0)


def test_mixed_precision_gives_float32_logits_and_trains():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    model = small_model(num_layers=1)
    assert model(next(iter(batches()))[0])["logits"].dtype == "float32"
    model.compile(keras.optimizers.Adam(0.01))
    history = model.fit(batches(), shuffle=False, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_generation_is_greedy_when_cold_repeatable_and_never_unknown():
    model = small_model()
    model.decoder.bias.assign([9.0] + [0.0] * 19)  # the unknown word is the likeliest
    prompt = [[2, 3, 4], [5, 6, 7]]
    cold = model.generate(prompt, 4, temperature=1e-8, seed=1)
    assert cold.shape == (2, 4)
    text = np.concatenate([prompt, cold], axis=1)
    for place in range(3, 7):
        logits, _ = model.next_logits(text[:, :place])
        np.testing.assert_array_equal(np.argmax(logits[:, 1:], axis=1) + 1, text[:, place])
    hot = model.generate(prompt, 8, seed=1)
    np.testing.assert_array_equal(hot, model.generate(prompt, 8, seed=1))
    assert not np.any(hot == 0)
    assert np.any(hot != model.generate(prompt, 8, seed=2))


def test_generating_leaves_the_carried_states_alone():
    model = small_model()
    model(next(iter(batches()))[0])
    before = [np.array(state) for state in model.carried_states.of_evaluation]
    model.generate([[2]], 2)
    for a, b in zip(before, model.carried_states.of_evaluation, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_export_names_the_function_that_exports():
    with pytest.raises(ValueError, match=r"exported by tfast\.export\.text\.export_language_model"):
        small_model().export("somewhere")


def test_a_config_of_version_0_2_is_read():
    config = {
        "name": "language_model", "trainable": True, "dtype": "float32", "vocab_size": 20,
        "embed_size": 4, "hidden_size": 6, "num_layers": 2, "input_rate": 0.25,
        "hidden_rate": 0.15, "embedding_rate": 0.02, "weight_rate": 0.2, "drop_mult": 0.5,
        "seed": 7, "output_rate": 0.2, "alpha": 1.0, "beta": 1.0, "max_batch_size": 3,
    }  # fmt: skip
    model = LanguageModel.from_config(dict(config))
    added = {"num_candidates": None}
    assert model.get_config() | {"dtype": "float32"} == config | added


def numpy_loss(weights, ids, targets):
    """The golden model in float64, without its layers: gates i, f, g, o one by one."""

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    outputs = weights["0.encoder.weight"][ids]
    for number in range(SIZES["num_layers"]):
        kernel = weights[f"0.rnns.{number}.module.weight_ih_l0"].T
        recurrent = weights[f"0.rnns.{number}.weight_hh_l0_raw"].T
        bias = weights[f"0.rnns.{number}.module.bias_ih_l0"]
        units = len(recurrent)
        hidden = cell = np.zeros((len(ids), units))
        projected, sequence = outputs @ kernel + bias, []
        for t in range(ids.shape[1]):
            gates = projected[:, t] + hidden @ recurrent
            i, f, g, o = (gates[:, k * units : (k + 1) * units] for k in range(4))
            cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
            hidden = sigmoid(o) * np.tanh(cell)
            sequence.append(hidden)
        outputs = np.stack(sequence, axis=1)
    logits = outputs @ weights["0.encoder.weight"].T + weights["1.decoder.bias"]
    logits -= logits.max(-1, keepdims=True)
    of_targets = np.take_along_axis(logits, targets[..., None], -1)[..., 0]
    return np.mean(np.log(np.exp(logits).sum(-1)) - of_targets)


def test_gradients_equal_differences_of_fastais_loss_element_by_element():
    model = golden_model(drop_mult=0.0, alpha=0.0, beta=0.0)
    variables = golden_variables(model)
    inputs, targets = window(0, fresh=True), IDS[:, 1:9]
    with tf.GradientTape() as tape:
        loss = model.compute_loss(y=targets, y_pred=model(inputs, training=True))
    gradients = tape.gradient(loss, [variable.value for variable in variables.values()])
    weights = {name: golden_weight(name, v.numpy()) for name, v in variables.items()}
    assert abs(numpy_loss(weights, inputs["token_ids"], targets) - GOLDEN["lm_loss"]) < 1e-7
    random, step = np.random.RandomState(0), 1e-5
    for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
        gradient = golden_weight(name, tf.convert_to_tensor(gradient).numpy())
        for _ in range(12):
            index = tuple(random.randint(size) for size in weight.shape)
            before, losses = weight[index], []
            for weight[index] in (before + step, before - step):
                losses.append(numpy_loss(weights, inputs["token_ids"], targets))
            weight[index] = before
            expected = (losses[0] - losses[1]) / (2 * step)
            np.testing.assert_allclose(
                gradient[index], expected, rtol=1e-4, atol=1e-7, err_msg=f"{name} {index}"
            )


def golden_variables(model):
    """fastai's names and our variables."""
    ours = {"0.encoder.weight": model.encoder.embeddings, "1.decoder.bias": model.decoder.bias}
    for number, lstm in enumerate(model.encoder.lstms):
        cell = lstm.layer.cell
        ours[f"0.rnns.{number}.weight_hh_l0_raw"] = cell.recurrent_kernel
        ours[f"0.rnns.{number}.module.weight_ih_l0"] = cell.kernel
        ours[f"0.rnns.{number}.module.bias_ih_l0"] = cell.bias
    return ours


def golden_weight(name, array):
    """In PyTorch's layout, float64."""
    return np.array(array.T if "weight_" in name else array, "float64")


def test_layer_groups_hold_every_weight_once():
    model = small_model()
    assert [len(group) for group in group_weights(model, layer_groups(model))] == [11, 3, 2]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: small_model(embed_size=0), "embed_size must be a whole number"),
        (lambda: small_model(weight_rate=0.6, drop_mult=2.0), "weight_rate times drop_mult"),
        (lambda: small_model(output_rate=0.6, drop_mult=2.0), "output_rate times drop_mult"),
        (lambda: small_model(max_batch_size=0), "max_batch_size must be a whole number"),
        (lambda: small_model()(window(0)), "max_batch_size"),
        (lambda: small_model().generate([[]], 2), "prompt_ids"),
        (lambda: small_model().generate([[2]], 2, temperature=0), "temperature"),
    ],
)
def test_bad_arguments_are_named(act, message):
    with pytest.raises(ValueError, match=message):
        act()
