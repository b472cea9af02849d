import keras
import numpy as np
import pytest
from small_data import TINY_TEXTS, write_reviews

from tfast.recipes import UlmfitRecipe
from tfast.recipes.ulmfit_training import train, train_language_model
from tfast.saving import load_model
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.tokenization.special_tokens import UNKNOWN_ID

COLUMNS = {"text_column": "review", "label_column": "stars"}


@pytest.mark.slow
def test_backward_models_vote_with_forward_ones_and_a_model_continues_elsewhere(reviews, tmp_path):
    first = UlmfitRecipe(data=reviews, backward=True, **COLUMNS, **TINY_TEXTS)
    trained = train(first.prepare(tmp_path / "first"))
    assert isinstance(trained.model, ForwardBackwardClassifier)
    assert list(trained.seconds) == [
        "language_model", "classifier", "backward_language_model", "backward_classifier",
    ]  # fmt: skip
    tiny = {k: v for k, v in TINY_TEXTS.items() if k not in UlmfitRecipe.of_new_models}
    # The vocabulary of the first run is beside it.
    pretrained = tmp_path / "first" / "language_model.keras"
    second = UlmfitRecipe(data=reviews, backward=True, pretrained=pretrained, **COLUMNS, **tiny)
    result = second.run(tmp_path / "second")
    assert 0 <= result["accuracy"] <= 1
    frozen = {name: tiny[name] for name in ("batch_size", "valid", "test", "min_frequency")}
    third = UlmfitRecipe(
        data=reviews, backward=True, pretrained=pretrained, lm_epochs=0, **COLUMNS, **frozen
    )
    prepared = third.prepare(tmp_path / "third")
    trained = train(prepared)
    assert list(trained.seconds) == ["classifier", "backward_classifier"]
    assert trained.left_out.shape == (len(prepared.corpus.train) + len(prepared.corpus.valid), 2)
    assert third.write(prepared, trained)["blend_weight"] >= 0


def test_models_are_left_in_float32_and_a_pretrained_one_needs_no_epochs(reviews, tmp_path):
    sampled = {"precision": "bfloat16", "lm_candidates": 32, **COLUMNS}
    first = UlmfitRecipe(data=reviews, **sampled, **TINY_TEXTS)
    trained = train(first.prepare(tmp_path / "first"))
    models = [
        load_model(tmp_path / "first" / f"{m}.keras") for m in ("language_model", "classifier")
    ]
    assert [model.dtype_policy.name for model in models] == ["float32", "float32"]
    assert models[0].num_candidates is None
    inputs = {"token_ids": np.array([[2, 9, 10]], "int32"), "lengths": np.array([3], "int32")}
    answers = [model(inputs, training=False) for model in (trained.model, models[1])]
    np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, answers))

    tiny = {k: v for k, v in TINY_TEXTS.items() if k not in UlmfitRecipe.of_new_models}
    pretrained = tmp_path / "first" / "language_model.keras"
    settings = sampled | tiny | {"lm_epochs": 0, "epochs": (1,), "learning_rates": (0.02,)}
    second = UlmfitRecipe(data=reviews, pretrained=pretrained, **settings)
    trained = train(second.prepare(tmp_path / "second"))
    assert list(trained.seconds) == ["classifier"]
    frozen = {
        k: v for k, v in settings.items() if k not in ("epochs", "learning_rates", "drop_mult")
    }
    third = UlmfitRecipe(data=reviews, pretrained=pretrained, **frozen)
    trained = train(third.prepare(tmp_path / "third"))
    models.append(load_model(tmp_path / "third" / "classifier.keras"))
    assert trained.left_out is not None
    assert [trained.model.dtype_policy.name, models[-1].dtype_policy.name] == ["float32"] * 2
    left = load_model(tmp_path / "second" / "language_model.keras")
    for one, other in zip(left.encoder.weights, models[0].encoder.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_language_model_reads_words_that_occur_once_as_unknown_ones(tmp_path):
    reviews, others = (write_reviews(tmp_path / f"{name}.csv") for name in ("reviews", "others"))
    with reviews.open("a") as file:
        file.write("unheard,good\n" + "dull film,bad\n" * 2)
    with others.open("a") as file:
        file.write("foreign foreign foreign,good\n")
    tiny = TINY_TEXTS | {"valid": others, "test": others}
    prepared = UlmfitRecipe(data=reviews, **COLUMNS, **tiny).prepare(tmp_path / "first")
    train_language_model(prepared, False, {})
    check_rare_words(prepared, ["unheard", "foreign"], ["film"])

    # And one that goes on from it knows all that the first did, and only the rest not.
    with others.open("a") as file:
        file.write("unseen,good\n")
    tiny = {k: v for k, v in TINY_TEXTS.items() if k not in UlmfitRecipe.of_new_models}
    pretrained = tmp_path / "first" / "language_model.keras"
    tiny |= {"pretrained": pretrained, "valid": reviews, "test": reviews}
    prepared = UlmfitRecipe(data=others, **COLUMNS, **tiny).prepare(tmp_path / "second")
    train_language_model(prepared, False, {})
    check_rare_words(prepared, ["unseen"], ["film", "foreign"])


def check_rare_words(prepared, rare, frequent):
    """Whether the language model of a run reads the former as it reads unknown words."""
    words = prepared.vocabulary.words
    rare, frequent = ([words.index(word) for word in some] for some in (rare, frequent))
    model = load_model(prepared.output / "language_model.keras")
    rows, bias = np.array(model.encoder.embeddings), np.array(model.decoder.bias)
    assert len(rows) == len(bias) == len(words)
    for row in rows[rare]:
        np.testing.assert_array_equal(row, rows[UNKNOWN_ID])
    for row in rows[frequent]:
        assert abs(row - rows[UNKNOWN_ID]).max() > 1e-3
    np.testing.assert_array_equal(bias[rare], bias.min())
