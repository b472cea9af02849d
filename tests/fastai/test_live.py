"""Models that an installed fastai has just trained compute the same here.

Needs a Python with fastai: this one, or the one that TFAST_FASTAI_PYTHON names.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tfast.fastai.encoders import encoder_from_fastai
from tfast.fastai.image_classifiers import image_classifier_from_fastai
from tfast.fastai.kinds import kind_of
from tfast.fastai.reading import load_weights
from tfast.fastai.text_models import language_model_from_fastai, text_classifier_from_fastai
from tfast.fastai.xresnet import xresnet_from_fastai

pytestmark = pytest.mark.fastai
PYTHON = os.environ.get("TFAST_FASTAI_PYTHON", sys.executable)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if subprocess.run([PYTHON, "-c", "import fastai.learner"], check=False).returncode:
        pytest.skip(f"fastai is not installed in {PYTHON}; set TFAST_FASTAI_PYTHON")
    folder = tmp_path_factory.mktemp("fastai")
    script = Path(__file__).parent / "make_fastai_models.py"
    subprocess.run([PYTHON, str(script), str(folder)], check=True)
    return folder


def assert_same_outputs(folder, kind, compute):
    with np.load(folder / f"{kind}.npz") as arrays:
        inputs, expected = arrays["inputs"], arrays["outputs"]
    actual = np.asarray(compute(inputs))
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("kind", "convert", "activation"),
    [
        ("xresnet18", xresnet_from_fastai, "relu"),
        ("xresnet50", xresnet_from_fastai, "relu"),
        ("xse_resnext18", xresnet_from_fastai, "relu"),
        ("xresnet18_mish_sa", xresnet_from_fastai, "mish"),
        ("vision_learner", image_classifier_from_fastai, "relu"),
    ],
)
def test_image_models(folder, kind, convert, activation):
    model = convert(load_weights(folder / f"{kind}.pth"), activation=activation)
    assert_same_outputs(folder, kind, lambda x: model(x.transpose(0, 2, 3, 1), training=False))


def test_language_model(folder):
    model = language_model_from_fastai(load_weights(folder / "language_model.pth"))

    def compute(token_ids):
        inputs = {"token_ids": token_ids, "starts_anew": np.ones(len(token_ids), bool)}
        return model(inputs, training=False)["logits"]

    assert_same_outputs(folder, "language_model", compute)


def test_text_classifier(folder):
    model = text_classifier_from_fastai(load_weights(folder / "text_classifier.pth"))

    def compute(token_ids):
        lengths = np.full(len(token_ids), token_ids.shape[1])
        return model({"token_ids": token_ids, "lengths": lengths}, training=False)

    assert_same_outputs(folder, "text_classifier", compute)


@pytest.mark.parametrize(
    ("kind", "convert"),
    [
        ("language_model", language_model_from_fastai),
        ("text_classifier", text_classifier_from_fastai),
    ],
)
def test_encoder(folder, kind, convert):
    state = load_weights(folder / f"{kind}_encoder.pth")
    assert kind_of(state) == "encoder"
    whole = convert(load_weights(folder / f"{kind}.pth")).encoder
    for ours, theirs in zip(encoder_from_fastai(state).weights, whole.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


def test_kinds(folder):
    kinds = {path.stem: kind_of(load_weights(path)) for path in folder.glob("*.pth")}
    for name, kind in kinds.items():
        if name.startswith("x"):
            assert kind == "xresnet", name
        elif not name.endswith("_encoder"):
            assert kind == {"vision_learner": "image_classifier"}.get(name, name)
