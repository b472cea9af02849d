import json

import numpy as np
import pytest
import tensorflow as tf
from golden_weights import golden_arrays, wave
from small_published import config_json, golden_timm_files, timm_files

from tfast.pretrained import load
from tfast.vision.decoding import decode_image
from tfast.vision.preprocessing import ImagePreprocessing

NAME = "timm/resnet18d.ra4_e3600_r224_in1k"


@pytest.fixture(scope="module")
def files():
    return timm_files()


@pytest.fixture
def load_with(files, tmp_path):
    """A function that loads the small network with another `config.json`."""

    def load_with(config):
        for name, content in (files | {"config.json": config}).items():
            (tmp_path / name).write_bytes(content)
        return load(tmp_path)

    return load_with


def test_a_network_in_the_hubs_cache_has_timms_logits_and_settings(fill_hub):
    snapshot = fill_hub(NAME, golden_timm_files())
    loaded = load(NAME)
    images = wave((2, 3, 67, 64), 3).transpose(0, 2, 3, 1).astype("float32")
    expected = golden_arrays("xresnet_variants.npz")["timm_resnet18d_logits"]
    logits = loaded.model(images, training=False)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5 * np.abs(expected).max())

    prepared = {"mean": (0.5,) * 3, "standard_deviation": (0.5, 0.4, 0.5)}
    prepared |= {"interpolation": "bicubic", "rounding": "torchvision"}
    # 32 / 0.9 is 35.6, and timm rounds down.
    assert loaded.preprocessing == ImagePreprocessing(crop_ratio=35 / 32, **prepared)
    assert loaded.test_preprocessing == ImagePreprocessing(crop_ratio=1.0, **prepared)
    assert (loaded.image_size, loaded.test_image_size) == ((32, 32), (48, 48))
    assert (loaded.name, loaded.model.name) == (NAME, "resnet18d")
    assert loaded.class_names is None
    provenance = loaded.provenance
    assert provenance.source == f"https://huggingface.co/{NAME}"
    assert provenance.revision == snapshot.name
    assert set(provenance.sha256) == {"config.json", "model.safetensors"}
    assert (provenance.licence, provenance.expected_accuracy) == ("apache-2.0", 0.7436)
    assert json.loads(json.dumps(provenance.to_dict()))["notes"] == list(provenance.notes)


@pytest.mark.parametrize("crop_pct", [0.875, 0.9, 0.95, 1.0])
def test_images_are_those_of_timms_transforms(load_with, crop_pct):
    """timm 1.0.31 with torchvision 0.28 and Pillow 13; see `make_timm_models.py`."""
    golden = golden_arrays("timm_preprocessing.npz")
    settings = {"crop_pct": crop_pct, "mean": [0, 0, 0], "std": [1, 1, 1]}
    loaded = load_with(config_json(3, settings))
    for number in range(3):
        pixels = decode_image(tf.constant(golden[f"jpeg_{number}"].tobytes()))
        found = 255 * loaded.preprocessing(pixels, loaded.image_size)
        off = np.abs(found - golden[f"pixels_{number}_{crop_pct}"].astype(float))
        assert off.mean() < 0.05
        assert off.max() < 2.5


def test_configurations_of_one_level_are_read(load_with):
    content = json.loads(config_json(3))
    flat = content.pop("pretrained_cfg") | content
    del flat["test_input_size"], flat["interpolation"], flat["crop_pct"]
    loaded = load_with(json.dumps(flat).encode())
    assert (loaded.preprocessing.interpolation, loaded.preprocessing.crop_ratio) == (
        "bilinear",
        36 / 32,
    )
    assert loaded.test_image_size is loaded.test_preprocessing is None


@pytest.mark.parametrize("names", [["cat", "dog", "cow"], {"0": "cat", "2": "cow", "1": "dog"}])
def test_names_of_classes_are_read(load_with, names):
    assert load_with(config_json(3, label_names=names)).class_names == ("cat", "dog", "cow")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b"{", "config.json is no JSON"),
        (b"[]", "config.json must hold an object, got list"),
        # Same names and shapes as resnet50d, another computation.
        (config_json(3, architecture="resnetaa50d"), "architecture must be .*, got resnetaa50d"),
        (config_json(3, global_pool="max"), "global_pool must be avg"),
        (config_json(3, model_args={"aa_layer": "avg"}), "model_args must be .*, got aa_layer"),
        (config_json(3, model_args={"global_pool": "catavgmax"}), "global_pool must be avg"),
        (config_json(4), "num_classes must be the 3 of the weights, got 4"),
        (config_json(3, label_names=["cat"]), "label_names must be a name for each of 3"),
        (config_json(3, {"input_size": [1, 32, 32]}), "input_size must be of square images of 3"),
        (config_json(3, {"input_size": [3, 32, 48]}), "input_size must be of square images of 3"),
        (config_json(3, {"input_size": 32}), "input_size must be three whole numbers, got 32"),
        (
            config_json(3, {"test_crop_pct": 1.2}),
            r"test_crop_pct must be a number in \(0, 1\], got",
        ),
        (config_json(3, {"crop_mode": "squash"}), "crop_mode must be center, got 'squash'"),
        (config_json(3, {"interpolation": "random"}), "must be bilinear or bicubic, got 'random'"),
        (config_json(3, {"std": [0, 1, 1]}), "mean and std must be right: standard_deviation must"),
        (config_json(3, {"mean": None}), "mean and std must be right"),
        (config_json(3, pretrained_cfg="none"), "pretrained_cfg must be an object, got 'none'"),
    ],
)
def test_what_would_be_another_network_is_refused(load_with, config, message):
    with pytest.raises(ValueError, match=message):
        load_with(config)


def test_missing_weights_are_named(files, tmp_path):
    (tmp_path / "config.json").write_bytes(files["config.json"])
    with pytest.raises(ValueError, match=r"must hold model.safetensors or pytorch_model.bin$"):
        load(tmp_path)


def test_pytorchs_own_files_are_read(files, tmp_path):
    torch = pytest.importorskip("torch", reason="needs the extra `fastai`")
    from safetensors.torch import load as load_tensors

    (tmp_path / "config.json").write_bytes(files["config.json"])
    torch.save(load_tensors(files["model.safetensors"]), tmp_path / "pytorch_model.bin")
    assert set(load(tmp_path).provenance.sha256) == {"config.json", "pytorch_model.bin"}
