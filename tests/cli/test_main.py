import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_data import TINY_IMAGES, as_options

import tfast
from tfast.cli import main
from tfast.cli.main import COMMANDS, script_main
from tfast.recipes import DivergedError, ImageRecipe
from tfast.training.checkpoints.resume import read_progress

ROOT = Path(__file__).parents[2]


def end_of(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    shown = capsys.readouterr()
    return end.value.code, shown.out + shown.err


def test_help_names_every_command(capsys):
    code, shown = end_of(capsys, "--help")
    assert code == 0
    assert all(name in shown for name in COMMANDS)
    code, shown = end_of(capsys)
    assert (code, shown.count("\n")) == (2, 1)


def test_version(capsys):
    assert end_of(capsys, "--version") == (0, f"tfast {tfast.__version__}\n")


def test_help_imports_nothing_heavy():
    program = """
import sys
from tfast.cli import main
for words in (["--help"], ["train-images", "--help"], ["train-ulmfit", "--help"],
              ["import-fastai", "--help"], ["plot-mixup", "--help"], ["recipes", "--help"],
              ["pretrained", "--help"], ["pretrained", "timm/resnet18d.ra2_in1k"]):
    try:
        main(words)
    except SystemExit as end:
        assert end.code == 0
heavy = {"tensorflow", "keras", "numpy", "matplotlib", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_it_predicts_without_the_packages_that_training_needs():
    program = """
import sys
for package in ("tensorflow", "keras", "lazy_loader", "matplotlib", "sklearn"):
    sys.modules[package] = None
from tfast.cli import main
main(["predict", "nowhere", "text"])
"""
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("tfast predict: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (DivergedError("diverged in step 3"), 1, "diverged in step 3"),
        (PermissionError(13, "Permission denied", "runs/a"), 1, "Permission denied: runs/a"),
    ],
    ids=repr,
)
def test_a_run_that_fails_ends_in_one_line(monkeypatch, capsys, error, code, line):
    def fail(recipe, output, resume):
        raise error

    monkeypatch.setattr(ImageRecipe, "run", fail)
    assert main(["train-images"]) == code
    assert capsys.readouterr().err == f"tfast train-images: {line}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_one_line_that_says_how_to_continue(monkeypatch, capsys, number):
    monkeypatch.setattr(ImageRecipe, "run", lambda *_, **__: os.kill(os.getpid(), number))
    words = ["train-images", "--output", "my runs/a", "--epochs", "1"]
    assert main(words) == 128 + number
    error = capsys.readouterr().err
    line = "tfast train-images: interrupted; continue with: tfast train-images"
    assert error == f"\n{line} --output 'my runs/a' --epochs 1 --resume\n"
    main([*words, "--resume"])
    assert capsys.readouterr().err.count("--resume") == 1


def test_a_script_is_the_command_with_its_own_arrow(monkeypatch, capsys, tmp_path):
    seen = []

    def arrow(recipe, output, resume):
        seen.append((recipe.epochs, output, resume))
        return {"accuracy": 1.0, "validation_images": 2}

    words = ["--output", str(tmp_path), "--epochs", "3"]
    assert script_main("train-images", words, arrow=arrow) == 0
    assert seen == [(3, tmp_path, False)]
    monkeypatch.setattr(sys, "argv", ["scripts/train_images.py", *words])
    assert script_main("train-images", arrow=lambda *_: os.kill(os.getpid(), signal.SIGTERM)) == 143
    expected = f"python scripts/train_images.py --output {tmp_path} --epochs 3 --resume"
    assert expected in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_leaves_one_line_and_is_continued(images, tmp_path, number):
    output = tmp_path / "run"
    settings = as_options(TINY_IMAGES | {"epochs": 4, "save_every": 1})
    command = [sys.executable, ROOT / "scripts" / "train_images.py", "--data", images,
               "--output", output, *settings]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    checkpoint = output / "checkpoint.npz"
    while not (checkpoint.exists() and read_progress(checkpoint)["step"] > 0):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(number)
    error = process.communicate()[1]
    assert process.returncode == 128 + number
    assert "interrupted; continue with: python" in error
    assert "Traceback" not in error
    done = read_progress(checkpoint)["step"]
    assert done < 16
    assert subprocess.run([*command, "--resume"], env=environment).returncode == 0
    assert read_progress(checkpoint)["step"] == 16
