import numpy as np
import pytest

from tfast.fastai.xresnet import xresnet_to_fastai
from tfast.pretrained import catalog, load
from tfast.vision.xresnet import xresnet


def test_the_names_of_the_tensors_tell_the_module(tmp_path):
    model = xresnet(3, block_counts=(1, 1), expansion=1, stem_widths=(8, 8))
    np.savez(tmp_path / "a.npz", **xresnet_to_fastai(model))
    loaded = load(tmp_path / "a.npz")
    inputs = np.ones((1, 32, 32, 3), "float32")
    np.testing.assert_array_equal(loaded.model(inputs), model(inputs))


def test_kinds_without_a_module_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "LOADERS_BY_KIND", {"xresnet": "tfast.pretrained.fastai_images"})
    np.savez(
        tmp_path / "a.npz", **{"encoder.weight": np.ones(2), "rnns.0.weight_hh_l0": np.ones(2)}
    )
    with pytest.raises(ValueError, match="pretrained must be a file of xresnet, got encoder"):
        load(tmp_path / "a.npz")
