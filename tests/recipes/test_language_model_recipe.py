import dataclasses
from pathlib import Path

import pytest

from tfast.recipes import InputError, LanguageModelRecipe, language_model_training

RECIPE = LanguageModelRecipe(data=("a.txt", "b.csv.xz"))


def test_one_path_or_several_are_kept_as_paths():
    assert RECIPE.data == (Path("a.txt"), Path("b.csv.xz"))
    assert LanguageModelRecipe(data="a.txt").data == (Path("a.txt"),)
    assert RECIPE.paths() == {"data": ["a.txt", "b.csv.xz"]}
    assert "data" not in RECIPE.settings()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": ()}, "data must be at least 1 values, got 0"),
        ({"num_candidates": 9}, "num_candidates must be at least the 4480 tokens of a .*, got 9"),
        ({"pretrained": "a.keras", "layers": 3}, "layers must be left out beside pretrained"),
        ({"download": 1}, "download must be true or false, got 1"),
        ({"vocabulary_size": 8}, "vocabulary_size must be a whole number of at least 9, got 8"),
        ({"precision": "int8"}, "precision must be one of .* got 'int8'"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(RECIPE, **changes)


def test_runs_that_began_before_there_was_pretrained_can_be_resumed():
    assert {"pretrained", "download"}.isdisjoint(RECIPE.settings())


def test_beside_a_pretrained_model_few_new_words_are_fine():
    assert dataclasses.replace(RECIPE, vocabulary_size=9).vocabulary_size == 9
    continued = dataclasses.replace(RECIPE, pretrained="a.keras", vocabulary_size=1)
    assert continued.vocabulary_size == 1


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "a film\n" * 5)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.pdf", b"a film", r"path must end with .* got .*notes\.pdf"),
        ("second.csv", b"review\na film\n", r"second\.csv has no column 'text'"),
        ("second.csv", b"text\n\xe9cole\n", r"second\.csv, line 2: byte 0xe9 is not UTF-8"),
        ("second.csv.gz", b"text\na film\n", r"second\.csv\.gz is not a whole \.gz file"),
    ],
)
def test_each_file_is_looked_into_before_any_is_tokenized(
    table, tmp_path, monkeypatch, name, content, message
):
    (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(language_model_training, "prepare", None)
    with pytest.raises(InputError, match=message):
        LanguageModelRecipe(data=(table, tmp_path / name), valid=1).prepare(tmp_path / "run")


def test_more_texts_for_validation_than_there_are_is_said_of_the_setting(table, tmp_path):
    recipe = LanguageModelRecipe(data=table, valid=5)
    with pytest.raises(InputError, match="valid must be fewer than the 5 texts, got 5"):
        recipe.prepare(tmp_path / "run")


def test_files_of_a_folder_that_are_left_out_are_told_of_once(tmp_path, monkeypatch):
    monkeypatch.setattr(language_model_training, "prepare", lambda *_, **__: None)
    (tmp_path / "a.txt").write_text("a film")
    (tmp_path / "b.txt").write_text("a book")
    (tmp_path / "notes.md").write_text("not a text")
    recipe = LanguageModelRecipe(data=tmp_path, valid=1)
    recipe.prepare(tmp_path / "run")
    with pytest.warns(UserWarning, match=r"left out files .*notes\.md"):
        assert list(recipe.texts()) == ["a film", "a book"]
