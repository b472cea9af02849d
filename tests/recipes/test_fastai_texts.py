import json

import numpy as np
import pytest
import tensorflow as tf

from tfast.fastai.text_models import language_model_to_fastai, text_classifier_to_fastai
from tfast.recipes import FastaiImport, InputError, PortableExport, fastai_texts
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS

SIZES = {"embed_size": 6, "hidden_size": 8, "num_layers": 2}
WORDS = [*SPECIAL_TOKENS, "film", "best", "the", "and", "it"]


def serve(folder, **inputs):
    loaded = tf.saved_model.load(str(folder / "saved_model"))
    return loaded.signatures["serving_default"](**inputs)


def test_text_classifier(tmp_path, capsys):
    model = TextClassifier(len(WORDS), 2, **SIZES)
    np.savez(tmp_path / "w.npz", **text_classifier_to_fastai(model))
    (tmp_path / "v.json").write_text(json.dumps([WORDS, ["neg", "pos"]]))
    recipe = FastaiImport(weights=tmp_path / "w.npz", vocabulary=tmp_path / "v.json")
    assert recipe.run(tmp_path / "out") < 1e-5
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["model.keras", "saved_model", "serving.json", "vocabulary.txt"]
    assert PortableExport(model=tmp_path / "out").run(tmp_path / "portable") < 1e-4
    shown = capsys.readouterr().out
    assert "2 classes: neg pos" in shown
    assert "one class being right" in shown
    labels = serve(tmp_path / "out", text=tf.constant(["the best film"]))["labels"]
    assert labels[0] in (b"neg", b"pos")


def test_language_model(tmp_path):
    model = LanguageModel(len(WORDS), **SIZES)
    np.savez(tmp_path / "w.npz", **language_model_to_fastai(model))
    (tmp_path / "v.txt").write_text("\n".join(WORDS))
    with pytest.raises(InputError, match="vocabulary must be the words of the text model"):
        FastaiImport(weights=tmp_path / "w.npz").run(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    recipe = FastaiImport(weights=tmp_path / "w.npz", vocabulary=tmp_path / "v.txt")
    assert recipe.run(tmp_path / "out") < 1e-5
    answer = serve(tmp_path / "out", text=tf.constant(["the best", ""]))
    assert answer["probabilities"].shape == (2, len(WORDS))


@pytest.mark.slow
def test_a_model_that_gives_nan_for_one_text_is_not_written(tmp_path, monkeypatch):
    # Weights that are not finite are refused before; what is served may be NaN all the same.
    state = text_classifier_to_fastai(TextClassifier(len(WORDS), 2, **SIZES))
    np.savez(tmp_path / "w.npz", **state)
    (tmp_path / "v.json").write_text(json.dumps(WORDS))
    recipe = FastaiImport(weights=tmp_path / "w.npz", vocabulary=tmp_path / "v.json")
    monkeypatch.setattr(fastai_texts, "largest_difference", lambda *_: float("nan"))
    with pytest.raises(InputError, match="differs from the model by nan: not written"):
        recipe.run(tmp_path / "out")
    assert not (tmp_path / "out").exists()
