import sys

import keras
import pytest
import tensorflow as tf
from checks import check_text_op
from golden_weights import GOLDEN, golden_json
from sentencepiece_models import CONTROL, NORMAL, UNKNOWN, piece

from tfast.text.tokenization.sentencepiece_splitter import SentencePieceSplitter
from tfast.text.tokenization.tokenizer import TextTokenizer


def tokens_of(texts, **options):
    return [
        [token.decode() for token in tokens]
        for tokens in TextTokenizer(**options)(tf.constant(texts)).to_list()
    ]


@pytest.fixture
def sentencepiece_file(tmp_path):
    """A model of five pieces, written as SentencePiece's protocol buffer."""
    special = piece("<unk>", 0, UNKNOWN) + piece("<s>", 0, CONTROL) + piece("</s>", 0, CONTROL)
    pieces = [
        piece(text, -1.0 - place, NORMAL) for place, text in enumerate(["▁hal", "lo", "▁welt"])
    ]
    file = tmp_path / "tiny.model"
    file.write_bytes(special + b"".join(pieces))
    return file


def test_a_missing_tensorflow_text_says_what_to_install(sentencepiece_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    with pytest.raises(ImportError, match="pip install tensorflow-text"):
        SentencePieceSplitter(sentencepiece_file)


def test_sentencepiece_splits_all_but_the_special_tokens(sentencepiece_file):
    pytest.importorskip("tensorflow_text")
    tokens = tokens_of(["Hallo hallo welt"], splitter=SentencePieceSplitter(sentencepiece_file))
    assert tokens == [["xxbos", "xxmaj", "▁hal", "lo", "▁hal", "lo", "▁welt"]]


def test_pieces_come_in_the_order_of_their_ids(sentencepiece_file):
    pytest.importorskip("tensorflow_text")
    pieces = SentencePieceSplitter(sentencepiece_file).pieces()
    assert pieces == ["<unk>", "<s>", "</s>", "▁hal", "lo", "▁welt"]


def test_pieces_are_those_of_fastais_sentencepiece_tokenizer():
    pytest.importorskip("tensorflow_text")
    golden = golden_json("sentencepiece_de.json")
    splitter = SentencePieceSplitter(GOLDEN / "sentencepiece_de.model")
    # SentencePiece marks fastai's special tokens as it marks words.
    expected = [[token.replace("▁xx", "xx") for token in entry["tokens"]] for entry in golden]
    assert tokens_of([entry["text"] for entry in golden], splitter=splitter) == expected


def test_another_file_is_refused(tmp_path):
    pytest.importorskip("tensorflow_text")
    (tmp_path / "a.model").write_bytes(b"garbage")
    with pytest.raises(ValueError, match="must be a model of SentencePiece's"):
        SentencePieceSplitter(tmp_path / "a.model")


def test_a_sentencepiece_model_travels_inside_what_is_saved(sentencepiece_file, tmp_path):
    pytest.importorskip("tensorflow_text")
    tokenizer = TextTokenizer(SentencePieceSplitter(sentencepiece_file))
    check_text_op(tokenizer, ["Hallo Welt", "welt"], tmp_path=tmp_path)
    source = keras.Input((), dtype="string")
    model = keras.Model(source, tokenizer(source))
    model.save(tmp_path / "tokenizer.keras")
    sentencepiece_file.unlink()
    loaded = keras.saving.load_model(tmp_path / "tokenizer.keras")
    assert loaded(tf.constant(["hallo"])).to_list() == [[b"xxbos", "▁hal".encode(), b"lo"]]


def test_a_missing_model_is_named():
    with pytest.raises(ValueError, match="no_such_file"):
        SentencePieceSplitter("no_such_file")
    with pytest.raises(ValueError, match="no model"):
        SentencePieceSplitter()(tf.constant(["a"]))
