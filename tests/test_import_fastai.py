"""scripts/import_fastai.py on weights that we wrote in fastai's names."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfast.fastai.image_classifiers import image_classifier_to_fastai
from tfast.fastai.text_models import language_model_to_fastai, text_classifier_to_fastai
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.vision.preprocessing import ImagePreprocessing
from tfast.vision.transfer import transfer_model
from tfast.vision.xresnet import xresnet

SIZES = {"embed_size": 6, "hidden_size": 8, "num_layers": 2}
WORDS = [*SPECIAL_TOKENS, "film", "best", "the", "and", "it"]


@pytest.fixture
def run(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "scripts"))
    sys.modules.pop("environment", None)
    import import_fastai

    return lambda *options: import_fastai.main([str(option) for option in options])


def serve(folder, **inputs):
    loaded = tf.saved_model.load(str(folder / "saved_model"))
    return loaded.signatures["serving_default"](**inputs)


def test_text_classifier(run, tmp_path, capsys):
    model = TextClassifier(len(WORDS), 2, **SIZES)
    np.savez(tmp_path / "w.npz", **text_classifier_to_fastai(model))
    (tmp_path / "v.json").write_text(json.dumps([WORDS, ["neg", "pos"]]))
    output = tmp_path / "out"
    options = ["--weights", tmp_path / "w.npz", "--vocabulary", tmp_path / "v.json"]
    assert run(*options, "--output", output) == 0
    assert sorted(path.name for path in output.iterdir()) == [
        "model.keras",
        "saved_model",
        "vocabulary.txt",
    ]
    assert "2 classes: neg pos" in capsys.readouterr().out
    assert serve(output, text=tf.constant(["the best film"]))["labels"][0] in (b"neg", b"pos")

    with pytest.raises(SystemExit) as caught:
        run(*options, "--output", output)
    assert caught.value.code == 2
    assert "exists" in capsys.readouterr().err


def test_language_model(run, tmp_path, capsys):
    model = LanguageModel(len(WORDS), **SIZES)
    np.savez(tmp_path / "w.npz", **language_model_to_fastai(model))
    (tmp_path / "v.txt").write_text("\n".join(WORDS))
    options = ["--weights", tmp_path / "w.npz", "--output", tmp_path / "out"]
    with pytest.raises(SystemExit) as caught:
        run(*options)
    assert caught.value.code == 2
    assert "--vocabulary: a text model needs its words" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run(*options, "--vocabulary", tmp_path / "v.txt") == 0
    answer = serve(tmp_path / "out", text=tf.constant(["the best", ""]))
    assert answer["probabilities"].shape == (2, len(WORDS))


def test_image_classifier(run, tmp_path):
    body = xresnet(9, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))
    state = image_classifier_to_fastai(transfer_model(body, 2))
    np.savez(tmp_path / "w.npz", **state)
    (tmp_path / "labels.json").write_text('["cat", "dog"]')  # list(learn.dls.vocab)
    options = ["--weights", tmp_path / "w.npz", "--vocabulary", tmp_path / "labels.json"]
    options += ["--image-size", 32, "--mean", 0.5, "--std", 0.25]
    assert run(*options, "--output", tmp_path / "out") == 0
    picture = tf.io.encode_jpeg(tf.zeros((40, 50, 3), tf.uint8))
    assert serve(tmp_path / "out", image_bytes=picture[None])["labels"][0] in (b"cat", b"dog")
    preprocessing = json.loads((tmp_path / "out" / "preprocessing.json").read_text())
    assert ImagePreprocessing.from_dict(preprocessing) == ImagePreprocessing(0.5, 0.25)


@pytest.mark.slow
def test_a_model_that_gives_nan_for_one_text_is_not_written(run, tmp_path, capsys):
    # Only the second text of the check has a word that is not known.
    words = [*WORDS, "a", ",", "'s", "of", "year", "!"]
    state = text_classifier_to_fastai(TextClassifier(len(words), 2, **SIZES))
    del state["0.module.encoder_dp.emb.weight"]  # a copy
    state["0.module.encoder.weight"][words.index("xxunk")] = np.nan
    np.savez(tmp_path / "w.npz", **state)
    (tmp_path / "v.json").write_text(json.dumps(words))
    options = ["--weights", tmp_path / "w.npz", "--vocabulary", tmp_path / "v.json"]
    with pytest.raises(SystemExit) as caught:
        run(*options, "--output", tmp_path / "out")
    assert caught.value.code == 2
    assert "differs from the model by nan: not written" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_bad_input_is_one_line_and_exit_code_2(run, tmp_path, capsys):
    np.savez(tmp_path / "w.npz", something=np.ones(2))
    for weights, message in (
        ("none.pth", "no such file"),
        ("w.npz", "must be of fastai's XResNet"),
    ):
        with pytest.raises(SystemExit) as caught:
            run("--weights", tmp_path / weights, "--output", tmp_path / "out")
        assert caught.value.code == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
