import pytest
from small_data import TINY_IMAGES, as_options

from tfast.cli import main
from tfast.recipes import ImageRecipe, image_preparation, image_training


def arguments(images, output, *more):
    return ["train-images", "--data", str(images), "--output", str(output),
            *as_options(TINY_IMAGES), *more]  # fmt: skip


def test_a_run_is_not_overwritten(images, tmp_path, capsys):
    (tmp_path / "checkpoint.npz").touch()
    with pytest.raises(SystemExit, match="2"):
        main(arguments(images, tmp_path))
    error = capsys.readouterr().err
    assert "--output must be a folder without a run" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--data", "nowhere"], "--data must be a folder, got nowhere"),
        (["--valid", "nowhere", "--data", "."], "--valid must be a folder, got nowhere"),
        (["--valid", "1.5"], "--valid must be a fraction between 0 and 1 or a path, got 1.5"),
        (["--valid", "."], "--valid must be a fraction where data is not given"),
        (["--pretrained", "nothing.keras"], "`tfast pretrained` lists, got nothing.keras"),
        (["--epochs", "0"], "--epochs must be a whole number of at least 1, got 0"),
        (["--epochs", "many"], "--epochs: invalid int value: 'many'"),
        (["--learning-rate", "-1"], "--learning-rate must be a finite number above 0, got -1.0"),
        (["--mixup", "-0.1"], "--mixup must be a finite number of at least 0, got -0.1"),
        (["--label-smoothing", "1"], "--label-smoothing must be a number in [0, 1), got 1.0"),
        (["--model", "resnet9"], "got 'resnet9'"),
        (["--colour"], "unrecognized arguments: --colour"),
        (["--padding", "24"], "--padding must be below image_size, which is 24, got 24"),
        (["--mean", "0.5", "0.5"], "--mean must be 1 or 3 values, got 2"),
        (["--crop-ratio", "0.5"], "--crop-ratio must be at least 1, got 0.5"),
        (["--pretrained", __file__, "--model", "xresnet18"], "--model: not with --pretrained"),
        (["--pretrained", __file__, "--self-attention"], "--self-attention: not with"),
        (["--output", __file__], "test_train_images.py"),
        (["--output", f"{__file__}/deep/run"], "--output must be a folder, got "),
        (["--pretrained", __file__], "test_train_images.py is not an image model"),
        (["--preset", "mnist"], "invalid choice: 'mnist'"),
    ],
    ids=str,
)
def test_bad_arguments_are_one_line_and_exit_code_2(tmp_path, capsys, more, message):
    with pytest.raises(SystemExit) as end:
        main(["train-images", "--output", str(tmp_path / "output"), *more])
    assert end.value.code == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "output").exists()


def test_a_fault_in_the_training_is_not_put_down_to_the_arguments(images, tmp_path, monkeypatch):
    def fail(prepared):
        raise ValueError("hours in")

    monkeypatch.setattr(image_preparation, "prepare", lambda recipe, output: ())
    monkeypatch.setattr(image_training, "train", fail)
    with pytest.raises(ValueError, match="hours in") as caught:
        main(arguments(images, tmp_path / "run"))
    assert type(caught.value) is ValueError


def test_options_reach_the_recipe(tmp_path, monkeypatch, capsys):
    seen = []

    def run(recipe, output, *, resume):
        seen.extend([recipe, output, resume])
        return {"accuracy": 0.5, "validation_images": 2}

    monkeypatch.setattr(ImageRecipe, "run", run)
    more = ["--no-flip", "--skip-bad-images", "--activation", "mish", "--resume"]
    assert main(arguments("images", tmp_path, *more)) == 0
    assert capsys.readouterr().out == f"50.00% of 2 images right; see {tmp_path}\n"
    expected = ImageRecipe(
        data="images", flip=False, skip_bad_images=True, activation="mish", **TINY_IMAGES
    )
    assert seen == [expected, tmp_path, True]
