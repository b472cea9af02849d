import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import check_text_op
from golden_weights import golden_json

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


def test_mentions_are_split_on_request():
    texts = [".@Jane_1 (@POTUS) me@example.org @ home @_@", "RT @A: @B@C A-@B \n@you @É"]
    assert tokens_of(texts, add_start=False, split_mentions=True) == [
        [".", "@", "jane_1", "(", "@", "potus", ")", "me@example.org", "@", "home", "@_@"],
        ["xxup", "rt", "@", "a", ":", "@", "b@c", "xxup", "a-", "@", "b", "\n", "@", "you", "@é"],
    ]
    assert tokens_of(["thanks,@jane"]) == [["xxbos", "thanks,@jane"]]
    assert tokens_of(["Hi,@Jane"], apply_rules=False, split_mentions=True) == [
        ["xxbos", "Hi", ",", "@", "Jane"]
    ]
    tokenizer = TextTokenizer.from_config(TextTokenizer(split_mentions=True).get_config())
    assert tokenizer(["@jane"]).to_list() == [[b"xxbos", b"@", b"jane"]]


def test_without_rules_a_text_is_split_as_it_is():
    texts = ["THE   best&amp;\n \nof aaaaa", " x "]
    assert tokens_of(texts, apply_rules=False) == [
        ["xxbos", "THE", "best&amp", ";", "\n▁\n", "of", "aaaaa"],
        ["xxbos", "x"],
    ]
    tokenizer = TextTokenizer.from_config(TextTokenizer(apply_rules=False).get_config())
    assert tokenizer(["THE"]).to_list() == [[b"xxbos", b"THE"]]


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


@pytest.mark.parametrize(
    ("texts", "came"),
    [
        ("A good film", "'A good film'"),
        (b"A good film", "b'A good film'"),
        (tf.constant("A good film"), r"a tensor of string and shape \(\)"),
        ([["a", "b"], ["c"]], r"\[\['a', 'b'\], \['c'\]\]"),
        (tf.ragged.constant([["a", "b"], ["c"]]), "<tf.RaggedTensor"),
        ([[["a"]]], r"\[\[\['a'\]\]\]"),
        ([1, 2], r"\[1, 2\]"),
        (["a", 1], r"\['a', 1\]"),
        (["a", None], r"\['a', None\]"),
        (["a" * 100, 1], r"\['a+\.\.\."),
    ],
)
def test_texts_of_another_form_are_named(texts, came):
    with pytest.raises(ValueError, match=rf"texts must be strings \(batch,\), or .*, got {came}"):
        TextTokenizer()(texts)


def test_lists_and_arrays_are_taken_like_tensors():
    expected = [[b"xxbos", b"a"], [b"xxbos", b"b"]]
    for texts in (["a", "b"], ("a", "b"), np.array(["a", "b"]), np.array(["a", "b"], object)):
        assert TextTokenizer()(texts).to_list() == expected
    assert TextTokenizer()([]).to_list() == []


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="splitter must be 'english' or a layer, got 'french'"):
        TextTokenizer("french")
