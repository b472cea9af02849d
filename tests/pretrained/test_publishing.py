import hashlib
import json
import pickletools

import keras
import numpy as np
import pytest
from published_models import CLASSES, IMAGES, MODELS, TEXTS, answers, compiled, trained

import tfast
import tfast.runtime
import tfast.saving
from tfast.fastai import load_weights
from tfast.fastai.text_models import text_classifier_from_fastai
from tfast.fastai.xresnet import xresnet_from_fastai
from tfast.pretrained import ModelCard, load, publish

pytest.importorskip("safetensors", reason="needs the extra `fastai`")
CARD = ModelCard(
    title="Toy", data="Made up", licence="mit", accuracy=0.9, baseline=0.8, baseline_name="guess"
)
ALWAYS = {"README.md", "pretrained.json", "model.keras", "config.json", "metadata.json",
          "model.weights.h5"}  # fmt: skip
WORDS = {"vocabulary.txt", "text_tokenizer.json"}
FASTAI = {"fastai.safetensors"}
FILES = {
    "language model": ALWAYS | WORDS | FASTAI,
    "text classifier": ALWAYS | WORDS | FASTAI,
    "both directions": ALWAYS | WORDS
    | {"fastai_forward.safetensors", "fastai_backward.safetensors"},
    "blend": ALWAYS | WORDS,
    "xresnet": ALWAYS | FASTAI | {"preprocessing.json"},
    "transferred": ALWAYS | FASTAI | {"preprocessing.json"},
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_folder_gives_the_models_answers_and_all_that_belongs_to_it(tmp_path, name):
    model, parts = trained(name)
    publish(model, tmp_path / "out", CARD, portable=None, **parts)
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES[name]
    loaded = load(tmp_path / "out")
    expected = answers(model)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(answers(loaded.model), expected, rtol=1e-6, atol=1e-6)
    assert loaded.class_names == (tuple(CLASSES) if "class_names" in parts else None)
    assert loaded.vocabulary == parts.get("vocabulary")
    assert loaded.preprocessing == parts.get("preprocessing")
    assert loaded.image_size == ((16, 16) if "image_size" in parts else None)
    if loaded.tokenizer:
        assert loaded.tokenizer(["Good film"]).to_list()[0][-1] == b"xxeos"
    assert (loaded.provenance.licence, loaded.provenance.expected_accuracy) == ("mit", 0.9)


def test_keras_loads_the_folder_and_the_file(tmp_path):
    model, parts = trained("text classifier")
    publish(model, tmp_path / "out", CARD, portable=None, **parts)
    tfast.saving.register()
    for path in (tmp_path / "out", tmp_path / "out" / "model.keras"):
        found = keras.saving.load_model(str(path))
        np.testing.assert_allclose(answers(found), answers(model), rtol=1e-6)


def test_fastais_weights_are_the_models(tmp_path):
    for name, convert in (
        ("text classifier", text_classifier_from_fastai),
        ("xresnet", xresnet_from_fastai),
    ):
        model, parts = trained(name)
        publish(model, tmp_path / name, CARD, portable=None, **parts)
        copy = convert(load_weights(tmp_path / name / "fastai.safetensors"))
        np.testing.assert_allclose(answers(copy), answers(model), rtol=1e-5, atol=1e-6)


def test_every_file_is_hashed_and_a_changed_one_refused(tmp_path):
    model, parts = trained("text classifier")
    publish(model, tmp_path / "out", CARD, portable=None, **parts)
    description = json.loads((tmp_path / "out" / "pretrained.json").read_text())
    card = (tmp_path / "out" / "README.md").read_text()
    for name, sha256 in description["files"].items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == sha256
        assert f"| `{name}` | `{sha256}` |" in card
    assert set(description["files"]) == FILES["text classifier"] - {"README.md", "pretrained.json"}
    words = tmp_path / "out" / "vocabulary.txt"
    words.write_text(words.read_text().replace("good", "fine"))
    with pytest.raises(ValueError, match=r"vocabulary\.txt must be the file that was published"):
        load(tmp_path / "out")


def test_no_file_is_a_pickle(tmp_path):
    model, parts = trained("transferred")
    publish(model, tmp_path / "out", CARD, portable=None, **parts)
    for path in (tmp_path / "out").rglob("*"):
        assert path.suffix not in (".pkl", ".pth", ".pt", ".bin", ".ckpt")
        if path.is_file():
            with pytest.raises(Exception):  # noqa: B017, PT011 -- whatever their first bytes do
                list(pickletools.genops(path.read_bytes()))


def test_state_of_an_optimizer_is_left_out(tmp_path):
    model, parts = trained("xresnet")
    publish(model, tmp_path / "bare", CARD, portable=None, **parts)
    publish(compiled(model), tmp_path / "out", CARD, portable=None, **parts)
    sizes = [(tmp_path / name / "model.keras").stat().st_size for name in ("bare", "out")]
    assert sizes[1] < 1.2 * sizes[0]
    assert getattr(load(tmp_path / "out").model, "optimizer", None) is None


@pytest.mark.parametrize("name", ["text classifier", "xresnet"])
def test_a_portable_folder_comes_with_classifiers(tmp_path, name):
    pytest.importorskip("onnxruntime")
    model, parts = trained(name)
    publish(model, tmp_path / "out", CARD, **parts)
    classifier = tfast.runtime.load(tmp_path / "out" / "portable")
    assert classifier.check() < 1e-4
    files = json.loads((tmp_path / "out" / "pretrained.json").read_text())["files"]
    assert "portable/model.onnx" in files
    assert load(tmp_path / "out").class_names == tuple(CLASSES)


def test_a_model_that_fastai_does_not_have_comes_without_its_weights(tmp_path):
    model = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    publish(model, tmp_path / "out", CARD, portable=None, class_names=CLASSES, **IMAGES)
    assert not list((tmp_path / "out").glob("*.safetensors"))
    assert load(tmp_path / "out").preprocessing == IMAGES["preprocessing"]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "text classifier",
            {"class_names": None},
            "class_names must be given for a TextClassifier",
        ),
        ("text classifier", {"class_names": ["a"]}, "class_names must be 2 distinct names"),
        ("text classifier", {"vocabulary": None}, "vocabulary must be given"),
        (
            "language model",
            {"class_names": CLASSES},
            "class_names must be None for a LanguageModel",
        ),
        ("xresnet", {"preprocessing": None}, "preprocessing must be given for a Functional"),
        ("xresnet", TEXTS, "tokenizer must be None for a Functional"),
        ("xresnet", {"reverse": True}, "reverse must be False"),
        ("both directions", {"reverse": True}, "reverse must be False"),
        ("xresnet", {"image_size": None}, "image_size"),
        ("text classifier", {"tokenizer": str.split}, "must be a TextTokenizer for English"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path, name, change, message):
    model, parts = trained(name)
    with pytest.raises(ValueError, match=message):
        publish(model, tmp_path / "out", CARD, portable=None, **(parts | change))
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_stays_unless_it_may_be_replaced(tmp_path):
    model, parts = trained("language model")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(ValueError, match="exists"):
        publish(model, tmp_path / "out", CARD, **parts)
    publish(model, tmp_path / "out", CARD, overwrite=True, reverse=True, **parts)
    assert not (tmp_path / "out" / "mine.txt").exists()
    assert load(tmp_path / "out").reverse


def test_answers_that_differ_are_not_written(tmp_path, monkeypatch):
    model, parts = trained("xresnet")
    other, _ = trained("xresnet")
    kernel = other.get_layer("logits").kernel
    kernel.assign(1.001 * kernel)
    monkeypatch.setattr("tfast.pretrained.publishing._without_optimizer", lambda _: other)
    with pytest.raises(ValueError, match="other answers than the model"):
        publish(model, tmp_path / "out", CARD, portable=None, **parts)
    assert not list(tmp_path.iterdir())
