import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.training.checkpoints.file_format import read_checkpoint
from tfast.training.checkpoints.resume import read_progress
from tfast.vision import image_files, xresnet, xresnet_variants
from tfast.vision.preprocessing import ImagePreprocessing

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.fixture
def script(monkeypatch):
    """The script's `main`, imported as when it runs."""
    monkeypatch.syspath_prepend(SCRIPTS)
    # What scripts/environment.py sets would stay for the tests after this one.
    for switch in ("TF_ENABLE_ONEDNN_OPTS", "TF_CPP_MIN_LOG_LEVEL", "MPLBACKEND"):
        monkeypatch.setenv(switch, os.environ.get(switch, "0"))
    before = set(sys.modules)
    import train_images

    yield train_images.main
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", "").startswith(str(SCRIPTS)):
            del sys.modules[name]


@pytest.fixture
def pictures(tmp_path):
    """Two classes, dark and bright, of twelve 16x16 pictures each."""
    random = np.random.RandomState(0)
    for name, level in (("bright", 200), ("dark", 30)):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for number in range(12):
            pixels = level + random.randint(-25, 25, (16, 16, 3))
            encoded = tf.io.encode_png(pixels.astype("uint8"))
            (folder / f"{number}.png").write_bytes(encoded.numpy())
    return tmp_path / "pictures"


def arguments(pictures, output, *more):
    quick = ["--image-size=16", "--augment=pad", "--crop-ratio=1", "--epochs=2", "--batch-size=6"]
    return ["--data", str(pictures), "--output", str(output), *quick, *more]


def test_folder_of_pictures_becomes_a_saved_model_and_a_report(
    script, pictures, tmp_path, capsys, monkeypatch
):
    output = tmp_path / "output"
    (output / ".model.keras.x1y2_789").mkdir(parents=True)  # of a writer that was killed
    checked, check = [], image_files._reason_against
    monkeypatch.setattr(
        image_files, "_reason_against", lambda path: checked.append(path) or check(path)
    )
    assert script(arguments(pictures, output)) == 0
    assert len(checked) == len(set(checked)) == 24
    assert "of 4 pictures right" in capsys.readouterr().out
    left = {path.name for path in output.iterdir()}
    pictures_left = {"curves.png", "confusions.png", "worst.png"}
    files = {"model.keras", "saved_model", "history.csv", "result.json", "checkpoint.npz"}
    assert left == pictures_left | files | {"preprocessing.json", "split"}
    values = json.loads((output / "preprocessing.json").read_text())
    assert ImagePreprocessing.from_dict(values) == ImagePreprocessing(crop_ratio=1.0)
    result = json.loads((output / "result.json").read_text())
    assert (result["training_images"], result["validation_images"]) == (20, 4)

    served = tf.saved_model.load(str(output / "saved_model")).signatures["serving_default"]
    encoded = (pictures / "dark" / "0.png").read_bytes()
    answer = served(image_bytes=tf.constant([encoded]))
    assert answer["probabilities"].shape == (1, 2)

    # Called again: refused; with --resume and another setting or picture too.
    for more, message in [([], "give --resume"), (["--resume", "--mixup=0.4"], "mixup=0.2 (now")]:
        with pytest.raises(SystemExit) as end:
            script(arguments(pictures, output, *more))
        assert end.value.code == 2
        assert message in capsys.readouterr().err
    encoded = tf.io.encode_png(tf.zeros((20, 16, 3), tf.uint8))
    (pictures / "dark" / "0.png").write_bytes(encoded.numpy())
    with pytest.raises(SystemExit):
        script(arguments(pictures, output, "--resume"))
    assert "other settings: pictures={" in capsys.readouterr().err


@pytest.mark.slow
def test_run_killed_in_mid_epoch_ends_with_the_same_bits(pictures, tmp_path):
    # Five steps of an epoch's ten are done when it dies, and the last checkpoint holds three.
    program = """
import os, signal, sys
import environment, image_training, train_images

def kill(stopwatch, batch, logs=None):
    if batch == 4:
        os.kill(os.getpid(), signal.SIGKILL)

if sys.argv.pop(1) == "kill":
    image_training.Stopwatch.on_train_batch_end = kill
sys.exit(train_images.main())
"""

    def run(kill, output, *more):
        options = arguments(pictures, output, "--batch-size=2", "--save-every=3", *more)
        command = [sys.executable, "-c", program, kill, *options]
        path = os.pathsep.join([str(SCRIPTS), str(SCRIPTS.parent)])
        return subprocess.run(command, env=os.environ | {"PYTHONPATH": path}).returncode

    alone, broken = tmp_path / "alone", tmp_path / "broken"
    assert run("", alone) == 0
    assert run("kill", broken) == -signal.SIGKILL
    assert read_progress(broken / "checkpoint.npz")["step"] == 3
    assert run("", broken, "--resume") == 0
    (arrays, facts), (expected, expected_facts) = (
        read_checkpoint(output / "checkpoint.npz") for output in (broken, alone)
    )
    assert facts == expected_facts
    assert facts["step"] == 20
    assert list(arrays) == list(expected)
    for name, array in arrays.items():
        if not name.startswith("callback/Stopwatch"):
            assert array.tobytes() == expected[name].tobytes(), name
    for name in ("history.csv", "preprocessing.json"):
        assert (broken / name).read_bytes() == (alone / name).read_bytes()


@pytest.mark.slow
def test_finished_run_called_with_resume_leaves_the_same_model(script, pictures, tmp_path, capsys):
    weights = []
    for more in ([], ["--resume"]):
        capsys.readouterr()
        assert script(arguments(pictures, tmp_path / "output", *more)) == 0
        model = keras.saving.load_model(tmp_path / "output" / "model.keras")
        weights.append([weight.tobytes() for weight in model.get_weights()])
    assert weights[0] == weights[1]
    assert "Epoch" not in capsys.readouterr().out


@pytest.mark.slow
def test_pretrained_model_gets_a_new_head_alone_then_all(script, pictures, tmp_path, capsys):
    xresnet.xresnet18(5).save(tmp_path / "trained.keras")
    more = ["--pretrained", str(tmp_path / "trained.keras"), "--precision", "bfloat16"]
    assert script(arguments(pictures, tmp_path / "output", *more)) == 0
    shown = capsys.readouterr().out
    assert "Stage 1 of 2" in shown
    assert "Epoch 3/3" in shown
    model = keras.saving.load_model(tmp_path / "output" / "model.keras")
    dtypes = {layer.name: layer.compute_dtype for layer in model.layers[1:]}
    assert dtypes.pop("logits") == "float32"
    assert set(dtypes.values()) == {"bfloat16"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--data", "nowhere"], "--data: nowhere is not a folder"),
        (["--valid", "nowhere"], "--valid: nowhere is not a folder"),
        (["--valid", "1.5"], "--valid: 1.5 must be a share between 0 and 1, or a path"),
        (["--valid", "."], "--valid: a folder needs --data"),
        (["--pretrained", "nothing.keras"], "--pretrained: nothing.keras is not a file"),
        (["--epochs", "0"], "--epochs: 0 must be above 0"),
        (["--epochs", "many"], "--epochs: invalid int value: 'many'"),
        (["--learning-rate", "-1"], "--learning-rate: -1 must be above 0"),
        (["--mixup", "-0.1"], "--mixup: -0.1 must be from 0 on"),
        (["--label-smoothing", "1"], "--label-smoothing: 1 must be from 0 on and below 1"),
        (["--model", "resnet9"], "--model: invalid choice: 'resnet9'"),
        (["--colour"], "unrecognized arguments: --colour"),
        (["--padding", "24"], "--padding: 24 must be from 0 on and below --image-size 24"),
        (["--mean", "0.5", "0.5"], "--mean: expected 1 or 3 numbers, got 2"),
        (["--crop-ratio", "0.5"], "--crop-ratio: 0.5 must be from 1 on"),
        (["--pretrained", __file__, "--model", "xresnet18"], "--model: not with --pretrained"),
        (["--pretrained", __file__, "--self-attention"], "--self-attention: not with"),
        (["--output", __file__], "test_train_images.py is not a folder"),
        (["--output", f"{__file__}/deep/run"], "test_train_images.py is not a folder"),
        (["--pretrained", __file__], "test_train_images.py is no picture model"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_code_2(script, tmp_path, capsys, more, message):
    with pytest.raises(SystemExit) as end:
        script(["--output", str(tmp_path / "output"), *more])
    assert end.value.code == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "output").exists()


def test_missing_packages_are_named_before_the_training(script, tmp_path, capsys, monkeypatch):
    for package in ("matplotlib", "sklearn"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit) as end:
        script(["--output", str(tmp_path / "output")])
    assert end.value.code == 2
    shown = capsys.readouterr().err
    assert "matplotlib and sklearn not installed: pip install 'tfast[demo]'" in shown


def test_fault_in_the_training_is_not_put_down_to_the_arguments(script, tmp_path, monkeypatch):
    import image_training

    def fail(arguments):
        raise ValueError("hours in")

    monkeypatch.setattr(image_training, "prepare", lambda arguments: ())
    monkeypatch.setattr(image_training, "train", fail)
    with pytest.raises(ValueError, match="hours in"):
        script(["--output", str(tmp_path / "output")])


def test_every_size_and_variant_can_be_chosen(script):
    import train_images

    modules = vars(xresnet) | vars(xresnet_variants)
    known = {name for name in modules if name.startswith("x") and name[-1] in "012345678pr"}
    assert set(train_images.MODELS) == known


@pytest.mark.parametrize("fault", ["empty", "one class", "broken file"])
def test_bad_folders_are_one_line_and_exit_code_2(script, pictures, tmp_path, capsys, fault):
    if fault == "broken file":
        (pictures / "dark" / "x.png").write_bytes(b"\x89PNG no picture")
    else:
        pictures = tmp_path / "other"
        pictures.mkdir()
        if fault == "one class":
            (pictures / "cats").mkdir()
    with pytest.raises(SystemExit) as end:
        script(arguments(pictures, tmp_path / "output"))
    assert end.value.code == 2
    shown = capsys.readouterr().err
    expected = {"empty": "0 class folders", "one class": "1 class folders", "broken file": "x.png"}
    assert expected[fault] in shown
    assert shown.count("\n") == 1


def test_split_is_the_same_for_a_seed_and_takes_from_every_class(script, pictures, tmp_path):
    from image_folders import split_folder

    def names(destination, seed):
        train, valid = split_folder(pictures, destination, fraction=0.25, seed=seed)
        found = [sorted(str(p.relative_to(f)) for p in f.rglob("*.png")) for f in (train, valid)]
        assert sorted(found[0] + found[1]) == sorted(
            str(path.relative_to(pictures)) for path in pictures.rglob("*.png")
        )
        return found[1]

    first = names(tmp_path / "a", 1)
    assert [name.split("/")[0] for name in first] == ["bright"] * 3 + ["dark"] * 3
    assert names(tmp_path / "b", 1) == first
    assert names(tmp_path / "c", 2) != first


def test_digits_are_written_as_a_folder_of_pictures(script, tmp_path):
    pytest.importorskip("sklearn")
    from image_folders import write_digits

    write_digits(tmp_path / "digits")
    assert len(list((tmp_path / "digits").rglob("*.png"))) == 1797
    pixels = tf.io.decode_png((tmp_path / "digits" / "0" / "0000.png").read_bytes())
    assert pixels.shape == (8, 8, 1)
    assert int(tf.reduce_max(pixels)) > 200
