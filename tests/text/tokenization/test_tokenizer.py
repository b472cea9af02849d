import struct
import sys
import time

import keras
import pytest
import tensorflow as tf
from checks import check_text_op
from golden_weights import golden_json

from tfast.text.tokenization.english_splitting import split_english
from tfast.text.tokenization.sentencepiece_splitter import SentencePieceSplitter
from tfast.text.tokenization.tokenizer import TextTokenizer

GOLDEN = golden_json("rules_and_tokens.json")
HARD_TEXTS = [
    b"",
    b"   \n\t ",
    b"\xff\xfe\xc3\x28 a",
    b"\0",
    b"a\0b \xc3\x89\0",
    "שלום עולם! العربية، نعم".encode(),
    "😀😀😀 👩‍👩‍👧 a😀b :-)".encode(),
    "\ufdd0 \u2581 \u2028 x\u00a0\n y".encode(),
    b"\xed\xa0\x80 surrogate",
]


def tokens_of(texts, **options):
    return [
        [token.decode() for token in tokens]
        for tokens in TextTokenizer(**options)(tf.constant(texts)).to_list()
    ]


def test_tokens_are_fastais():
    assert tokens_of([entry["text"] for entry in GOLDEN]) == [e["tokens"] for e in GOLDEN]


def test_english_words_are_split_as_spacy_does():
    splits = {
        "don't.": "do n't .",
        "(e.g.,": "( e.g. ,",
        "fun:)": "fun :)",
        "(so):": "( so ):",
        ":):)": ": ): )",
        "state-of-the-art": "state - of - the - art",
        "film-making.great": "film-making.great",
        "me@example.com,": "me@example.com ,",
        "http://127.0.0.1": "http://127.0.0.1",
        "1-2-3": "1 - 2 - 3",
        "end.\"'then": "end . \"'then",
        "$5.99": "$ 5.99",
        "+5": "+5",
        "+a": "+ a",
        "5km²!": "5 km² !",
        "a…b": "a … b",
        "--a--b--": "--a -- b--",
        "'em": "'em",
        "\n\n": "\n\n",
        "": "",
    }
    split = split_english(tf.constant(list(splits)))
    assert [words.decode() for words in split.numpy()] == list(splits.values())


def test_degrees_are_split_at_the_end_of_a_sentence_too():
    texts = ["It was 30°C.", "30°F. Next", "(30°k.)", "30°C.!", "30 c. x", "30°g."]
    assert [tokens[1:] for tokens in tokens_of(texts)] == [
        ["xxmaj", "it", "was", "30", "°", "c", "."],
        ["30", "°", "f", ".", "xxmaj", "next"],
        ["(", "30", "°", "k", ".", ")"],
        ["30", "°", "c", ".", "!"],
        ["30", "c.", "x"],
        ["30", "°", "g."],
    ]


def test_bytes_that_only_look_like_utf8_are_replaced():
    # A surrogate, a character beyond the last one, two overlong forms.
    texts = [b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"]
    count = [3, 4, 3, 4]
    assert tokens_of(texts) == [["xxbos", "xxrep", str(n), "\ufffd"] for n in count]


def test_white_space_is_a_token_but_for_single_spaces():
    assert tokens_of(["a\n\nb", "a \n b", "a \n\n b c"]) == [
        ["xxbos", "a", "\n\n", "b"],
        ["xxbos", "a", "\n▁", "b"],
        ["xxbos", "a", "\n\n▁", "b", "c"],
    ]


def test_end_and_fields_are_marked_on_request():
    assert tokens_of(["A b"], add_start=False, add_end=True) == [["a", "b", "xxeos"]]
    fields = [["A title", "The body"], ["", "x"]]
    assert tokens_of(fields, mark_fields=True, add_end=True) == [
        ["xxbos", "xxfld", "1", "a", "title", "xxfld", "2", "xxmaj", "the", "body", "xxeos"],
        ["xxbos", "xxfld", "1", "xxfld", "2", "x", "xxeos"],
    ]
    assert tokens_of(fields) == [["xxbos", "a", "title", "xxmaj", "the", "body"], ["xxbos", "x"]]


def test_any_bytes_are_survived():
    tokens = tokens_of(HARD_TEXTS)
    assert tokens[:2] == [["xxbos"], ["xxbos"]]
    assert tokens[3:5] == [["xxbos", "\0"], ["xxbos", "a\0b", "é\0"]]
    assert tokens[5] == ["xxbos", "שלום", "עולם", "!", "العربية", "،", "نعم"]
    assert all("" not in text_tokens for text_tokens in tokens)


@pytest.mark.parametrize("word", ["ab", "!?", "a-", "é", "&amp", "\n\t", "a\n"])
def test_a_megabyte_without_a_space_is_quickly_done(word):
    start = time.process_time()
    tokens = TextTokenizer()(tf.constant([word * (2**20 // len(word.encode()))]))
    assert tokens.nrows() == 1
    # A second; anything quadratic would take hours.
    assert time.process_time() - start < 30


def test_a_batch_is_tokenized_as_its_texts_alone():
    texts = [entry["text"] for entry in GOLDEN]
    assert tokens_of(texts[-5:]) == [tokens_of([text])[0] for text in texts[-5:]]


def test_it_runs_inside_a_dataset():
    tokenizer = TextTokenizer()
    texts = [entry["text"] for entry in GOLDEN]
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(50).map(tokenizer)
    rows = [tokens for batch in dataset for tokens in batch.to_list()]
    assert [[token.decode() for token in row] for row in rows] == [e["tokens"] for e in GOLDEN]


def test_a_saved_model_gives_the_same_tokens(tmp_path):
    tokenizer = TextTokenizer(add_end=True)
    texts = [entry["text"].encode() for entry in GOLDEN] + HARD_TEXTS
    check_text_op(tokenizer, texts, tmp_path=tmp_path)


def test_a_keras_file_gives_the_same_tokens(tmp_path):
    source = keras.Input((), dtype="string")
    model = keras.Model(source, TextTokenizer(add_end=True)(source))
    model.save(tmp_path / "tokenizer.keras")
    loaded = keras.saving.load_model(tmp_path / "tokenizer.keras")
    texts = tf.constant(["it's Mctest."])
    expected = ["xxbos", "it", "'s", "xxmaj", "mctest", ".", "xxeos"]
    assert loaded(texts).to_list() == [[token.encode() for token in expected]]
    assert loaded.layers[-1].get_config() == model.layers[-1].get_config()


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="splitter='french'"):
        TextTokenizer("french")
    with pytest.raises(ValueError, match=r"texts have shape \(1, 1, 1\)"):
        TextTokenizer()(tf.constant([[["a"]]]))
    with pytest.raises(ValueError, match="no_such_file"):
        SentencePieceSplitter("no_such_file")
    with pytest.raises(ValueError, match="no model"):
        SentencePieceSplitter()(tf.constant(["a"]))


def test_a_missing_tensorflow_text_says_what_to_install(sentencepiece_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    with pytest.raises(ImportError, match="pip install tensorflow-text"):
        SentencePieceSplitter(sentencepiece_file)


def test_sentencepiece_splits_all_but_the_special_tokens(sentencepiece_file):
    pytest.importorskip("tensorflow_text")
    tokens = tokens_of(["Hallo hallo welt"], splitter=SentencePieceSplitter(sentencepiece_file))
    assert tokens == [["xxbos", "xxmaj", "▁hal", "lo", "▁hal", "lo", "▁welt"]]


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


@pytest.fixture
def sentencepiece_file(tmp_path):
    """A model of five pieces, written as SentencePiece's protocol buffer."""

    def field(number, content):
        return bytes([number << 3 | 2, len(content)]) + content

    def piece(text, score, kind):
        score = bytes([2 << 3 | 5]) + struct.pack("<f", score)
        return field(1, field(1, text.encode()) + score + bytes([3 << 3, kind]))

    normal, unknown, control = 1, 2, 3
    special = piece("<unk>", 0, unknown) + piece("<s>", 0, control) + piece("</s>", 0, control)
    pieces = [
        piece(text, -1.0 - place, normal) for place, text in enumerate(["▁hal", "lo", "▁welt"])
    ]
    file = tmp_path / "tiny.model"
    file.write_bytes(special + b"".join(pieces))
    return file
