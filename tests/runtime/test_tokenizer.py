import concurrent.futures
import csv
import gzip
import os
from pathlib import Path

import pytest
import tensorflow as tf
from golden_weights import golden_json
from text_fuzz import fuzzed_texts, with_mentions

from tfast.export.portable.tokenizer_tables import tokenizer_tables
from tfast.runtime.forms import as_ids
from tfast.runtime.tokenizer import Tokenizer
from tfast.text.tokenization.tokenizer import TextTokenizer

TABLES = tokenizer_tables()
GOLDEN = golden_json("rules_and_tokens.json")


def tokens_of_graph(texts, **options):
    tokens = TextTokenizer(**options)(tf.constant(texts, tf.string)).to_list()
    return [[token.decode() for token in some] for some in tokens]


def test_tokens_are_fastais():
    read = Tokenizer(TABLES)
    assert [read(entry["text"]) for entry in GOLDEN] == [entry["tokens"] for entry in GOLDEN]


@pytest.mark.parametrize("options", [{}, {"add_start": False, "add_end": True}])
def test_fuzzed_texts_have_the_tokens_of_the_graph(options):
    texts = fuzzed_texts(3000, seed=len(options))
    read = Tokenizer(TABLES, **options)
    assert [read(text) for text in texts] == tokens_of_graph(texts, **options)


def test_mentions_are_split_as_in_the_graph():
    texts = with_mentions(fuzzed_texts(1000, seed=3))
    read = Tokenizer(TABLES, split_mentions=True)
    found = [read(text) for text in texts]
    assert found == tokens_of_graph(texts, split_mentions=True)
    assert sum("@" in tokens for tokens in found) > 300


def test_counts_that_look_like_runs_are_read():
    texts = []
    for number in (3, 11, 111, 222, 1000, 1111):
        runs = ["a" * number, "film " + "-" * number, "no " * number, "x" * number + "!" * number]
        texts += [*runs, *(f"{run} and 111" for run in runs)]
    expected = tokens_of_graph(texts)
    assert [Tokenizer(TABLES)(text) for text in texts] == expected
    ids = {token: i for i, token in enumerate(sorted({t for some in expected for t in some}), 1)}
    read = Tokenizer(TABLES, form=as_ids(ids, unknown_id=0))
    found = [memoryview(read(text)).cast("i").tolist() for text in texts]
    assert found == [[ids[token] for token in some] for some in expected]


@pytest.mark.slow
def test_a_hundred_thousand_fuzzed_texts_have_the_tokens_of_the_graph():
    read = Tokenizer(TABLES)
    for seed in range(50):
        texts = fuzzed_texts(2000, seed=100 + seed)
        assert [read(text) for text in texts] == tokens_of_graph(texts)


@pytest.mark.data
def test_all_labelled_reviews_have_the_tokens_of_the_graph():
    file = Path(os.environ.get("TFAST_DATA", ""), "imdb_train.csv.gz")
    if not file.exists():
        pytest.skip(f"{file.name} is not in the data folder")
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        texts = [row["text"] for row in csv.DictReader(lines)]
    read = Tokenizer(TABLES)
    for begin in range(0, len(texts), 500):
        some = texts[begin : begin + 500]
        assert [read(text) for text in some] == tokens_of_graph(some)


def test_fields_are_joined_and_marked():
    fields = [["A title", b"The body"], ["no no", "no no"], ["a!!", "!!"]]
    options = {"mark_fields": True, "add_end": True}
    assert [Tokenizer(TABLES, **options)(some) for some in fields] == tokens_of_graph(
        fields, **options
    )
    assert [Tokenizer(TABLES)(some) for some in fields] == tokens_of_graph(fields)


def test_words_are_seen_across_what_sets_them_apart():
    texts = ["no\n\nno no", "no\n no\tno", "a\n/b", "a\n!!!b", "3 3 333", "a a aaa", "x\ty  z\r\n"]
    texts += [
        "no \n no x",
        "a\u3000\u3000\u3000b",
        "no / no no no",
        "",
        " \n ",
        "(" * 2 + "a" + ")",
    ]
    read = Tokenizer(TABLES)
    assert [read(text) for text in texts] == tokens_of_graph(texts)
    assert read("no\n\nno no") == ["xxbos", "xxwrep", "3", "no"]


def test_a_text_has_the_same_tokens_before_and_after_many_others():
    read = Tokenizer(TABLES)
    texts = ["Great film!! Don't miss it.", "no\nno\nno", "a/b :-)"]
    before = [read(text) for text in texts]
    for text in fuzzed_texts(500, seed=9):
        read(text)
    assert [read(text) for text in texts] == before


def test_ids_are_those_of_the_tokens():
    read = Tokenizer(TABLES)
    texts = fuzzed_texts(500, seed=5)
    tokens = [read(text) for text in texts]
    ids = {token: i for i, token in enumerate({t for some in tokens[::2] for t in some}, 1)}
    read_ids = Tokenizer(TABLES, form=as_ids(ids, unknown_id=0))
    found = [memoryview(read_ids(text)).cast("i").tolist() for text in texts]
    assert found == [[ids.get(token, 0) for token in some] for some in tokens]


def test_half_a_pair_of_surrogates_is_replaced():
    assert Tokenizer(TABLES)("a \ud83d b")[2:5] == ["xxrep", "3", "\ufffd"]


def test_threads_read_as_one_does():
    texts = fuzzed_texts(2000, seed=6)
    expected = list(map(Tokenizer(TABLES), texts))
    read = Tokenizer(TABLES)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, texts)) == expected


@pytest.mark.parametrize("word", ["a-", "ab.", "('", "a@b.c/", "5km", "°c.", "<3", "no ", "é-"])
def test_long_words_end(word):
    # Where time grew with the square of the length, these would take hours.
    assert len(Tokenizer(TABLES)(word * (200_000 // len(word)))) >= 2
