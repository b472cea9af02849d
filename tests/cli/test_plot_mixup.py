import pytest

from tfast.cli import main


def test_both_figures_are_written_and_named(tmp_path, capsys):
    assert main(["plot-mixup", "--output", str(tmp_path / "plots")]) == 0
    paths = [str(tmp_path / "plots" / name) for name in ("beta.png", "mixup.png")]
    assert capsys.readouterr().out.split() == paths
    assert len(list((tmp_path / "plots").iterdir())) == 2


def test_bad_input_is_one_line(tmp_path, capsys):
    for words, message in [
        (["--alpha", "0"], "--alpha must be a finite number above 0, got 0.0"),
        (["--data", str(tmp_path / "none")], "none"),
    ]:
        with pytest.raises(SystemExit, match="2"):
            main(["plot-mixup", *words, "--output", str(tmp_path / "plots")])
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
