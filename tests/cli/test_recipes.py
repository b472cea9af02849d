import pytest

from tfast.cli import main
from tfast.recipes import preset_names


def test_each_preset_is_listed_with_command_machine_and_result(capsys):
    assert main(["recipes"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n{name}\n" in f"\n{shown}" for name in preset_names())
    assert "  tfast train-images --preset cifar10 --data" in shown
    assert "  -> 91.2% of 2,500 held-out reviews right" in shown
    assert "  on two cores of an AMD EPYC" in shown


def test_one_is_shown_with_its_settings(capsys):
    assert main(["recipes", "cifar10"]) == 0
    shown = capsys.readouterr().out
    assert "  mean = [0.473]" in shown
    assert "imdb" not in shown


def test_an_unknown_one_is_one_line(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["recipes", "mnist"])
    error = capsys.readouterr().err
    assert error.startswith("tfast recipes: NAME must be one of cifar10, ")
    assert error.count("\n") == 1
