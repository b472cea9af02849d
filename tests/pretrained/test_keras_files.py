import json

import keras
import numpy as np
import pytest

from tfast.pretrained import load
from tfast.pretrained.checksums import sha256_of
from tfast.text import ForwardBackwardClassifier, LanguageModel, TextClassifier, Vocabulary
from tfast.text.gram_vectors import GramVectors
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.tokenization.tokenizer_files import save_tokenizer
from tfast.vision.preprocessing import ImagePreprocessing

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 1}


def save_language_model(folder, name="language_model.keras", *, size=10):
    model = LanguageModel(10, **SIZES)
    model.save(folder / name)
    Vocabulary([*SPECIAL_TOKENS, *(f"w{i}" for i in range(size - 9))]).save(
        folder / "vocabulary.txt"
    )
    return model


def test_a_language_model_of_a_run(tmp_path):
    model = save_language_model(tmp_path)
    save_tokenizer(TextTokenizer(add_end=True), tmp_path)
    loaded = load(tmp_path / "language_model.keras")
    for ours, theirs in zip(loaded.model.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert loaded.vocabulary.words[-1] == "w0"
    assert loaded.tokenizer.add_end
    assert not loaded.reverse
    assert set(loaded.provenance.sha256) == {
        "language_model.keras",
        "vocabulary.txt",
        "text_tokenizer.json",
    }


@pytest.mark.parametrize(
    "name", ["vocabulary.txt", "topic_vectors.npz", "text_tokenizer.json", "sentencepiece.model"]
)
def test_hashes_of_what_lies_beside_a_language_model_are_checked(tmp_path, name):
    save_language_model(tmp_path)
    save_tokenizer(TextTokenizer(), tmp_path)
    GramVectors(np.ones((10, 1), "float32")).save(tmp_path / "topic_vectors.npz")
    (tmp_path / "sentencepiece.model").write_bytes(b"pieces")
    hashes = {path.name: sha256_of(path) for path in tmp_path.iterdir()}
    assert load(tmp_path, sha256=hashes).provenance.sha256 == hashes
    assert load(tmp_path, sha256=hashes["language_model.keras"])
    with pytest.raises(ValueError, match=f"sha256 must be that of {name}, which is {hashes[name]}"):
        load(tmp_path, sha256={name: "0" * 64})


def test_topic_vectors_beside_a_language_model_come_too(tmp_path):
    save_language_model(tmp_path)
    rows = np.arange(10, dtype="float32")[:, None]
    GramVectors(rows).save(tmp_path / "topic_vectors.npz")
    loaded = load(tmp_path / "language_model.keras")
    np.testing.assert_array_equal(loaded.topic_vectors.words, rows)
    assert "topic_vectors.npz" in loaded.provenance.sha256
    GramVectors(rows[1:]).save(tmp_path / "topic_vectors.npz")
    with pytest.raises(ValueError, match="a vector for each of 10 words, got 9"):
        load(tmp_path / "language_model.keras")


def test_a_backward_model_is_told_by_its_name(tmp_path):
    save_language_model(tmp_path, "backward_language_model.keras")
    assert load(tmp_path / "backward_language_model.keras").reverse


def test_a_classifier_of_both_directions_takes_documents_as_they_are(tmp_path):
    save_language_model(tmp_path)
    model = ForwardBackwardClassifier(
        TextClassifier(10, 2, **SIZES), TextClassifier(10, 2, **SIZES)
    )
    model.save(tmp_path / "backward_and_forward.keras")
    loaded = load(tmp_path / "backward_and_forward.keras")
    assert len(loaded.vocabulary) == 10
    assert not loaded.reverse


def test_a_vocabulary_of_another_size_is_refused(tmp_path):
    save_language_model(tmp_path, size=11)
    with pytest.raises(ValueError, match=r"vocabulary\.txt must have the model's 10 words, got 11"):
        load(tmp_path / "language_model.keras")
    (tmp_path / "vocabulary.txt").unlink()
    with pytest.raises(ValueError, match=r"must hold vocabulary\.txt"):
        load(tmp_path / "language_model.keras")


def test_an_image_model_has_the_preprocessing_beside_it(tmp_path):
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()]).save(tmp_path / "m.keras")
    assert load(tmp_path / "m.keras").preprocessing is None
    preprocessing = ImagePreprocessing(crop_ratio=1.5)
    (tmp_path / "preprocessing.json").write_text(json.dumps(preprocessing.to_dict()))
    assert load(tmp_path / "m.keras").preprocessing == preprocessing
    (tmp_path / "preprocessing.json").write_text("[]")
    with pytest.raises(ValueError, match=r"sha256 must be that of preprocessing\.json"):
        load(tmp_path / "m.keras", sha256={"preprocessing.json": "0" * 64})
    with pytest.raises(ValueError, match="must be preprocessing"):
        load(tmp_path / "m.keras")


@pytest.mark.parametrize("content", [b"", b"PK", b"garbage"])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "m.keras").write_bytes(content)
    with pytest.raises(ValueError, match=r"m\.keras cannot be read"):
        load(tmp_path / "m.keras")
