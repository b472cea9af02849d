import ast
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfast
from tfast import saving
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.training.optimizers.fused_adam import FusedAdam
from tfast.vision.xresnet import xresnet

PACKAGE = Path(tfast.__file__).parent
SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 1}

LOAD = """
import sys
import tfast
assert not {"keras", "tensorflow"} & set(sys.modules)
model = tfast.load_model(sys.argv[1])
print(type(model).__name__, type(model.optimizer).__name__, sum(float(abs(w).sum()) for w in
      model.get_weights()))
"""


def image_model():
    model = xresnet(3, block_counts=(1,), expansion=1, squeeze_reduction=16, self_attention=True)
    model.compile(FusedAdam(0.1), "mse")
    return model


def language_model():
    model = LanguageModel(9, **SIZES)
    model.compile("adam")
    return model


def text_classifier():
    model = TextClassifier(9, 2, **SIZES)
    model.compile(FusedAdam(0.1), "mse")
    return model


def registering_modules():
    """Names of the modules of tfast that register a class with Keras."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "register_keras_serializable":
                parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
                yield ".".join(parts)


def test_every_module_that_registers_a_class_is_listed():
    listed = {*saving._REGISTERING, *saving._REGISTERING_WITH_TENSORFLOW}
    assert set(registering_modules()) == listed


@pytest.mark.parametrize("make", [image_model, language_model, text_classifier])
def test_a_fresh_process_loads_what_was_saved(make, tmp_path):
    model = make()
    model.save(tmp_path / "model.keras")
    command = [sys.executable, "-c", LOAD, tmp_path / "model.keras"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    kind, optimizer, total = result.stdout.split()
    assert (kind, optimizer) == (type(model).__name__, type(model.optimizer).__name__)
    assert float(total) == pytest.approx(sum(abs(w).sum() for w in model.get_weights()), rel=1e-6)


def test_a_model_with_a_tokenizer_is_loaded(tmp_path):
    model = keras.Sequential([keras.Input((), dtype="string"), TextTokenizer()])
    model.save(tmp_path / "model.keras")
    tokens = saving.load_model(tmp_path / "model.keras")(tf.constant(["The film"]))
    assert tokens.to_list() == [[b"xxbos", b"xxmaj", b"the", b"film"]]


def test_options_reach_keras(tmp_path):
    model = image_model()
    model.save(tmp_path / "model.keras")
    loaded = saving.load_model(tmp_path / "model.keras", compile=False)
    assert getattr(loaded, "optimizer", None) is None
    for ours, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nothing\.keras"):
        saving.load_model(tmp_path / "nothing.keras")
