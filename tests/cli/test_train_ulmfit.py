from pathlib import Path

import pytest
from small_data import TINY_TEXTS, as_options

from tfast.cli import main
from tfast.recipes import UlmfitRecipe


def arguments(reviews, output, *more):
    columns = ["--text-column", "review", "--label-column", "stars"]
    return ["train-ulmfit", "--data", str(reviews), *columns, *as_options(TINY_TEXTS),
            "--output", str(output), *more]  # fmt: skip


def test_options_reach_the_recipe_and_all_accuracies_are_printed(tmp_path, monkeypatch, capsys):
    seen = []
    result = {
        "ulmfit_accuracy": 0.75, "tfidf_accuracy": 0.5, "blend_accuracy": 0.8,
        "blend_weight": 0.6, "test_texts": 1000,
    }  # fmt: skip

    def run(recipe, output, *, resume):
        seen.extend([recipe, output, resume])
        return result

    monkeypatch.setattr(UlmfitRecipe, "run", run)
    more = ["--backward", "--encoding", "latin-1", "--valid", "300"]
    assert main(arguments("a.csv", tmp_path, *more)) == 0
    settings = TINY_TEXTS | {"valid": 300, "text_column": "review", "label_column": "stars"}
    recipe = UlmfitRecipe(data="a.csv", backward=True, encoding="latin-1", **settings)
    assert seen == [recipe, tmp_path, False]
    printed = capsys.readouterr().out
    assert "Of 1,000 test texts right" in printed
    assert "ULMFiT                            75.00%" in printed
    assert "TF-IDF with logistic regression   50.00%" in printed
    assert "both, ULMFiT with weight 0.60     80.00%\n" in printed
    assert main(arguments("a.csv", tmp_path, "--no-blend")) == 0
    assert not seen[3].blend
    assert "80.00%, not exported\n" in capsys.readouterr().out
    result["tfidf_accuracy"] = None
    assert main(arguments("a.csv", tmp_path)) == 0
    assert "TF-IDF with logistic regression   not measured" in capsys.readouterr().out


def test_a_preset_with_the_paths_that_it_needs(monkeypatch, tmp_path):
    seen = []
    result = {"ulmfit_accuracy": 1, "tfidf_accuracy": None, "test_texts": 1}
    monkeypatch.setattr(
        UlmfitRecipe, "run", lambda recipe, output, resume: seen.append(recipe) or result
    )
    options = ["--preset", "imdb_2000_pretrained", "--data", "a.csv", "--pretrained", "b.keras"]
    assert main(["train-ulmfit", *options, "--output", str(tmp_path)]) == 0
    assert (seen[0].pretrained, seen[0].max_length) == (Path("b.keras"), 500)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--unlabelled", "nowhere.csv"], "--unlabelled must be a file or folder, got nowhere.csv"),
        (["--epochs", "1"], "--learning-rates must be one for each of 1 epochs, got 2"),
        (["--window", "0"], "--window must be a whole number of at least 1, got 0"),
        (["--valid", "-0.1"], "--valid must be a fraction between 0 and 1"),
        (["--valid", "nan"], "--valid must be a fraction between 0 and 1"),
        (["--pretrained", "."], "--embedding-size, --hidden-size, --layers: not with --pretrained"),
        (
            ["--epochs", *"1111", "--learning-rates", *"1111"],
            "--epochs must be of 3 stages at most",
        ),
        (["--drop-mult", "2.5"], "2.5"),
        (["--label-column", "rating"], "rating"),
        (["--test", "60"], "60"),
    ],
    ids=str,
)
def test_bad_arguments_give_one_line_and_exit_code_2(reviews, tmp_path, capsys, more, message):
    with pytest.raises(SystemExit) as stopped:
        main(arguments(reviews, tmp_path, *more))
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
