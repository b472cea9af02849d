import gzip

import pytest
from small_data import TINY_TEXTS, write_reviews

from tfast.recipes import InputError, UlmfitRecipe
from tfast.text.models.language_model import LanguageModel
from tfast.text.vocabulary import Vocabulary

COLUMNS = {"text_column": "review", "label_column": "stars"}
OF_NEW_MODELS = UlmfitRecipe.of_new_models


def recipe_for(reviews, **settings):
    return UlmfitRecipe(**({"data": reviews} | COLUMNS | TINY_TEXTS | settings))


def with_pretrained(reviews, path, **settings):
    tiny = {name: value for name, value in TINY_TEXTS.items() if name not in OF_NEW_MODELS}
    return UlmfitRecipe(**({"data": reviews, "pretrained": path} | COLUMNS | tiny | settings))


def test_parts_and_their_ids_are_ready(reviews, tmp_path):
    prepared = recipe_for(reviews).prepare(tmp_path)
    corpus = prepared.corpus
    assert (len(corpus.train), len(corpus.valid), len(corpus.test)) == (39, 9, 12)
    assert {name: ids.nrows() for name, ids in prepared.documents.items()} == {
        "train": 39, "valid": 9, "test": 12, "unlabelled": 0,
    }  # fmt: skip
    assert Vocabulary.load(tmp_path / "vocabulary.txt").words == prepared.vocabulary.words
    assert prepared.settings["tokens"]["train"] > 39 * 5


def test_copies_among_the_parts_are_counted(tmp_path, capsys):
    rows = [f"{word} film,{label}" for word in "abcdefgh" for label in ("good", "bad")]
    for name, texts in {"train": rows, "valid": rows[:2], "test": [*rows[:3], "x,bad"]}.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(["review,stars", *texts]) + "\n")
    recipe = recipe_for(
        tmp_path / "train.csv", valid=tmp_path / "valid.csv", test=tmp_path / "test.csv"
    )
    recipe.prepare(tmp_path / "run")
    said = capsys.readouterr().out
    assert "2 of the 2 validation texts are training texts too" in said
    assert "3 of the 4 test texts are training texts too" in said


def test_parts_without_copies_are_not_mentioned(reviews, tmp_path, capsys):
    recipe_for(reviews).prepare(tmp_path)
    assert "training texts too" not in capsys.readouterr().out


def test_texts_of_another_encoding_are_read_where_it_is_named(tmp_path):
    path = tmp_path / "latin.csv.gz"
    rows = [f"caf\xe9 num\xe9ro {number},{number % 2}" for number in range(40)]
    path.write_bytes(gzip.compress("\n".join(["review,stars", *rows]).encode("latin-1")))
    with pytest.raises(InputError, match="encoding"):
        recipe_for(path).prepare(tmp_path / "run")
    prepared = recipe_for(path, encoding="latin-1").prepare(tmp_path / "run")
    assert "café" in prepared.vocabulary.words


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("vocabulary.txt", r"must hold vocabulary\.txt"),
        (
            "backward_language_model.keras",
            r"must be a file.*, got .*backward_language_model\.keras",
        ),
        (None, r"vocabulary\.txt must have the model's 12 words, got 16"),
    ],
)
def test_bad_pretrained_files_are_named(reviews, tmp_path, missing, message):
    model = LanguageModel(16 if missing else 12, embed_size=2, hidden_size=2, num_layers=1)
    for name in ("language_model.keras", "backward_language_model.keras"):
        model.save(tmp_path / name)
    Vocabulary.from_tokens([]).save(tmp_path / "vocabulary.txt")
    if missing:
        (tmp_path / missing).unlink()
    recipe = with_pretrained(reviews, tmp_path / "language_model.keras", backward=True)
    with pytest.raises(InputError, match=message):
        recipe.prepare(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_pretrained_file_that_is_no_model_is_named(reviews, tmp_path):
    (tmp_path / "language_model.keras").write_text("no zip")
    Vocabulary.from_tokens([]).save(tmp_path / "vocabulary.txt")
    with pytest.raises(InputError, match=r"language_model\.keras cannot be read"):
        with_pretrained(reviews, tmp_path / "language_model.keras").prepare(tmp_path / "run")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": (1,) * 4, "learning_rates": (1,) * 4}, "epochs must be of 3 stages"),
        ({"lm_drop_mult": 9}, "lm_drop_mult must leave rates below 1, got 9"),
        ({"drop_mult": 2.5}, "^drop_mult must leave rates below 1, got 2.5"),
        ({"lm_batch_size": 9999}, "training texts: .* for lm_batch_size=9999"),
        ({"label_column": "rating"}, "rating"),
        ({"test": 60}, "60"),
    ],
    ids=str,
)
def test_what_no_model_or_text_can_have_shows_before_the_training(
    reviews, tmp_path, settings, message
):
    with pytest.raises(InputError, match=message):
        recipe_for(reviews, **settings).prepare(tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_class_of_one_text_is_trained_on(tmp_path):
    path = write_reviews(tmp_path / "reviews.csv")
    with path.open("a") as file:
        file.write("the only one,neither\n")
    with pytest.warns(UserWarning, match="for training alone, as there is only one: 'neither'"):
        prepared = recipe_for(path).prepare(tmp_path / "run")
    assert prepared.corpus.class_names == ("bad", "good", "neither")
    assert "the only one" in prepared.corpus.train.texts


def test_a_half_written_checkpoint_does_not_hinder_a_resumed_run(reviews, tmp_path):
    scratch = tmp_path / "checkpoints" / ".language_model.npz.x1y2_789" / "new"
    scratch.mkdir(parents=True)
    (scratch / "language_model.npz").write_bytes(b"half")
    recipe_for(reviews).prepare(tmp_path, resume=True)
    assert not list((tmp_path / "checkpoints").iterdir())
