import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from small_data import TINY_IMAGES

from tfast.recipes import ImageRecipe
from tfast.recipes.image_recipe import MODELS
from tfast.vision import xresnet


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"epochs": "many"}, "epochs must be a whole number of at least 1, got 'many'"),
        ({"learning_rate": -1}, "learning_rate must be a finite number above 0, got -1"),
        ({"mixup": -0.1}, "mixup must be a finite number of at least 0, got -0.1"),
        ({"mixup": 10}, "mixup must be below 10, got 10"),
        ({"label_smoothing": 1}, r"label_smoothing must be a number in \[0, 1\), got 1"),
        ({"model": "resnet9"}, "model must be one of 'xresnet18', .*, got 'resnet9'"),
        ({"augment": "pad", "padding": 128}, "padding must be below image_size, which is 128"),
        ({"mean": (0.5, 0.5)}, "mean must be 1 or 3 values, got 2"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"crop_ratio": 0.5}, "crop_ratio must be at least 1, got 0.5"),
        ({"valid": 1.5}, "valid must be a fraction between 0 and 1 or a path, got 1.5"),
        ({"data": None, "valid": "."}, "valid must be a fraction where data is not given"),
        ({"pretrained": "a.keras", "self_attention": True}, "self_attention must be left out"),
    ],
    ids=str,
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ImageRecipe(**({"data": "images"} | settings))


def test_every_size_and_variant_can_be_chosen():
    known = {name for name in vars(xresnet) if name.startswith("x") and name[-1] in "012345678pr"}
    assert set(MODELS) == known


def test_without_data_the_settings_suit_the_digits():
    assert ImageRecipe.suggested().image_size == 24
    assert ImageRecipe.suggested(image_size=32).image_size == 32
    assert ImageRecipe.suggested().mean == (0.3,)
    # Weights know best what their numbers were.
    assert ImageRecipe.suggested(pretrained="timm/resnet50d.ra2_in1k").mean is None
    assert ImageRecipe.suggested(data="images").image_size == 128


def test_numpy_numbers_and_lists_are_taken():
    recipe = ImageRecipe(data="images", batch_size=np.int64(2), mean=[0.5], std=0.25)
    assert (recipe.batch_size, recipe.mean, recipe.std) == (2, (0.5,), (0.25,))
    assert recipe == ImageRecipe(data="images", batch_size=2, mean=0.5, std=(0.25,))


def test_paths_are_checked_before_anything_is_imported(tmp_path):
    code = f"""
import sys
from pathlib import Path
from tfast.recipes import ImageRecipe, InputError
for settings in ({{"data": "nowhere"}}, {{"data": ".", "valid": "nowhere"}},
                 {{"data": ".", "valid": "../" + Path.cwd().name}},
                 {{"data": ".", "pretrained": "nowhere"}}):
    try:
        ImageRecipe(**settings).prepare({str(tmp_path)!r})
    except InputError as error:
        print(error)
print("tensorflow" in sys.modules)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines() == [
        "data must be a folder, got nowhere",
        "valid must be a folder, got nowhere",
        f"valid must be another folder than data, got ../{Path.cwd().name}",
        "pretrained must be a file, a folder, hf://OWNER/NAME or a name that "
        "`tfast pretrained` lists, got nowhere",
        "False",
    ]


@pytest.mark.slow
def test_a_finished_run_that_is_resumed_leaves_the_same_model(images, tmp_path, capsys):
    recipe, weights = ImageRecipe(data=images, **TINY_IMAGES), []
    for resume in (False, True):
        capsys.readouterr()
        recipe.run(tmp_path / "run", resume=resume)
        model = keras.saving.load_model(tmp_path / "run" / "model.keras")
        weights.append([weight.tobytes() for weight in model.get_weights()])
    assert weights[0] == weights[1]
    assert "Epoch" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_pretrained_model_gets_a_new_head_alone_then_all(images, tmp_path, capsys):
    xresnet.xresnet18(5).save(tmp_path / "trained.keras")
    recipe = ImageRecipe(
        data=images, pretrained=tmp_path / "trained.keras", precision="bfloat16", **TINY_IMAGES
    )
    recipe.run(tmp_path / "run")
    shown = capsys.readouterr().out
    assert "Stage 1 of 2" in shown
    assert "Epoch 3/3" in shown
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    recipe.prepare(tmp_path / "run", resume=True)  # of the same settings
    dtypes = {layer.name: layer.compute_dtype for layer in model.layers[1:]}
    assert dtypes.pop("logits") == "float32"
    assert set(dtypes.values()) == {"bfloat16"}
