import pickle
import shutil

import numpy as np
import pytest
from fastai_archives import (
    SENTENCEPIECE,
    WORDS,
    check_logits,
    piece_words,
    state_dict,
    tf2_ulmfit,
)
from torch_writer import write_torch_file

from tfast.pretrained import load
from tfast.text.gram_vectors import GramVectors
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.tokenization.tokenizer_files import save_tokenizer

FAKES = [*WORDS[:-1], "xxfake1"]


def lay_words(folder, weights="lstm_fwd.pth"):
    folder.mkdir(exist_ok=True)
    write_torch_file(folder / weights, state_dict())
    (folder / "itos_wt103.pkl").write_bytes(pickle.dumps(WORDS))
    return folder


def test_an_unpacked_folder_of_fast_ais(tmp_path):
    loaded = load(lay_words(tmp_path / "wt103-fwd"))
    check_logits(loaded, FAKES)
    assert not loaded.reverse
    assert set(loaded.provenance.sha256) == {"lstm_fwd.pth", "itos_wt103.pkl"}


def test_a_hash_of_the_vocabulary_beside_the_weights_is_checked(tmp_path):
    folder = lay_words(tmp_path / "wt103-fwd")
    hashes = load(folder).provenance.sha256
    assert load(folder, sha256=hashes).provenance.sha256 == hashes
    assert load(folder, sha256=hashes["lstm_fwd.pth"])
    with pytest.raises(ValueError, match=r"sha256 must be that of itos_wt103\.pkl"):
        load(folder, sha256=hashes | {"itos_wt103.pkl": "0" * 64})


@pytest.mark.parametrize(
    ("folder", "weights"), [("bwd", "a.pth"), ("x", "lstm_bwd.pth"), ("wt103-bwd", "w.pth")]
)
def test_names_tell_a_backward_model(tmp_path, folder, weights):
    assert load(lay_words(tmp_path / folder, weights) / weights).reverse


def test_a_folder_of_fastai_ulmfits(tmp_path):
    pytest.importorskip("tensorflow_text")
    (tmp_path / "fwd").mkdir()
    (tmp_path / "spm").mkdir()
    write_torch_file(tmp_path / "fwd" / "de_wikitext_model.pth", {"model": state_dict()})
    (tmp_path / "fwd" / "de_wikitext_vocab.pkl").write_bytes(pickle.dumps(piece_words()))
    shutil.copy(SENTENCEPIECE, tmp_path / "spm" / "spm.model")
    loaded = load(tmp_path / "fwd")
    assert loaded.tokenizer(["Der Film"]).to_list()[0][:2] == [b"xxbos", b"xxmaj"]
    assert len(loaded.vocabulary) == 50


def test_tf2_ulmfit_takes_a_text_as_it_is(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_text")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "tfast" / "tf2-ulmfit" / "en"
    folder.mkdir(parents=True)
    weights, pieces = (
        "enwiki100_20epochs_toks_35k_cased.pth",
        "enwiki100-toks-sp35k-cased.model",
    )
    words = tf2_ulmfit(folder, weights, pieces)
    loaded = load("tf2-ulmfit/en")
    check_logits(loaded, words)
    tokens = loaded.tokenizer(["The films"])
    assert tokens.to_list() == [[b"xxbos", "▁The".encode(), "▁film".encode(), b"s", b"xxeos"]]
    # In the ids of their own model: <s> The film s </s>.
    rename = dict(zip(["xxunk", "xxpad", "xxbos", "xxeos"], words, strict=False))
    ids = [words.index(rename.get(t.decode(), t.decode())) for t in tokens.to_list()[0]]
    assert ids == [2, 4, 5, 6, 3]
    assert "xxfld xxrep xxwrep xxup xxmaj have the mean row" in loaded.provenance.notes[0]
    assert set(loaded.provenance.sha256) == {weights, pieces}


def test_topic_vectors_beside_the_weights_come_too(tmp_path):
    folder = lay_words(tmp_path / "mine")
    (folder / "lstm_fwd.pth").rename(folder / "weights.pth")
    rows = np.arange(len(WORDS), dtype="float32")[:, None]
    GramVectors(rows).save(folder / "topic_vectors.npz")
    loaded = load(folder)
    # The weights have the special tokens of fastai 1; ours come first.
    found = dict(zip(loaded.vocabulary.words, loaded.topic_vectors.words[:, 0], strict=True))
    assert found == dict(zip(FAKES, rows[:, 0], strict=True))
    assert "topic_vectors.npz" in loaded.provenance.sha256
    GramVectors(np.ones((2, 3), "float32")).save(folder / "topic_vectors.npz")
    with pytest.raises(ValueError, match=rf"a vector for each of {len(WORDS)} words, got 2"):
        load(folder)


def test_settings_of_the_tokenizer_beside_the_weights_say_how_texts_are_split(tmp_path):
    folder = lay_words(tmp_path / "mine")
    assert load(folder).tokenizer(["@a"]).to_list() == [[b"xxbos", b"@a"]]
    save_tokenizer(TextTokenizer(split_mentions=True, add_end=True), folder)
    loaded = load(folder)
    assert loaded.tokenizer(["@a"]).to_list() == [[b"xxbos", b"@", b"a", b"xxeos"]]
    assert "text_tokenizer.json" in loaded.provenance.sha256
    (folder / "text_tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="must be the settings of a tokenizer"):
        load(folder)


def test_they_do_not_say_that_pieces_are_words(tmp_path):
    pytest.importorskip("tensorflow_text")
    (tmp_path / "spm").mkdir()
    folder = tmp_path / "fwd"
    folder.mkdir()
    write_torch_file(folder / "de.pth", {"model": state_dict()})
    (folder / "de_vocab.pkl").write_bytes(pickle.dumps(piece_words()))
    shutil.copy(SENTENCEPIECE, tmp_path / "spm" / "spm.model")
    pieces = load(folder).tokenizer
    save_tokenizer(TextTokenizer(pieces.splitter, add_end=True), tmp_path)
    shutil.copy(tmp_path / "text_tokenizer.json", folder)
    [tokens] = load(folder).tokenizer(["Der Film"]).to_list()
    assert tokens == [*pieces(["Der Film"]).to_list()[0], b"xxeos"]
    save_tokenizer(TextTokenizer(), folder)
    with pytest.raises(ValueError, match="must be of a tokenizer with SentencePiece, got English"):
        load(folder)


def test_two_vocabularies_are_one_too_many(tmp_path):
    lay_words(tmp_path)
    (tmp_path / "vocab.json").write_text("[]")
    with pytest.raises(ValueError, match=r"must hold one vocabulary, got itos_wt103.pkl, vocab"):
        load(tmp_path / "lstm_fwd.pth")


def test_weights_without_a_vocabulary_are_refused(tmp_path):
    write_torch_file(tmp_path / "w.pth", state_dict())
    with pytest.raises(ValueError, match="must have its vocabulary beside it"):
        load(tmp_path / "w.pth")


def test_a_folder_with_two_weights_is_refused(tmp_path):
    lay_words(tmp_path)
    np.savez(tmp_path / "a.npz", a=np.ones(2))
    with pytest.raises(ValueError, match=r"one file of weights, got a\.npz, lstm_fwd\.pth"):
        load(tmp_path)
