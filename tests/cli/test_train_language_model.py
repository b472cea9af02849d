from pathlib import Path

import pytest

from tfast.cli import main
from tfast.recipes import LanguageModelRecipe


@pytest.fixture
def seen(monkeypatch):
    """Recipe, folder and whether to resume, of the run that is asked for."""
    seen = []

    def run(recipe, output, *, resume):
        seen.extend([recipe, output, resume])
        return {"perplexity": 61.25}

    monkeypatch.setattr(LanguageModelRecipe, "run", run)
    return seen


def test_options_reach_the_recipe_and_the_perplexity_is_printed(tmp_path, seen, capsys):
    options = ["--data", "a.csv.xz", "b.txt", "--num-candidates", "6144", "--backward", "--resume"]
    assert main(["train-language-model", *options, "--output", str(tmp_path)]) == 0
    recipe = LanguageModelRecipe(
        data=(Path("a.csv.xz"), Path("b.txt")), num_candidates=6144, backward=True
    )
    assert seen == [recipe, tmp_path, True]
    assert "Perplexity of 250 validation texts: 61.2" in capsys.readouterr().out


def test_a_preset_gives_what_is_not_given(tmp_path, seen):
    options = ["--preset", "english_wikipedia", "--data", "a.csv.xz", "--num-texts", "5"]
    options += ["--pretrained", "fastai/wt103-fwd", "--download"]
    assert main(["train-language-model", *options, "--output", str(tmp_path)]) == 0
    recipe = seen[0]
    assert (recipe.num_texts, recipe.num_candidates, recipe.precision) == (5, 6144, "bfloat16")
    assert (recipe.pretrained, recipe.download) == ("fastai/wt103-fwd", True)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "--data must be at least 1 values, got 0"),
        (["--preset", "english_wikipedia"], "--preset english_wikipedia needs --data too"),
        (["--data", ".", "--pretrained", "a.keras", "--layers", "2"], "--layers: not with"),
        (["--data", "some.txt", "--pretrained", "a.keras"], "lists, got a.keras"),
        (["--data", __file__], "path must end with .csv, .tsv, .jsonl or .txt"),
        (["--data", "nowhere.csv"], "--data must be files or folders, got nowhere.csv"),
        (["--data", ".", "--num-candidates", "5"], "--num-candidates must be at least the 4480"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys, more, message):
    monkeypatch.chdir(tmp_path)
    Path("some.txt").write_text("Some text.\n\n" * 300)
    with pytest.raises(SystemExit) as error:
        main(["train-language-model", *more, "--output", str(tmp_path / "run")])
    assert error.value.code == 2
    assert message in capsys.readouterr().err
