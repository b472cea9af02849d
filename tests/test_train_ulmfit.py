import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfast.training.checkpoints.file_format import read_checkpoint
from tfast.training.checkpoints.resume import read_progress

SCRIPTS = Path(__file__).parent.parent / "scripts"
WORDS = {"good": ["fine", "great", "lovely", "superb"], "bad": ["awful", "dull", "poor", "sad"]}
TINY = shlex.split(
    "--embedding-size 8 --hidden-size 12 --layers 1 --lm-epochs 1 --lm-batch-size 4 --window 8 "
    "--lm-learning-rate 0.03 --epochs 1 1 --learning-rates 0.03 0.02 --batch-size 8 "
    "--valid 0.2 --test 0.2 --min-frequency 1 --lm-drop-mult 0.2 --drop-mult 0.2"
)

STAGES = ("general/language_model", "language_model", "classifier")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    monkeypatch.setattr(os, "environ", os.environ.copy())  # the script sets switches
    import train_ulmfit

    return train_ulmfit


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """A CSV file of texts whose words tell their label."""
    path = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    random = np.random.RandomState(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "stars"])
        for _ in range(60):
            label = random.choice(list(WORDS))
            words = random.choice(WORDS[label], random.randint(3, 9))
            writer.writerow([" ".join(["It was", *words, "."]), label])
    return path


def options(reviews, output, *more):
    columns = ["--text-column", "review", "--label-column", "stars"]
    return ["--data", str(reviews), *columns, *TINY, "--output", str(output), *more]


def without_sizes(arguments):
    """Without the sizes of `TINY`, which a pretrained model has of its own."""
    sizes = ("--embedding-size", "--hidden-size", "--layers")
    places = [arguments.index(size) for size in sizes]
    return [a for i, a in enumerate(arguments) if not {i, i - 1} & set(places)]


def test_a_run_leaves_models_that_serve_and_a_report(script, reviews, tmp_path, capsys):
    assert script.main(options(reviews, tmp_path)) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {
        "vocabulary.txt", "language_model.keras", "classifier.keras", "saved_model",
        "language_model_curves.png", "classifier_curves.png", "language_model_history.csv",
        "classifier_history.csv", "confusions.png", "worst.csv", "result.json",
    }  # fmt: skip
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["training_texts"] + result["test_texts"] == 60 - 10
    assert result["seconds"].keys() == {"language_model", "classifier"}
    printed = capsys.readouterr().out
    assert f"ULMFiT                            {result['accuracy']:.2%}" in printed
    assert f"TF-IDF with logistic regression   {result['tfidf_accuracy']:.2%}" in printed
    serve = tf.saved_model.load(tmp_path / "saved_model").signatures["serving_default"]
    answer = serve(text=tf.constant(["It was fine .", ""]))
    assert set(answer["labels"].numpy()) <= {b"bad", b"good"}
    with pytest.raises(SystemExit, match="2"):  # a run is not overwritten
        script.main(options(reviews, tmp_path))
    capsys.readouterr()
    with pytest.raises(SystemExit, match="2"):
        script.main(options(reviews, tmp_path, "--resume", "--seed", "1"))
    error = capsys.readouterr().err
    assert "made under other settings" in error
    assert "--seed" in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_without_data_libraries_are_told_apart_by_their_documentation(
    script, tmp_path, monkeypatch
):
    import text_data

    found = text_data.docstrings
    monkeypatch.setattr(text_data, "LIBRARIES", ("python", "keras"))
    monkeypatch.setattr(text_data, "docstrings", lambda _, seed: found(20, seed))
    assert script.main([*TINY, "--output", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["unlabelled_texts"] == 16
    assert result["training_texts"] == 40 - 16 - 5 - 4  # a fifth each for test and validation


def test_the_rival_says_why_it_has_no_answer(script, capsys):
    from text_data import Texts
    from tfidf_baseline import tfidf_accuracy

    wordless = Texts(["?", "!"], ["a", "b"])
    assert tfidf_accuracy(wordless, wordless) is None
    assert "TF-IDF is left out: empty vocabulary" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_killed_in_each_stage_ends_with_the_very_weights(reviews, tmp_path):
    def start(output, *more):
        command = [sys.executable, SCRIPTS / "train_ulmfit.py", *options(reviews, output, *more)]
        with (tmp_path / "log").open("a") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    general = ["--general-text", str(tmp_path / "general.txt"), "--general-epochs", "1"]
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
        (one, facts), (other, other_facts) = (
            read_checkpoint(folder / "checkpoints" / f"{stage}.npz") for folder in (whole, killed)
        )
        assert one.keys() == other.keys()
        for name in one:
            if not name.startswith("callback/Stopwatch"):
                assert one[name].tobytes() == other[name].tobytes(), (stage, name)
        assert facts["history"] == other_facts["history"]
    one, other = (json.loads((f / "result.json").read_text()) for f in (whole, killed))
    assert one["accuracy"] == other["accuracy"]


@pytest.mark.slow
def test_backward_models_vote_with_forward_ones_and_a_model_goes_on_elsewhere(
    script, reviews, tmp_path
):
    assert script.main(options(reviews, tmp_path / "first", "--backward")) == 0
    first = {path.name for path in (tmp_path / "first").iterdir()}
    assert {"backward_language_model.keras", "backward_classifier.keras"} < first
    # The vocabulary of the first run lies beside it.
    pretrained = str(tmp_path / "first" / "language_model.keras")
    arguments = options(reviews, tmp_path / "second", "--backward", "--pretrained", pretrained)
    assert script.main(without_sizes(arguments)) == 0


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("language_model.keras", "language_model.keras does not exist"),
        ("vocabulary.txt", "vocabulary.txt is missing"),
        ("backward_language_model.keras", "backward_language_model.keras is missing"),
        (None, "language_model.keras knows 12 words, but"),
    ],
)
def test_bad_pretrained_files_give_one_line(script, reviews, tmp_path, capsys, missing, message):
    from tfast.text.models.language_model import LanguageModel
    from tfast.text.vocabulary import Vocabulary

    model = LanguageModel(12, embed_size=2, hidden_size=2, num_layers=1)
    for name in ("language_model.keras", "backward_language_model.keras"):
        model.save(tmp_path / name)
    Vocabulary.from_tokens([]).save(tmp_path / "vocabulary.txt")
    if missing:
        (tmp_path / missing).unlink()
    more = ["--pretrained", str(tmp_path / "language_model.keras"), "--backward"]
    arguments = without_sizes(options(reviews, tmp_path / "run", *more))
    with pytest.raises(SystemExit, match="2"):
        script.main(arguments)
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--unlabelled", "nowhere.csv"], "--unlabelled: nowhere.csv does not exist"),
        (["--epochs", "1"], "--epochs and --learning-rates"),
        (["--window", "0"], "0 must be above 0"),
        (["--valid", "-0.1"], "must be a share between 0 and 1"),
        (["--test", "inf"], "must be a share between 0 and 1"),
        (["--valid", "nan"], "must be a share between 0 and 1"),
        (["--pretrained", "."], "--embedding-size, --hidden-size, --layers: not with --pretrained"),
        (["--epochs", *"1111", "--learning-rates", *"1111"], "from 1 to num_groups=3, not 4"),
        (
            ["--lm-drop-mult", "9"],
            "times drop_mult must be at least 0 and below 1, not 0.25 times 9",
        ),
        (["--drop-mult", "2.5"], "not 0.4 times 2.5"),
        (["--lm-batch-size", "9999"], "too few for batch_size=9999"),
        (["--label-column", "rating"], "no column 'rating'; it has ['review', 'stars']"),
        (["--test", "60"], "cannot take 60 texts from 60"),
    ],
)
def test_bad_arguments_give_one_line_and_exit_code_two_before_training(
    script, reviews, tmp_path, capsys, more, message
):
    with pytest.raises(SystemExit) as stopped:
        script.main(options(reviews, tmp_path, *more))
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
