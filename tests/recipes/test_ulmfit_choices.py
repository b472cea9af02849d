import dataclasses

import pytest

from tfast.recipes import UlmfitRecipe
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


def test_what_is_given_stays_and_nothing_is_said(capsys):
    recipe = UlmfitRecipe(data="a.csv", pretrained="fastai/wt103-fwd", lm_epochs=7)
    chosen = choose(recipe, corpus(GERMAN))
    assert (chosen.pretrained, chosen.lm_epochs) == ("fastai/wt103-fwd", 7)
    assert chosen.epochs == after_pretraining(100)["epochs"]
    # There must be as many candidates as a batch has tokens.
    assert choose(dataclasses.replace(recipe, window=200), corpus(GERMAN)).lm_candidates == 6400
    new = UlmfitRecipe(data="a.csv", pretrained="none")
    assert choose(new, corpus(ENGLISH)) == new
    assert capsys.readouterr().out == ""
