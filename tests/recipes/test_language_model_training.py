import dataclasses
import json

import numpy as np
import pytest

from tfast.recipes import InputError, LanguageModelRecipe, language_model_training
from tfast.recipes.divergence import StopAtDivergence
from tfast.saving import load_model
from tfast.text.vocabulary import Vocabulary
from tfast.training.checkpoints.file_format import read_checkpoint
from tfast.training.checkpoints.resume import read_progress

SIZES = {
    "valid": 4, "min_frequency": 1, "embedding_size": 4, "hidden_size": 6, "layers": 1,
    "batch_size": 2, "window": 5, "num_candidates": 12, "report_every": 10, "save_every": 4,
}  # fmt: skip


@pytest.fixture
def recipe(tmp_path):
    words = np.random.default_rng(0).choice(list("abcdefghijklmnopqrstuvw"), (40, 6))
    (tmp_path / "a.txt").write_text("\n\n".join(" ".join(row) for row in words[:30]))
    (tmp_path / "b.csv").write_text("text\n" + "\n".join(" ".join(row) for row in words[30:]))
    return LanguageModelRecipe(data=(tmp_path / "a.txt", tmp_path / "b.csv"), **SIZES)


def test_all_files_are_trained_on_and_the_model_is_one_to_start_from(recipe, tmp_path):
    result = recipe.run(tmp_path / "run")
    assert (result["training_texts"], result["training_tokens"]) == (36, 36 * 7)
    assert result["perplexity"] < result["vocabulary"]
    assert json.loads((tmp_path / "run" / "result.json").read_text())["seconds"] > 0
    model = load_model(tmp_path / "run" / "language_model.keras", compile=False)
    assert (model.dtype_policy.name, model.num_candidates) == ("float32", None)
    vocabulary = Vocabulary.load(tmp_path / "run" / "vocabulary.txt")
    assert model.encoder.settings["vocab_size"] == len(vocabulary)


def test_an_interrupted_run_ends_bit_identical_and_tokenizes_once(recipe, tmp_path, monkeypatch):
    recipe.run(tmp_path / "whole")
    broken = tmp_path / "broken"

    def interrupt(callback, batch, logs=None):
        if int(callback.model.optimizer.iterations) == 13:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(StopAtDivergence, "on_train_batch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            recipe.run(broken)
    assert read_progress(broken / "checkpoints" / "language_model.npz")["step"] == 12
    with monkeypatch.context() as patch:
        patch.setattr(language_model_training, "store_documents", None)
        recipe.run(broken, resume=True)
    arrays = [
        read_checkpoint(run / "checkpoints" / "language_model.npz").arrays
        for run in (tmp_path / "whole", broken)
    ]
    assert arrays[0].keys() == arrays[1].keys()
    assert len(arrays[0]) > 10
    for name in [name for name in arrays[0] if "Stopwatch" not in name]:
        np.testing.assert_array_equal(arrays[0][name], arrays[1][name], err_msg=name)


def test_fewer_texts_are_the_first_ones_and_the_validation_texts_stay(recipe, tmp_path):
    some = dataclasses.replace(recipe, num_texts=10).prepare(tmp_path / "some")
    every = recipe.prepare(tmp_path / "every")
    assert len(some.training) == 10
    np.testing.assert_array_equal(some.training.read(), every.training.select(0, 10).read())
    np.testing.assert_array_equal(some.validation.read(), every.validation.read())


def test_token_ids_of_other_texts_are_not_taken(recipe, tmp_path):
    recipe.prepare(tmp_path / "run")
    (tmp_path / "b.csv").write_text("text\nq r s t u v w and much more of it\n")
    with pytest.raises(InputError, match="output holds the token ids of other texts"):
        recipe.prepare(tmp_path / "run")


def test_bad_input_is_refused_before_work(recipe, tmp_path):
    with pytest.raises(InputError, match="data must be files or folders, got nowhere"):
        dataclasses.replace(recipe, data=("nowhere.csv",)).prepare(tmp_path / "run")
    with pytest.raises(InputError, match="texts must be more than the 40 held out, got 40"):
        dataclasses.replace(recipe, valid=40).prepare(tmp_path / "run")
    with pytest.raises(InputError, match=r"documents must have .* or more tokens"):
        dataclasses.replace(recipe, batch_size=100, num_candidates=None).prepare(tmp_path / "other")
