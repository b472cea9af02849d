"""Runs that are killed at many moments end as if they had been left alone."""

import csv
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow as tf
from small_data import TINY_IMAGES, TINY_TEXTS, as_options, write_images, write_reviews

from tfast.files import remove_leftovers
from tfast.training.checkpoints.file_format import read_checkpoint
from tfast.training.checkpoints.resume import read_progress

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forks of a process"),
]

TESTS = Path(__file__).parents[1]
# Random moments at which training on images is killed.
NUM_KILLS = int(os.environ.get("TFAST_KILLS", "10"))
# Seconds differ, and nothing else may.
TIMES = ("seconds", "training_images_per_second")


def run_whole_and_killed(whole, killed, arguments, kills):
    """One run that is left alone, and one that is killed; exit code and stderr of the latter's."""
    arguments = list(map(str, arguments))
    orders = [
        {"folder": str(folder), "arguments": arguments, "kills": wanted}
        for folder, wanted in ((whole, []), (killed, kills))
    ]
    environment = os.environ | {"PYTHONPATH": str(TESTS.parent), "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [sys.executable, TESTS / "killed_runs.py", json.dumps(orders)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    [(code, written)], runs = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, written[-3000:]
    return runs


def contents(folder):
    """Everything that a run leaves but times and figures, by file and name, as bytes."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".npz":
            checkpoint = read_checkpoint(path)
            found[name] = repr((checkpoint.step, checkpoint.finished, checkpoint.history))
            found |= {
                f"{name} {key}": array.tobytes()
                for key, array in checkpoint.arrays.items()
                if not key.startswith("callback/Stopwatch")
            }
        elif path.suffix == ".keras":
            found |= {f"{name} {key}": value for key, value in keras_weights(path).items()}
        elif path.name == "variables.index":
            reader = tf.train.load_checkpoint(str(path.with_suffix("")))
            for key in reader.get_variable_to_shape_map():
                if "_CHECKPOINTABLE_OBJECT_GRAPH" not in key:
                    found[f"{name} {key}"] = np.asarray(reader.get_tensor(key)).tobytes()
        elif path.name == "result.json":
            result = json.loads(path.read_text())
            found[name] = {key: value for key, value in result.items() if key not in TIMES}
        elif path.suffix in (".csv", ".txt") or path.name == "preprocessing.json":
            found[name] = path.read_bytes()
    return found


def keras_weights(path):
    """What the weights file in a `.keras` file holds."""
    found = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item).tobytes()

    with zipfile.ZipFile(path) as archive:
        h5py.File(io.BytesIO(archive.read("model.weights.h5"))).visititems(note)
    return found


def assert_the_same_end(whole, killed):
    one, other = contents(whole), contents(killed)
    assert one.keys() == other.keys()
    different = [name for name in one if one[name] != other[name]]
    assert not different, f"{len(different)} of {len(one)} differ: {different[:5]}"
    assert len(one) > 50  # of all variables
    assert not [path for path in killed.rglob(".*") if path.name != ".lock"], "leftovers"


def assert_ended_as_ordered(runs, kills):
    expected = [{"SIGKILL": -9, "SIGINT": 130, "SIGTERM": 143}[kill[2]] for kill in kills]
    assert [code for code, _ in runs] == [*expected, 0], runs[-1][1][-3000:]
    for (code, written), _ in zip(runs, kills, strict=False):
        lines = [line for line in written.splitlines() if line.startswith("tfast ")]
        if code > 0:
            assert "Traceback" not in written
            [line] = lines
            assert "interrupted; continue with: tfast train-" in line
            assert line.count("--resume") == 1


def test_training_of_images_killed_at_random_moments_and_in_its_outputs(tmp_path):
    images = write_images(tmp_path / "images")
    settings = TINY_IMAGES | {"epochs": 3, "batch_size": 2, "save_every": 3, "mixup": 0.4}
    arguments = ["train-images", "--data", images, *as_options(settings)]
    source = random.Random(19)
    signals = ["SIGKILL"] * (NUM_KILLS - 2) + ["SIGINT", "SIGTERM"]
    source.shuffle(signals)
    kills = []
    for signal_name in signals:
        event = source.choice(["step", "step", "write"])
        number = source.randint(1, 3) if event == "step" else 1
        kills.append([event, number, signal_name])
    kills += [["model", 1, "SIGKILL"], ["export", 1, "SIGKILL"], ["result", 1, "SIGKILL"]]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    runs = run_whole_and_killed(whole, killed, arguments, kills)
    assert_ended_as_ordered(runs, kills)
    assert_the_same_end(whole, killed)


def test_training_of_texts_killed_in_each_stage_and_between_them(tmp_path):
    reviews = write_reviews(tmp_path / "reviews.csv")
    (tmp_path / "general.txt").write_text("\n\n".join(["It was a fine day, and a long one."] * 40))
    columns = {"text_column": "review", "label_column": "stars"}
    general = ["--general-text", tmp_path / "general.txt", "--general-epochs", "1"]
    arguments = ["train-ulmfit", "--data", reviews, *as_options(columns | TINY_TEXTS), *general]
    arguments += ["--save-every", "1"]
    kills = [
        # The language model of general text, that of the reviews, the classifier.
        ["step", 2, "SIGKILL"], ["write", 2, "SIGKILL"], ["model", 1, "SIGKILL"],
        ["step", 2, "SIGINT"], ["write", 2, "SIGKILL"], ["model", 2, "SIGKILL"],
        ["step", 2, "SIGTERM"], ["write", 2, "SIGKILL"], ["model", 3, "SIGKILL"],
        ["export", 1, "SIGKILL"], ["result", 1, "SIGKILL"],
    ]  # fmt: skip
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    runs = run_whole_and_killed(whole, killed, arguments, kills)
    assert_ended_as_ordered(runs, kills)
    assert_the_same_end(whole, killed)
    # Copied elsewhere, a finished checkpoint is still a finished one.
    copy = tmp_path / "elsewhere" / "language_model.npz"
    copy.parent.mkdir()
    copy.write_bytes((killed / "checkpoints" / "language_model.npz").read_bytes())
    remove_leftovers(copy)
    assert read_progress(copy)["finished"]
    with (killed / "language_model_history.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == TINY_TEXTS["lm_epochs"] + 1
