import dataclasses
import json

import keras
import numpy as np
import pytest
from small_data import TINY_IMAGES
from small_published import config_json, timm_files

from tfast.pretrained.catalog import ENTRIES
from tfast.recipes import ImageRecipe, InputError
from tfast.recipes.image_preparation import make_preprocessing
from tfast.recipes.image_start import Start, load_start, one_or_all
from tfast.vision.preprocessing import ImagePreprocessing
from tfast.vision.xresnet import xresnet

NAME = "timm/resnet18d.ra4_e3600_r224_in1k"
OWN = {"interpolation": "bicubic", "rounding": "torchvision"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Small weights under a published name."""
    home = tmp_path_factory.mktemp("keras")
    folder = home / "tfast" / NAME
    folder.mkdir(parents=True)
    for name, content in timm_files().items():
        (folder / name).write_bytes(content)
    return home


@pytest.fixture(autouse=True)
def _homes(home, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def prepared(recipe):
    start = load_start(recipe)
    recipe = start.complete(recipe)
    return recipe, make_preprocessing(recipe, start)


def test_published_weights_bring_their_own_preprocessing(capsys):
    recipe = ImageRecipe(data="images", pretrained=NAME)
    assert (recipe.image_size, recipe.mean) == (None, None)
    recipe, preprocessing = prepared(recipe)
    assert recipe.image_size == 32
    expected = ImagePreprocessing(0.5, (0.5, 0.4, 0.5), crop_ratio=35 / 32, **OWN)
    assert preprocessing == expected
    assert capsys.readouterr().out.startswith(f"{NAME}: timm resnet18d, tag test_in1k; top-1 on")


def test_what_the_user_says_goes_before_it():
    recipe = ImageRecipe(
        data="images", pretrained=NAME, image_size=128, mean=(0.1,), interpolation="bilinear"
    )
    recipe, preprocessing = prepared(recipe)
    assert recipe.image_size == 128
    expected = ImagePreprocessing(0.1, (0.5, 0.4, 0.5), crop_ratio=35 / 32)
    assert preprocessing.to_dict() == expected.to_dict() | {"rounding": "torchvision"}


def test_without_published_weights_nothing_is_left_open(tmp_path):
    for start in ({}, {"pretrained": "trained.keras"}):
        recipe = ImageRecipe(data="images", **start)
        assert (recipe.image_size, recipe.crop_ratio, recipe.interpolation) == (
            *(128, 1.14),
            "bilinear",
        )
    assert make_preprocessing(recipe, Start()) == ImagePreprocessing()


def test_a_size_that_nobody_tells_is_asked_for():
    recipe = ImageRecipe(data="images", pretrained=NAME)
    with pytest.raises(ValueError, match="image_size must be given, got None: timm/resnet18d"):
        Start(preprocessing=ImagePreprocessing()).complete(recipe)


def test_a_folder_of_weights_is_published_too(home, tmp_path):
    folder = home / "tfast" / NAME
    recipe, preprocessing = prepared(ImageRecipe(data="images", pretrained=folder))
    assert (recipe.image_size, preprocessing.rounding) == (32, "torchvision")


def test_the_files_are_told_by_a_word(home, tmp_path):
    first = load_start(ImageRecipe(data="images", pretrained=NAME)).fingerprint
    assert first == load_start(ImageRecipe(data="images", pretrained=NAME)).fingerprint
    other = tmp_path / "other"
    other.mkdir()
    for file in (home / "tfast" / NAME).glob("*s"):
        (other / file.name).write_bytes(file.read_bytes())
    (other / "config.json").write_bytes(config_json(3, {"crop_pct": 1.0}))
    assert load_start(ImageRecipe(data="images", pretrained=other)).fingerprint != first


def test_a_model_of_ones_own_is_loaded_as_before(tmp_path):
    xresnet(3, block_counts=(1,), expansion=1).save(tmp_path / "a.keras")
    start = load_start(ImageRecipe(data="images", pretrained=tmp_path / "a.keras"))
    assert start.model.output_shape == (None, 3)
    assert start.preprocessing is start.provenance is None
    assert len(start.fingerprint) == 16


@pytest.mark.parametrize(("side", "image_size"), [(None, 128), (32, 32)])
def test_a_model_of_ones_own_brings_the_preprocessing_beside_it(tmp_path, capsys, side, image_size):
    path, written = tmp_path / "model.keras", ImagePreprocessing(0.1, 0.3, crop_ratio=1.5, **OWN)
    own = xresnet(3, block_counts=(1,), expansion=1)
    inputs = keras.Input((side, side, 3))
    keras.Model(inputs, own(inputs)).save(path)
    (tmp_path / "preprocessing.json").write_text(json.dumps(written.to_dict()))
    recipe, preprocessing = prepared(ImageRecipe(data="images", pretrained=path))
    assert (recipe.image_size, preprocessing) == (image_size, written)
    assert capsys.readouterr().out == (
        f"{path}: images are prepared as {tmp_path / 'preprocessing.json'} says\n"
    )
    # What the user says goes before it.
    _, preprocessing = prepared(ImageRecipe(data="images", pretrained=path, crop_ratio=1.0))
    assert preprocessing == dataclasses.replace(written, crop_ratio=1.0)
    (tmp_path / "preprocessing.json").write_text("[]")
    with pytest.raises(ValueError, match=r"preprocessing\.json must be preprocessing, got "):
        load_start(ImageRecipe(data="images", pretrained=path))


def test_missing_weights_are_bad_input(images, tmp_path):
    recipe = ImageRecipe(data=images, pretrained="timm/resnet50d.a1_in1k", image_size=16)
    with pytest.raises(InputError, match=r"timm/resnet50d.a1_in1k must be fetched first"):
        recipe.prepare(tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert set(ENTRIES["timm/resnet50d.a1_in1k"].files) == {"config.json", "model.safetensors"}


@pytest.mark.slow
def test_a_run_from_published_weights_says_where_they_come_from(images, tmp_path):
    settings = {name: value for name, value in TINY_IMAGES.items() if name != "crop_ratio"}
    recipe = ImageRecipe(data=images, pretrained=NAME, **(settings | {"epochs": 1}))
    recipe.run(tmp_path / "run")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["pretrained"]["licence"] == "apache-2.0"
    assert set(result["pretrained"]["sha256"]) == {"config.json", "model.safetensors"}
    written = json.loads((tmp_path / "run" / "preprocessing.json").read_text())
    assert written["rounding"] == "torchvision"
    np.testing.assert_allclose(written["crop_ratio"], 35 / 32)
    recipe.prepare(tmp_path / "run", resume=True)  # of the same settings


def test_numbers_of_channels_are_one_or_all():
    assert one_or_all((0.5,)) == 0.5
    assert one_or_all((0.5, 0.4, 0.3)) == (0.5, 0.4, 0.3)
