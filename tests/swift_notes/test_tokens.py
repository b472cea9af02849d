"""The tokens of TfastText, beside those of the graph."""

import json
import struct
import subprocess

import pytest
import tensorflow as tf
import text_fuzz
from golden_weights import golden_json
from swift_notes.fuzzed_texts import fuzzed_texts

from tfast.export.portable.tokenizer_tables import tokenizer_tables
from tfast.text.tokenization.tokenizer import TextTokenizer

pytestmark = pytest.mark.swift
BATCH_SIZE = 500


@pytest.fixture(scope="module")
def swift_tokens(swift_package, tmp_path_factory):
    """A function from bytes to what tfast-tokens makes of them: tokens, a space between."""
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    file.write_text(json.dumps(tokenizer_tables(), ensure_ascii=False), "utf-8")

    def run(texts, *options):
        frames = b"".join(struct.pack("<I", len(text)) + text for text in texts)
        command = [swift_package / "tfast-tokens", file, *options]
        answer = subprocess.run(command, input=frames, capture_output=True, check=True).stdout
        found, begin = [], 0
        while begin < len(answer):
            (length,) = struct.unpack_from("<I", answer, begin)
            found.append(answer[begin + 4 : begin + 4 + length])
            begin += 4 + length
        return found

    return run


def graph_tokens(texts, **options):
    """The same by TensorFlow."""
    tokenizer = TextTokenizer(**options)
    read = tf.function(tokenizer, input_signature=[tf.TensorSpec([None], tf.string)])
    rows = []
    for begin in range(0, len(texts), BATCH_SIZE):
        rows += read(tf.constant(texts[begin : begin + BATCH_SIZE])).to_list()
    return [b" ".join(row) for row in rows]


def check_tokens(found, expected, texts):
    different = [t for t, f, e in zip(texts, found, expected, strict=True) if f != e]
    assert not different, f"{len(different)} of {len(texts)} texts: {different[:3]}"


def test_golden_texts_have_fastais_tokens(swift_tokens):
    golden = golden_json("rules_and_tokens.json")
    texts = [entry["text"].encode() for entry in golden]
    expected = [" ".join(entry["tokens"]).encode() for entry in golden]
    check_tokens(swift_tokens(texts), expected, texts)


def test_fuzzed_texts_have_the_tokens_of_the_graph(swift_tokens):
    # And those that tfast.runtime is tested with.
    texts = [*fuzzed_texts(3000, seed=1), *text_fuzz.fuzzed_texts(1000, seed=1)]
    # Counts that look like runs themselves.
    texts += [run * number for run in (b"a", b"-", b"no ") for number in (111, 222, 1000)]
    check_tokens(swift_tokens(texts), graph_tokens(texts), texts)


def test_mentions_are_split_as_in_the_graph(swift_tokens):
    texts = text_fuzz.with_mentions(text_fuzz.fuzzed_texts(1000, seed=3))
    expected = graph_tokens(texts, split_mentions=True)
    check_tokens(swift_tokens(texts, "--split-mentions"), expected, texts)


def test_the_comparison_would_notice_another_token(swift_tokens):
    texts = [b"a good film", b"a bad film"]
    with pytest.raises(AssertionError, match="1 of 2 texts"):
        check_tokens(swift_tokens(texts), [b"xxbos a good film", b"xxbos bad film"], texts)


@pytest.mark.slow
def test_many_fuzzed_texts_have_the_tokens_of_the_graph(swift_tokens):
    texts = [*fuzzed_texts(100_000), *text_fuzz.fuzzed_texts(30_000, seed=2)]
    check_tokens(swift_tokens(texts), graph_tokens(texts), texts)


@pytest.mark.data
def test_all_labelled_reviews_have_the_tokens_of_the_graph(swift_tokens, labelled_reviews):
    check_tokens(swift_tokens(labelled_reviews), graph_tokens(labelled_reviews), labelled_reviews)
