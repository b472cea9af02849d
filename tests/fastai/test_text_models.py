import numpy as np
import pytest
from golden_weights import golden_arrays, golden_json, golden_state_dict

from tfast.fastai.conversion import ignored_names
from tfast.fastai.text_models import (
    language_model_from_fastai,
    language_model_to_fastai,
    text_classifier_from_fastai,
    text_classifier_to_fastai,
)
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.language_model import LanguageModel

FACTS = golden_json("fastai_numerics.json")
SIZES = {"embed_size": 6, "hidden_size": 8, "num_layers": 2}


def language_model_state():
    return golden_state_dict(FACTS["lm"]["keys"])


def classifier_state():
    return golden_state_dict(FACTS["classifier"]["keys"])


def test_language_model_computes_what_fastai_computes():
    expected = golden_arrays("fastai_numerics.npz")
    state = language_model_state()
    assert ignored_names(state) == ["0.encoder_dp.emb.weight", "1.decoder.weight"]
    model = language_model_from_fastai(state)
    ids = expected["lm_ids"]
    for number, start in enumerate((0, 9)):  # the second window goes on from the first's state
        inputs = {
            "token_ids": ids[:, start : start + 8],
            "starts_anew": np.full(len(ids), number == 0),
        }
        logits = np.asarray(model(inputs)["logits"])
        np.testing.assert_allclose(logits, expected[f"lm_logits_{number}"], rtol=1e-4, atol=1e-5)


def test_classifier_computes_what_fastai_computes():
    expected = golden_arrays("fastai_numerics.npz")["classifier_logits_unpadded"]
    state = classifier_state()
    assert "1.layers.0.0.num_batches_tracked" in ignored_names(state)
    model = text_classifier_from_fastai(state)
    documents = FACTS["classifier"]["docs"]
    lengths = np.array([len(document) for document in documents])
    token_ids = np.ones((len(documents), lengths.max()), int)
    for row, document in enumerate(documents):
        token_ids[row, : len(document)] = document
    logits = model({"token_ids": token_ids, "lengths": lengths})
    np.testing.assert_allclose(np.asarray(logits), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "convert", "convert_back"),
    [
        (
            lambda: LanguageModel(11, **SIZES),
            language_model_from_fastai,
            language_model_to_fastai,
        ),
        (
            lambda: TextClassifier(11, 3, head_size=7, **SIZES),
            text_classifier_from_fastai,
            text_classifier_to_fastai,
        ),
    ],
    ids=["language_model", "classifier"],
)
def test_to_fastai_and_back_is_exact(make, convert, convert_back):
    model = make()
    random = np.random.default_rng(0)
    model.set_weights([random.normal(size=w.shape) for w in model.get_weights()])
    state = convert_back(model)
    copy = convert(state)
    for name, array in convert_back(copy).items():
        np.testing.assert_array_equal(array, state[name], err_msg=name)
    for ours, theirs in zip(model.trainable_weights, copy.trainable_weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


@pytest.mark.parametrize(
    ("state", "convert", "convert_back"),
    [
        (language_model_state(), language_model_from_fastai, language_model_to_fastai),
        (classifier_state(), text_classifier_from_fastai, text_classifier_to_fastai),
    ],
    ids=["language_model", "classifier"],
)
def test_from_fastai_and_back_keeps_all_but_the_split_of_the_biases(state, convert, convert_back):
    back = convert_back(convert(state))
    assert set(back) == set(state)
    for name, array in state.items():
        if "bias_hh" in name:
            assert not back[name].any()
            continue
        if "bias_ih" in name:
            array = array + state[name.replace("ih", "hh")]
        np.testing.assert_array_equal(back[name], array.astype(back[name].dtype), err_msg=name)


def test_every_misfit_is_named():
    state = language_model_state()
    del state["0.rnns.1.module.bias_ih_l0"]
    state["0.rnns.2.module.weight_ih_l0"] = np.ones((3, 3))
    state["1.surprise"] = np.ones(2)
    with pytest.raises(ValueError, match="do not fit") as caught:
        language_model_from_fastai(state)
    for part in (
        "missing 0.rnns.1.module.bias_ih_l0 (80,)",
        "0.rnns.2.module.weight_ih_l0 has shape (3, 3), expected (48, 20)",
        "left over 1.surprise (2,)",
    ):
        assert part in str(caught.value)


def test_other_weights_are_refused_by_name():
    with pytest.raises(ValueError, match=r"missing 0\.encoder\.weight"):
        language_model_from_fastai({"0.0.weight": np.ones((3, 3))})
    headless = {f"0.module.{name[2:]}": a for name, a in language_model_state().items()}
    with pytest.raises(ValueError, match="not a text classifier"):
        text_classifier_from_fastai(headless)


def test_an_untied_decoder_is_refused():
    state = language_model_state()
    state["1.decoder.weight"] = state["1.decoder.weight"] + 1
    with pytest.raises(ValueError, match=r"1\.decoder\.weight is not a copy"):
        language_model_from_fastai(state)


def test_a_copy_with_weights_dropped_is_known_and_another_refused():
    state = language_model_state()
    raw = state["0.rnns.0.weight_hh_l0_raw"]
    name = "0.rnns.0.module.weight_hh_l0"
    state[name] = np.where(np.arange(raw.size).reshape(raw.shape) % 5, raw / 0.8, 0)
    assert name in ignored_names(state)
    language_model_from_fastai(state)
    state[name] = state[name] + 0.5
    with pytest.raises(ValueError, match="is not a copy"):
        language_model_from_fastai(state)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"0.encoder.weight": np.ones((0, 5000))}, r"0\.encoder\.weight has shape \(0, 5000\)"),
        ({"0.encoder.weight": np.ones((1, 50_000))}, r"network .* of at least [0-9,]+ numbers"),
        ({"0.encoder.weight": np.float32(1)}, r"must have 2 axes, got shape \(\)"),
        ({"0.encoder.weight": np.ones((3, 4), "M8[D]")}, "has dtype datetime64"),
        ({"0.rnns.2999.module.bias_ih_l0": np.ones(1)}, "missing 0.rnns.3.weight_hh_l0_raw"),
        ({"0.rnns.0.weight_hh_l0_raw": np.ones((1, 100_000))}, r"network .* numbers, got"),
        ({"0.rnns.0.weight_hh_l0_raw": np.ones(3)}, r"must have 2 axes, got shape \(3,\)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_odd_tensors_are_refused_before_a_model_is_made(changes, message, monkeypatch):
    made = []
    monkeypatch.setattr("tfast.fastai.text_models.LanguageModel", lambda **k: made.append(k))
    with pytest.raises(ValueError, match=message):
        language_model_from_fastai(language_model_state() | changes)
    assert not made


def test_a_head_of_few_numbers_for_many_classes_is_refused(monkeypatch):
    state = classifier_state() | {"1.layers.1.2.weight": np.ones((1_000_000, 1))}
    made = []
    monkeypatch.setattr("tfast.fastai.text_models.TextClassifier", lambda **k: made.append(k))
    with pytest.raises(ValueError, match=r"1\.layers\.1\.2\.weight has shape"):
        text_classifier_from_fastai(state)
    assert not made


def test_a_regression_model_is_refused_in_a_sentence():
    state = classifier_state()
    state["1.layers.1.2.weight"] = state["1.layers.1.2.weight"][:1]
    with pytest.raises(ValueError, match="a regression model"):
        text_classifier_from_fastai(state)
