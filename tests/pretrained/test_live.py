"""Networks that an installed timm has just made and published compute the same here.

Needs a Python with timm: this one, or the one that TFAST_TIMM_PYTHON names.
"""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from small_data import photo

from tfast.pretrained import load
from tfast.vision.decoding import decode_image

pytestmark = pytest.mark.fastai
PYTHON = os.environ.get("TFAST_TIMM_PYTHON", sys.executable)
# One of each depth, and each kind of settings.
NAMES = [
    *("resnet18d.ra4_e3600_r224_in1k", "resnet26d.bt_in1k", "resnet34d.ra2_in1k"),
    *("resnet50d.a3_in1k", "resnet50d.gluon_in1k", "resnet101d.ra2_in1k"),
    *("resnet152d.ra2_in1k", "resnet200d.ra2_in1k"),
]
SIDES = [(375, 500), (601, 399), (97, 431), (300, 301), (224, 224)]


def write_images(folder):
    """Odd JPEGs: progressive, grey, CMYK, coarse; and a PNG of the very size."""
    folder.mkdir()
    a, b, c, d, e = (Image.fromarray(photo(*sides)) for sides in SIDES)
    a.save(folder / "a.jpg", quality=85)
    b.save(folder / "b.jpg", quality=60, subsampling=2, progressive=True)
    c.convert("L").save(folder / "c.jpg")
    d.convert("CMYK").save(folder / "d.jpg")
    e.save(folder / "e.png")


@pytest.fixture(scope="module", params=NAMES)
def published(request, tmp_path_factory):
    """Name, folder and timm's results for a network, which is gone afterwards."""
    if subprocess.run([PYTHON, "-c", "import timm"], check=False, capture_output=True).returncode:
        pytest.skip(f"timm is not installed in {PYTHON}; set TFAST_TIMM_PYTHON")
    folder = tmp_path_factory.mktemp("timm")
    write_images(folder / "images")
    script = Path(__file__).parent / "make_timm_models.py"
    subprocess.run([PYTHON, str(script), str(folder), request.param], check=True)
    with np.load(folder / f"{request.param}.npz") as arrays:
        yield f"timm/{request.param}", folder, dict(arrays)
    for file in folder.rglob("*"):
        if file.is_file():
            file.unlink()


def test_logits_and_images_are_timms(published, monkeypatch):
    name, folder, timms = published
    monkeypatch.setenv("HF_HUB_CACHE", str(folder / "hub"))
    # In float64, as timm's: float32 sums in another order are 2e-5 apart after 50 layers.
    keras.mixed_precision.set_dtype_policy("float64")
    loaded = load(name)
    logits = loaded.model(timms["inputs"], training=False)
    np.testing.assert_allclose(logits, timms["logits"], rtol=0, atol=1e-5)

    for use_test_size in (False, True):
        size, prepare = loaded.image_size, loaded.preprocessing
        if use_test_size and loaded.test_preprocessing is not None:
            size, prepare = loaded.test_image_size, loaded.test_preprocessing
        for number, file in enumerate(sorted((folder / "images").iterdir())):
            found = prepare(decode_image(tf.constant(file.read_bytes())), size)
            expected = timms[f"images_{use_test_size}"][number]
            off = np.abs(found - expected) * prepare.standard_deviation * 255
            assert off.mean() < 0.05, file.name  # of 255 levels
