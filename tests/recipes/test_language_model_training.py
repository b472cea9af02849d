import dataclasses
import json

import numpy as np
import pytest
from fastai_archives import fastai_ulmfit, wt103

from tfast.pretrained import Provenance, load
from tfast.recipes import InputError, LanguageModelRecipe, language_model_training
from tfast.recipes.divergence import StopAtDivergence
from tfast.saving import load_model
from tfast.text.gram_vectors import GramVectors
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
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


LETTERS = [*SPECIAL_TOKENS, *"abcdefghijklmnopqrstuvw"]


def lay_model(folder, name="language_model.keras"):
    """A language model as an earlier run leaves it."""
    folder.mkdir()
    sizes = {"embed_size": 4, "hidden_size": 6, "num_layers": 1}
    LanguageModel(len(LETTERS), **sizes).save(folder / name)
    Vocabulary(LETTERS).save(folder / "vocabulary.txt")
    return folder / name


def continuing(folder, pretrained, **settings):
    """A recipe that continues from a model, with texts of some words more."""
    more = folder / "more.txt"
    more.write_text("\n\n".join(f"a c e new{i % 3} g i m" for i in range(40)))
    sizes = {n: value for n, value in SIZES.items() if n not in LanguageModelRecipe.of_new_models}
    settings = {"learning_rate": 1e-3} | sizes | settings
    return LanguageModelRecipe(data=more, pretrained=pretrained, **settings)


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """The recipe of a backward run that continued from a model, its folder and its result."""
    folder = tmp_path_factory.mktemp("second")
    first = lay_model(folder / "first", "backward_language_model.keras")
    recipe = continuing(folder, first, backward=True)
    return recipe, folder / "run", recipe.run(folder / "run")


def test_a_run_continues_from_a_model_with_its_words_and_new_ones(tmp_path):
    first = lay_model(tmp_path / "first")
    prepared = continuing(tmp_path, first).prepare(tmp_path / "second")
    words = prepared.training.vocabulary.words
    assert list(words[:32]) == LETTERS
    assert set(words[32:35]) == {"new0", "new1", "new2"}
    model = language_model_training.make_model(prepared)
    assert (model.num_candidates, model.encoder.settings["hidden_size"]) == (12, 6)
    earlier = load_model(first, compile=False)
    rows = model.encoder.embeddings.numpy()
    np.testing.assert_array_equal(rows[:32], earlier.encoder.embeddings)
    np.testing.assert_array_equal(rows[32], rows[LETTERS.index("xxunk")])
    for ours, theirs in zip(model.encoder.weights[1:], earlier.encoder.weights[1:], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_training_begins_with_what_the_model_has_learned(tmp_path, monkeypatch):
    prepared = continuing(tmp_path, lay_model(tmp_path / "first")).prepare(tmp_path / "run")
    seen = []

    def fit(files, model, **options):
        seen.extend([model.encoder.embeddings.numpy(), files.name])
        raise KeyboardInterrupt

    monkeypatch.setattr(language_model_training, "fit_stage", fit)
    with pytest.raises(KeyboardInterrupt):
        language_model_training.train_and_write(prepared)
    first = load_model(tmp_path / "first" / "language_model.keras", compile=False)
    np.testing.assert_array_equal(seen[0][:32], first.encoder.embeddings)
    assert seen[1] == "language_model"


def test_the_result_says_what_a_run_continued_from_and_another_can_continue_it(second, tmp_path):
    recipe, run, result = second
    assert result["started_from"] == result["paths"]["pretrained"] == str(recipe.pretrained)
    record = Provenance(**result["pretrained"][0])
    assert record.source == str(recipe.pretrained)
    assert record.sha256 == load(recipe.pretrained).provenance.sha256
    assert result["settings"]["pretrained_files"] == [record.sha256]
    file = run / "backward_language_model.keras"
    assert load(file).reverse
    third = continuing(tmp_path, file, backward=True)
    assert len(third.prepare(tmp_path / "third").training.vocabulary) == result["vocabulary"]
    with pytest.raises(InputError, match="must be a forward model here, got a backward one"):
        dataclasses.replace(third, backward=False).prepare(tmp_path / "other")


def test_topic_vectors_of_the_model_come_along_with_those_of_new_words(tmp_path):
    path = lay_model(tmp_path / "first")
    rows = np.random.default_rng(0).standard_normal((len(LETTERS), 3)).astype("float32")
    GramVectors(rows).save(path.with_name("topic_vectors.npz"))
    continuing(tmp_path, path).run(tmp_path / "second")
    loaded = load(tmp_path / "second" / "language_model.keras")
    assert len(loaded.topic_vectors.words) == len(loaded.vocabulary) > len(LETTERS)
    np.testing.assert_array_equal(loaded.topic_vectors.words[: len(LETTERS)], rows)


def test_a_run_goes_on_where_its_texts_were_moved(recipe, tmp_path):
    recipe.prepare(tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    moved = [path.rename(tmp_path / "elsewhere" / path.name) for path in recipe.data]
    there = dataclasses.replace(recipe, data=tuple(moved))
    assert len(there.prepare(tmp_path / "run", resume=True).training) == 36


def test_neither_ids_nor_checkpoint_are_taken_from_a_run_with_another_model(second, tmp_path):
    recipe, run, _ = second
    own = dataclasses.replace(recipe, pretrained=run / "backward_language_model.keras")
    with pytest.raises(InputError, match="token ids of other texts or words"):
        own.prepare(run, resume=True)
    with pytest.raises(InputError, match="token ids of other texts or words"):
        dataclasses.replace(recipe, pretrained=None).prepare(run, resume=True)
    other = lay_model(tmp_path / "first", "backward_language_model.keras")  # of the same words
    with pytest.raises(InputError, match="made under other settings: pretrained_files="):
        dataclasses.replace(recipe, pretrained=other).prepare(run, resume=True)
    recipe.prepare(run, resume=True)


def test_published_weights_are_continued_with_their_tokenizer(tmp_path):
    archive = wt103(tmp_path)
    prepared = continuing(tmp_path, archive).prepare(tmp_path / "run")
    assert "new0" in prepared.training.vocabulary.words
    assert list(prepared.settings["pretrained_files"][0]) == ["wt103-fwd.tgz"]
    assert (tmp_path / "run" / "text_tokenizer.json").is_file()


def test_pieces_of_words_stay_as_they_are(tmp_path):
    pytest.importorskip("tensorflow_text")
    prepared = continuing(tmp_path, fastai_ulmfit(tmp_path)).prepare(tmp_path / "run")
    assert len(prepared.training.vocabulary) == 50
    assert language_model_training.make_model(prepared).encoder.embeddings.shape[0] == 50


@pytest.mark.parametrize("continues", [False, True])
def test_an_interrupted_run_ends_bit_identical_and_tokenizes_once(
    recipe, tmp_path, monkeypatch, continues
):
    if continues:
        recipe = continuing(tmp_path, wt103(tmp_path))
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
    with pytest.raises(InputError, match=r"holds the token ids of other .*: remove it, or name"):
        recipe.prepare(tmp_path / "run")


@pytest.mark.parametrize("resume", [False, True])
def test_token_ids_of_other_texts_of_the_same_size_are_not_taken(recipe, tmp_path, resume):
    recipe.prepare(tmp_path / "run")
    recipe.prepare(tmp_path / "run", resume=resume)
    path = tmp_path / "b.csv"
    path.write_text("text\n" + path.read_text()[5:][::-1])
    with pytest.raises(InputError, match="output holds the token ids of other texts"):
        recipe.prepare(tmp_path / "run", resume=resume)


def test_token_ids_of_before_there_was_a_digest_are_taken_by_a_resumed_run_alone(
    recipe, tmp_path, monkeypatch
):
    recipe.prepare(tmp_path / "run")
    file = tmp_path / "run" / "token_ids" / "description.json"
    description = json.loads(file.read_text())
    del description["sha256"]
    file.write_text(json.dumps(description))
    monkeypatch.setattr(language_model_training, "store_documents", None)
    assert len(recipe.prepare(tmp_path / "run", resume=True).training) == 36
    with pytest.raises(InputError, match="output holds the token ids of other texts"):
        recipe.prepare(tmp_path / "run")


def test_bad_input_is_refused_before_work(recipe, tmp_path):
    with pytest.raises(InputError, match="data must be files or folders, got nowhere"):
        dataclasses.replace(recipe, data=("nowhere.csv",)).prepare(tmp_path / "run")
    with pytest.raises(InputError, match="valid must be fewer than the 40 texts, got 40"):
        dataclasses.replace(recipe, valid=40).prepare(tmp_path / "run")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"^valid must be validation texts of 29 .* batch_size=28, got 4 of 28 tokens"),
        ({"num_texts": 4}, r"^num_texts must be training texts of 29 .* got 4 of 28 tokens"),
        ({"batch_size": 252}, r"^data must be training texts of 253 .* got 36 of 252 tokens"),
    ],
)
def test_too_few_tokens_are_said_of_the_texts_that_lack_them(recipe, tmp_path, settings, message):
    settings = {"batch_size": 28, "num_candidates": None} | settings
    with pytest.raises(InputError, match=message):
        dataclasses.replace(recipe, **settings).prepare(tmp_path / "run")


def test_one_token_more_than_rows_is_enough(recipe, tmp_path):
    dataclasses.replace(recipe, batch_size=27, num_candidates=None).prepare(tmp_path / "run")
