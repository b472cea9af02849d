import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_data import TINY_TEXTS, as_options

from tfast.recipes import UlmfitRecipe
from tfast.recipes.ulmfit_training import train
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.training.checkpoints.file_format import read_checkpoint
from tfast.training.checkpoints.resume import read_progress

ROOT = Path(__file__).parents[2]
COLUMNS = {"text_column": "review", "label_column": "stars"}
STAGES = ("general/language_model", "language_model", "classifier")


@pytest.mark.slow
def test_backward_models_vote_with_forward_ones_and_a_model_continues_elsewhere(reviews, tmp_path):
    first = UlmfitRecipe(data=reviews, backward=True, **COLUMNS, **TINY_TEXTS)
    trained = train(first.prepare(tmp_path / "first"))
    assert isinstance(trained.model, ForwardBackwardClassifier)
    assert list(trained.seconds) == [
        "language_model", "classifier", "backward_language_model", "backward_classifier",
    ]  # fmt: skip
    tiny = {k: v for k, v in TINY_TEXTS.items() if k not in UlmfitRecipe.of_new_models}
    # The vocabulary of the first run is beside it.
    pretrained = tmp_path / "first" / "language_model.keras"
    second = UlmfitRecipe(data=reviews, backward=True, pretrained=pretrained, **COLUMNS, **tiny)
    result = second.run(tmp_path / "second")
    assert 0 <= result["accuracy"] <= 1


@pytest.mark.slow
def test_a_run_killed_in_each_stage_ends_with_bit_identical_weights(reviews, tmp_path):
    def start(output, *more):
        options = ["--data", reviews, *as_options(COLUMNS | TINY_TEXTS), "--output", output, *more]
        command = [sys.executable, "-m", "tfast.cli", "train-ulmfit", *map(str, options)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with (tmp_path / "log").open("a") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    general = ["--general-text", tmp_path / "general.txt", "--general-epochs", "1"]
    (tmp_path / "general.txt").write_text("\n\n".join(["It was a fine day, and a long one."] * 40))
    often = [*general, "--save-every", "1"]
    undisturbed = start(whole, *general)
    for stage in STAGES:
        process = start(killed, *often, "--resume")
        checkpoint = killed / "checkpoints" / f"{stage}.npz"
        while not (checkpoint.exists() and read_progress(checkpoint)["step"] > 0):
            assert process.poll() is None, (tmp_path / "log").read_text()[-3000:]
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start(killed, *often, "--resume").wait() == 0
    assert undisturbed.wait() == 0
    for stage in STAGES:
        one, other = (
            read_checkpoint(folder / "checkpoints" / f"{stage}.npz") for folder in (whole, killed)
        )
        assert one.arrays.keys() == other.arrays.keys()
        for name in one.arrays:
            if not name.startswith("callback/Stopwatch"):
                assert one.arrays[name].tobytes() == other.arrays[name].tobytes(), (stage, name)
        assert one.history == other.history
    assert (whole / "worst.csv").read_bytes() == (killed / "worst.csv").read_bytes()
