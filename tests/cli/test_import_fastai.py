import numpy as np
import pytest

from tfast.cli import main
from tfast.recipes import FastaiImport


def run(*options):
    return main(["import-fastai", *map(str, options)])


def test_options_reach_the_recipe_and_the_difference_is_printed(tmp_path, monkeypatch, capsys):
    seen = []

    def convert(recipe, output, *, overwrite):
        seen.extend([recipe, output, overwrite])
        return 2.5e-7

    monkeypatch.setattr(FastaiImport, "run", convert)
    options = ["--weights", "w.pth", "--labels", "cat", "dog", "--mean", 0.5, "--std", 0.25]
    assert run(*options, "--output", tmp_path, "--overwrite") == 0
    recipe = FastaiImport(weights="w.pth", labels=("cat", "dog"), mean=0.5, std=0.25)
    assert seen == [recipe, tmp_path, True]
    assert "largest difference of a probability 2.5e-07" in capsys.readouterr().out


def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys):
    np.savez(tmp_path / "w.npz", something=np.ones(2))
    for options, message in (
        (["--weights", tmp_path / "none.pth"], "no such file"),
        (["--weights", tmp_path / "w.npz"], "must be of fastai's XResNet"),
        (["--weights", tmp_path / "w.npz", "--image-size", 0], "--image-size must be"),
        ([], "--weights must be a path, got None"),
    ):
        with pytest.raises(SystemExit, match="2"):
            run(*options, "--output", tmp_path / "out")
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
