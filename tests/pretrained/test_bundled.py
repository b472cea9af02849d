import dataclasses
import shutil

import numpy as np
import pytest

from tfast.fastai.text_models import language_model_to_fastai
from tfast.pretrained import ENTRIES, bundled, load
from tfast.pretrained.checksums import sha256_of
from tfast.pretrained.loading import open_source
from tfast.text.gram_vectors import GramVectors
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.tokenization.tokenizer_files import save_tokenizer
from tfast.text.vocabulary import Vocabulary

FILES = ("weights.npz", "vocabulary.txt", "topic_vectors.npz", "text_tokenizer.json")
NAME = "tfast/english"


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small model as the package's own; gives it, its folder and its words."""
    folder = tmp_path / "weights" / "english"
    folder.mkdir(parents=True)
    vocabulary = Vocabulary.from_tokens([[b"the", b"the", b"of", b"of"]])
    model = LanguageModel(len(vocabulary), embed_size=4, hidden_size=6, num_layers=2)
    vocabulary.save(folder / "vocabulary.txt")
    state = language_model_to_fastai(model)
    np.savez(folder / "weights.npz", **{name: a.astype("float16") for name, a in state.items()})
    GramVectors(np.eye(len(vocabulary), 3, dtype="int8")).save(folder / FILES[2])
    save_tokenizer(TextTokenizer(split_mentions=True), folder)
    hashes = {name: sha256_of(folder / name) for name in FILES}
    entry = dataclasses.replace(ENTRIES[NAME], sha256=hashes)
    monkeypatch.setattr(bundled, "WEIGHTS", folder.parent)
    monkeypatch.setitem(ENTRIES, NAME, entry)
    return model, folder, vocabulary


def test_weights_of_the_package_are_loaded_in_float32(small):
    model, folder, vocabulary = small
    loaded = load(NAME)
    assert (loaded.vocabulary, loaded.reverse) == (vocabulary, False)
    assert (loaded.model.dtype_policy.name, loaded.model.num_candidates) == ("float32", None)
    for found, expected in zip(
        loaded.model.trainable_weights, model.trainable_weights, strict=True
    ):
        np.testing.assert_array_equal(found, expected.numpy().astype("float16"))
    tokens = loaded.tokenizer(["The @of"]).to_list()
    assert tokens == [[b"xxbos", b"xxmaj", b"the", b"@", b"of"]]
    assert loaded.provenance.sha256 == {name: sha256_of(folder / name) for name in FILES}
    assert loaded.provenance.source.startswith("the package tfast ")
    np.testing.assert_array_equal(loaded.topic_vectors.words, np.eye(len(vocabulary), 3))


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_refused_before_it_is_read(small, name):
    _, folder, _ = small
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} must have the SHA-256 .*, got .*damaged"):
        load(NAME)


def test_a_missing_file_is_one_line_that_says_what_to_do(small):
    _, folder, _ = small
    shutil.rmtree(folder)
    with pytest.raises(ValueError, match=r"got no weights\.npz in .*: install tfast again$"):
        load(NAME, download=True)
    source = open_source(NAME)
    assert not any(source.is_here(name) for name in source.entry.files)


def test_a_hash_of_the_user_is_checked_too(small):
    with pytest.raises(ValueError, match=r"sha256 must be that of vocabulary\.txt"):
        load(NAME, sha256={"vocabulary.txt": "0" * 64})
    with pytest.raises(ValueError, match=r"sha256 must be that of weights\.npz"):
        load(NAME, sha256="0" * 64)
    with pytest.raises(ValueError, match=r"files that were read \(weights\.npz, .*, got a\.npz$"):
        load(NAME, sha256={"a.npz": "0" * 64})
    _, folder, _ = small
    assert load(NAME, sha256=sha256_of(folder / "weights.npz"))
