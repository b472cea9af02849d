import json
import sys

import numpy as np
import pytest

from tfast.fastai.xresnet import xresnet_to_fastai
from tfast.pretrained import load
from tfast.pretrained.bundled import BundledSource
from tfast.pretrained.checksums import sha256_of
from tfast.pretrained.loading import open_source
from tfast.pretrained.remote_sources import HubSource, WebSource
from tfast.pretrained.sources import FileSource, FolderSource
from tfast.vision.xresnet import xresnet


def test_a_name_is_one_of_the_catalogue_a_repository_a_folder_or_a_file(tmp_path):
    (tmp_path / "file.pth").write_bytes(b"")
    assert isinstance(open_source("fastai/xrn50_940"), WebSource)
    assert isinstance(open_source("tfast/english", download=True), BundledSource)
    assert isinstance(open_source(str(tmp_path)), FolderSource)
    assert isinstance(open_source(str(tmp_path / "file.pth")), FileSource)
    for name in ("timm/resnet50d.a1_in1k", "timm/resnet26d.bt_in1k", "hf://owner/name"):
        source = open_source(name)
        assert isinstance(source, HubSource)
        assert source.repository == name.removeprefix("hf://")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "nothing",
            "pretrained must be a file, a folder, hf://OWNER/NAME or a name that .*nothing",
        ),
        ("hf://../other", "repository must be owner/name on the hub, got '../other'"),
        ("hf://name", "repository must be owner/name on the hub, got 'name'"),
        (
            "hf://owner/name",
            "hf://owner/name must be fetched first, got no pretrained.json or config.json",
        ),
    ],
)
def test_other_names_are_one_line(name, message):
    with pytest.raises(ValueError, match=message) as caught:
        load(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sha256", ["00", "g" * 64, {"a.pth": 3}])
def test_hashes_are_checked_before_anything_is_read(sha256):
    with pytest.raises(ValueError, match="sha256 must be 64 hexadecimal digits, got"):
        load("nothing", sha256=sha256)


def small_weights(folder):
    model = xresnet(3, block_counts=(1,), expansion=1, stem_widths=(8,))
    np.savez(folder / "model.npz", **xresnet_to_fastai(model))
    return sha256_of(folder / "model.npz")


@pytest.mark.parametrize("name", ["", "model.npz"])
def test_a_hash_that_no_file_was_compared_with_is_refused(tmp_path, name):
    right = small_weights(tmp_path)
    message = r"sha256 must be of files that were read \(model\.npz\), got mdoel\.npz$"
    with pytest.raises(ValueError, match=message):
        load(tmp_path / name, sha256={"model.npz": right, "mdoel.npz": right})
    assert load(tmp_path / name, sha256={"model.npz": right})
    with pytest.raises(ValueError, match=r"sha256 must be that of model\.npz"):
        load(tmp_path / name, sha256="0" * 64)


def test_a_revision_that_is_not_here_is_not_loaded_from_files_laid_by_hand(tmp_path):
    folder = tmp_path / "keras" / "tfast" / "me" / "thing"
    folder.mkdir(parents=True)
    (folder / "pretrained.json").write_text("{}")
    with pytest.raises(ValueError, match=r"revision must be on this machine, got 'v9' of hf://me"):
        load("hf://me/thing", revision="v9")


def test_other_files_and_models_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(ValueError, match=r"pretrained must be a file that ends in .*\.pth.*a\.txt"):
        load(tmp_path / "a.txt")
    np.savez(tmp_path / "b.npz", **{"layer1.0.conv1.weight": np.ones((1, 1, 1, 1))})
    with pytest.raises(ValueError, match="got a ResNet without the three convolutions"):
        load(tmp_path / "b.npz")
    (tmp_path / "b.npz").unlink()
    with pytest.raises(ValueError, match=r"config\.json or one file of weights, got none in"):
        load(tmp_path)


def test_the_folder_of_an_image_run_is_its_model(tmp_path):
    xresnet(3, block_counts=(1,), expansion=1, stem_widths=(8,)).save(tmp_path / "model.keras")
    (tmp_path / "checkpoint.npz").write_bytes(b"of the training")
    (tmp_path / "preprocessing.json").write_text(json.dumps({"crop_ratio": 1.5}))
    loaded = load(tmp_path)
    assert loaded.model.output_shape == (None, 3)
    assert loaded.preprocessing.crop_ratio == 1.5


def test_images_need_no_tensorflow_text(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    model = xresnet(3, block_counts=(1,), expansion=1, stem_widths=(8,))
    np.savez(tmp_path / "a.npz", **xresnet_to_fastai(model))
    assert load(tmp_path / "a.npz").model.output_shape == (None, 3)
