import hashlib
import json

import keras
import numpy as np
import pytest
from golden_weights import GOLDEN
from published_models import TEXTS, answers, trained

from tfast.pretrained import ModelCard, load, publish
from tfast.pretrained.checksums import sha256_of
from tfast.text import SentencePieceSplitter, TextTokenizer

pytest.importorskip("safetensors", reason="needs the extra `fastai`")
CARD = ModelCard(title="Toy", data="Made up", licence=None)


@pytest.fixture
def folder(tmp_path):
    model, parts = trained("text classifier")
    publish(model, tmp_path / "out", CARD, portable=None, **parts)
    return tmp_path / "out"


def change(folder, **changes):
    file = folder / "pretrained.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_filled_cache_of_the_hub_is_read_without_a_network(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    repository = tmp_path / "cache" / "models--me--toy"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c0ffee")
    (repository / "snapshots").mkdir()
    folder.rename(repository / "snapshots" / "c0ffee")
    loaded = load("hf://me/toy")
    model, _ = trained("text classifier")
    np.testing.assert_allclose(answers(loaded.model), answers(model), rtol=1e-6)
    assert loaded.provenance.revision == "c0ffee"
    assert set(loaded.provenance.sha256) == {
        "pretrained.json", "model.keras", "vocabulary.txt", "text_tokenizer.json",
    }  # fmt: skip


def test_a_repository_of_another_kind_is_not_asked_for_the_description(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    snapshot = tmp_path / "models--me--net" / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"config\.json"):
        load("hf://me/net", download=True, revision="c0ffee")


def test_a_sentencepiece_model_is_published_and_checked(tmp_path):
    pytest.importorskip("tensorflow_text")
    model, parts = trained("language model")
    tokenizer = TextTokenizer(SentencePieceSplitter(GOLDEN / "sentencepiece_de.model"))
    publish(model, tmp_path / "out", CARD, **(parts | {"tokenizer": tokenizer}))
    loaded = load(tmp_path / "out")
    assert loaded.tokenizer(["Der Film"]).to_list() == tokenizer(["Der Film"]).to_list()
    assert "sentencepiece.model" in loaded.provenance.sha256
    (tmp_path / "out" / "sentencepiece.model").write_bytes(b"other")
    with pytest.raises(ValueError, match=r"sentencepiece\.model must be the file that was"):
        load(tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "must be what publish wrote"),
        ({"files": []}, "must be what publish wrote"),
        ({"class_names": 3}, "must be what publish wrote"),
        ({"kind": "image"}, "must be what publish wrote"),
        ({"files": {}}, r"model\.keras must be the file that was published, of SHA-256 None"),
    ],
)
def test_another_description_is_refused(folder, changes, message):
    change(folder, **changes)
    with pytest.raises(ValueError, match=message):
        load(folder)


@pytest.mark.parametrize("names", [["bad"], ["bad", "good", "other"], []])
@pytest.mark.parametrize("kind", ["text classifier", "blend", "xresnet"])
def test_another_number_of_class_names_is_refused(tmp_path, kind, names):
    model, parts = trained(kind)
    publish(model, tmp_path / "out", CARD, portable=None, **parts)
    change(tmp_path / "out", class_names=names)
    message = (
        rf"pretrained\.json: class_names must be 2, one for each class of .*, got {len(names)}$"
    )
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "out")
    change(tmp_path / "out", class_names=None)
    assert load(tmp_path / "out").class_names is None


def test_class_names_of_a_language_model_are_refused(tmp_path):
    model, parts = trained("language model")
    publish(model, tmp_path / "out", CARD, **parts)
    change(tmp_path / "out", class_names=["bad", "good"])
    with pytest.raises(ValueError, match=r"pretrained\.json must be what publish wrote"):
        load(tmp_path / "out")


def test_a_hash_of_the_user_is_that_of_the_model_or_of_a_named_file(folder):
    right = sha256_of(folder / "model.keras")
    assert load(folder, sha256=right).provenance.sha256["model.keras"] == right
    with pytest.raises(ValueError, match=r"sha256 must be that of model\.keras"):
        load(folder, sha256="0" * 64)
    with pytest.raises(ValueError, match=r"files that were read \(pretrained\.json, .*got model"):
        load(folder, sha256={"model.kears": right})


def test_a_damaged_description_is_refused(folder):
    (folder / "pretrained.json").write_text("{")
    with pytest.raises(ValueError, match=r"pretrained\.json must be what publish wrote"):
        load(folder)


def test_a_model_of_another_kind_is_refused(folder):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(folder / "model.keras")
    files = json.loads((folder / "pretrained.json").read_text())["files"]
    content = (folder / "model.keras").read_bytes()
    change(folder, files=files | {"model.keras": hashlib.sha256(content).hexdigest()})
    with pytest.raises(ValueError, match=r"model\.keras must be a text model, got Sequential"):
        load(folder)


def test_a_missing_file_is_named(folder):
    (folder / "vocabulary.txt").unlink()
    with pytest.raises(ValueError, match=r"must hold vocabulary\.txt"):
        load(folder)
    assert TEXTS["vocabulary"].words[-1] == "film"
