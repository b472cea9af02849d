from pathlib import Path

import pytest

from tfast.cli import main
from tfast.recipes import LanguageModelRecipe


def test_options_reach_the_recipe_and_the_perplexity_is_printed(tmp_path, monkeypatch, capsys):
    seen = []

    def run(recipe, output, *, resume):
        seen.extend([recipe, output, resume])
        return {"perplexity": 61.25}

    monkeypatch.setattr(LanguageModelRecipe, "run", run)
    options = ["--data", "a.csv.xz", "b.txt", "--num-candidates", "6144", "--backward", "--resume"]
    assert main(["train-language-model", *options, "--output", str(tmp_path)]) == 0
    recipe = LanguageModelRecipe(
        data=(Path("a.csv.xz"), Path("b.txt")), num_candidates=6144, backward=True
    )
    assert seen == [recipe, tmp_path, True]
    assert "Perplexity of 250 validation texts: 61.2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "--data must be at least 1 values, got 0"),
        (["--data", "nowhere.csv"], "--data must be files or folders, got nowhere.csv"),
        (["--data", ".", "--num-candidates", "5"], "--num-candidates must be at least the 4480"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys, more, message):
    with pytest.raises(SystemExit) as error:
        main(["train-language-model", *more, "--output", str(tmp_path / "run")])
    assert error.value.code == 2
    assert message in capsys.readouterr().err
