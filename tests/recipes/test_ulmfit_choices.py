import dataclasses

import pytest

from tfast.recipes import UlmfitRecipe, ulmfit_choices
from tfast.recipes.ulmfit_choices import after_pretraining, choose
from tfast.text.corpora import Corpus
from tfast.text.texts import Texts

ENGLISH = ["The film is a mess, and I left before the end of it.", "It was all that I hoped for."]
GERMAN = ["Der Film ist ein Durcheinander.", "Ich ging vor dem Ende.", "Er war, was man hofft."]


def corpus(sentences, number=100):
    texts = (sentences * number)[:number]
    some = Texts(texts, ["good", "bad"] * (number // 2))
    return Corpus(some, some, some, Texts([], []))


def test_english_texts_start_from_the_model_of_the_package(capsys):
    chosen = choose(UlmfitRecipe(data="a.csv"), corpus(ENGLISH))
    assert chosen.pretrained == "tfast/english"
    assert {name: getattr(chosen, name) for name in after_pretraining(100)} == after_pretraining(
        100
    )
    line = capsys.readouterr().out
    assert line.startswith("The language model starts from tfast/english: the texts look English, ")
    assert "--pretrained none" in line


@pytest.mark.parametrize(
    ("settings", "sentences", "why"),
    [
        ({}, GERMAN, "the texts do not look English"),
        ({"hidden_size": 384}, ENGLISH, "the settings describe it"),
        ({"general_text": "a.txt"}, ENGLISH, "the settings describe it"),
        ({"backward": True}, ENGLISH, "tfast/english does not read backwards"),
    ],
)
def test_other_texts_and_other_wishes_start_new(capsys, settings, sentences, why):
    chosen = choose(UlmfitRecipe(data="a.csv", **settings), corpus(sentences))
    assert chosen == UlmfitRecipe(data="a.csv", pretrained="none", **settings)
    assert chosen.lm_epochs == 2
    assert capsys.readouterr().out.startswith(f"The language model starts new: {why}")


def test_an_installation_without_weights_starts_new(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(ulmfit_choices, "WEIGHTS", tmp_path)
    assert choose(UlmfitRecipe(data="a.csv"), corpus(ENGLISH)).pretrained is None
    assert "this installation of tfast is without tfast/english" in capsys.readouterr().out


def test_headlines_are_english(capsys):
    lines = ["Real-time strategy game", "Spell checker and analyzer", "Music player daemon"]
    assert choose(UlmfitRecipe(data="a.csv"), corpus(lines)).pretrained == "tfast/english"
    assert "tfast/english knows 70% of the words of four letters" in capsys.readouterr().out


def test_what_is_given_stays_and_nothing_is_said(capsys):
    given = {"pretrained": "fastai/wt103-fwd", "lm_epochs": 7, "fine_tune": True}
    recipe = UlmfitRecipe(data="a.csv", **given)
    chosen = choose(recipe, corpus(GERMAN))
    assert (chosen.pretrained, chosen.lm_epochs) == ("fastai/wt103-fwd", 7)
    assert chosen.epochs == after_pretraining(100)["epochs"]
    # There must be as many candidates as a batch has tokens.
    assert choose(dataclasses.replace(recipe, window=200), corpus(GERMAN)).lm_candidates == 6400
    new = UlmfitRecipe(data="a.csv", pretrained="none")
    assert choose(new, corpus(ENGLISH)) == new
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("number", "settings", "fine_tune"),
    [
        (998, {}, False),
        (1000, {}, True),
        (100, {"fine_tune": True}, True),
        (1000, {"fine_tune": False}, False),
        (100, {"epochs": (2,), "learning_rates": (0.01,)}, True),
        (100, {"drop_mult": 0.1}, True),
        (100, {"slower_by": 2.6}, True),
        (100, {"fine_tune": False, "drop_mult": 0.1}, False),
    ],
)
def test_a_few_hundred_labels_leave_the_encoder_as_it_is(number, settings, fine_tune, capsys):
    chosen = choose(UlmfitRecipe(data="a.csv", **settings), corpus(ENGLISH, number))
    assert chosen.fine_tune is fine_tune
    said = "training texts are few; --fine-tune trains all layers" in capsys.readouterr().out
    assert said == (number == 998)
    assert choose(chosen, corpus(ENGLISH, number)) == chosen


@pytest.mark.parametrize(
    ("labelled", "unlabelled", "fine_tune", "lm_epochs"),
    [
        (100, 10_000, None, 0),
        (100, 1, True, 1),
        (2000, 1, None, 1),
        (2000, 1, False, 0),
        (2000, 0, None, 0),
    ],
)
def test_the_language_model_is_trained_on_where_the_encoder_is_and_there_are_other_texts(
    labelled, unlabelled, fine_tune, lm_epochs
):
    chosen = after_pretraining(labelled, unlabelled, fine_tune=fine_tune)
    assert chosen["lm_epochs"] == lm_epochs


@pytest.mark.parametrize(
    ("number", "settings", "is_said"),
    [(100, {}, True), (100, {"lm_epochs": 1}, False), (1000, {}, False)],
)
def test_it_is_said_that_texts_without_labels_are_not_read(number, settings, is_said, capsys):
    some = dataclasses.replace(corpus(ENGLISH, number), unlabelled=Texts(ENGLISH, ["", ""]))
    choose(UlmfitRecipe(data="a.csv", **settings), some)
    assert ("does not read the texts without labels" in capsys.readouterr().out) == is_said


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"fine_tune": False, "drop_mult": 0.1}, "--drop-mult: no effect without --fine-tune"),
        ({"lm_learning_rate": 0.1}, "--lm-learning-rate: no effect without --lm-epochs 1"),
        ({"lm_learning_rate": 0.1, "lm_epochs": 2}, None),
        ({"drop_mult": 0.1}, None),
    ],
)
def test_what_is_given_and_has_no_effect_is_said(settings, line, capsys):
    choose(UlmfitRecipe(data="a.csv", **settings), corpus(ENGLISH, 100))
    printed = capsys.readouterr().out
    if line is None:
        assert "no effect" not in printed
    else:
        assert line in printed.splitlines()


def test_a_new_model_has_room_for_the_special_tokens():
    with pytest.raises(ValueError, match="vocabulary_size must be a whole number of at least 9"):
        UlmfitRecipe(data="a.csv", pretrained="none", vocabulary_size=8)
    small = UlmfitRecipe(data="a.csv", vocabulary_size=8)
    assert choose(small, corpus(ENGLISH)).vocabulary_size == 8  # beside the words of the model
    with pytest.raises(ValueError, match="vocabulary_size must be"):
        choose(small, corpus(GERMAN))


def test_a_new_model_is_fine_tuned_unless_told_otherwise():
    recipe = UlmfitRecipe(data="a.csv", pretrained="none")
    assert choose(recipe, corpus(ENGLISH)).fine_tune
    assert not choose(dataclasses.replace(recipe, fine_tune=False), corpus(ENGLISH)).fine_tune
