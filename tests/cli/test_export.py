import pytest

from tfast.cli import main
from tfast.recipes import PortableExport


def run(*options):
    return main(["export", *map(str, options)])


def test_options_reach_the_recipe_and_the_difference_is_printed(tmp_path, monkeypatch, capsys):
    seen = []

    def export(recipe, output, *, overwrite):
        seen.extend([recipe, output, overwrite])
        return 2.5e-7

    monkeypatch.setattr(PortableExport, "run", export)
    options = ["--model", "runs/a", "--precision", "int8", "--max-tokens", 9, "--overwrite"]
    assert run(*options, "--output", tmp_path) == 0
    assert seen == [PortableExport(model="runs/a", precision="int8", max_tokens=9), tmp_path, True]
    assert "largest difference of a probability 2.5e-07" in capsys.readouterr().out


def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys):
    for options, message in (
        (["--model", tmp_path], "serving.json cannot be read"),
        (["--model", tmp_path, "--precision", "int4"], "--precision must be"),
        (["--model", tmp_path, "--max-tokens", 0], "--max-tokens must be"),
        ([], "--model must be a path, got None"),
    ):
        with pytest.raises(SystemExit, match="2"):
            run(*options, "--output", tmp_path / "out")
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
