import sys

import keras
import pytest
from published_models import text_classifier

from tfast.fastai import kind_of, load_weights
from tfast.pretrained.fastai_weights import write_fastai_weights
from tfast.text import ForwardBackwardClassifier


def test_both_directions_have_a_file_each(tmp_path):
    pytest.importorskip("safetensors")
    forward, backward = text_classifier(), text_classifier()
    write_fastai_weights(ForwardBackwardClassifier(forward, backward), tmp_path)
    names = ["fastai_backward.safetensors", "fastai_forward.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    weights = load_weights(tmp_path / names[0])
    assert kind_of(weights) == "text_classifier"
    assert (weights["0.module.encoder.weight"] == backward.encoder.embeddings.numpy()).all()


def test_a_model_that_fastai_does_not_have_has_none(tmp_path):
    write_fastai_weights(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_missing_safetensors_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match="pip install safetensors"):
        write_fastai_weights(text_classifier(), tmp_path)
