import os
import threading

import pytest
import tensorflow as tf

from tfast.text.tokenization import token_batches
from tfast.text.tokenization.token_batches import TracedTokenizer, tokenize


def test_tokens_come_in_the_order_of_the_texts_with_a_progress_bar_where_asked(capsys):
    texts = [f"text {i}" for i in range(20)]
    batches = list(tokenize(texts, batch_size=3))
    assert [len(batch.to_list()) for batch in batches] == [3] * 6 + [2]
    assert [row[-1] for batch in batches for row in batch.to_list()] == [
        str(i).encode() for i in range(20)
    ]
    assert capsys.readouterr().out == ""
    list(tokenize(texts, title="Tokenizing film texts"))
    printed = capsys.readouterr().out
    assert printed.startswith("Tokenizing film texts\n")
    assert "20/20" in printed
    assert list(tokenize([], title="nothing")) == []


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: tokenize("a film"), "texts must be a sequence of strings, got 'a film'"),
        (lambda: tokenize(["a"], batch_size=0), "batch_size must be a whole number of at least 1"),
    ],
)
def test_bad_arguments_are_named(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_what_a_tokenizer_refuses_ends_the_texts_and_its_graph_can_be_used_again():
    def refuse(texts):
        with tf.control_dependencies([tf.debugging.assert_none_equal(texts, "bad")]):
            return tf.strings.split(texts)

    traced = TracedTokenizer(refuse)
    batches = tokenize(["a b", "c", "bad", *["d"] * 20], tokenizer=traced, batch_size=1)
    assert [next(batches).to_list() for _ in range(2)] == [[[b"a", b"b"]], [[b"c"]]]
    with pytest.raises(tf.errors.InvalidArgumentError):
        next(batches)
    assert [batch.to_list() for batch in tokenize(["a b"], tokenizer=traced)] == [[[b"a", b"b"]]]


@pytest.mark.parametrize(("num_processors", "num_read"), [(1, 2), (3, 4), (100, 9), (None, 2)])
def test_texts_are_read_a_few_batches_ahead(num_processors, num_read, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: num_processors)
    read = []
    texts = (read.append(text) or text for text in ["a"] * 50)
    batches = tokenize(texts, batch_size=2, tokenizer=tf.strings.split)
    assert next(batches).to_list() == [[b"a"], [b"a"]]
    batches.close()
    assert len(read) == 2 * num_read


def test_long_texts_end_their_batch_and_stay_in_order(monkeypatch):
    monkeypatch.setattr(token_batches, "MOST_CHARACTERS", 10)
    texts = ["a b", "c d", *["long " * 9] * 2, "e", "f g h i j", "k", *"lmno"]
    batches = [batch.to_list() for batch in tokenize(iter(texts), tokenizer=tf.strings.split)]
    assert [len(batch) for batch in batches] == [3, 1, 2, 5]
    assert [row for batch in batches for row in batch] == [text.encode().split() for text in texts]


def test_a_tokenizer_is_traced_where_it_is_given_and_once():
    threads = []

    @tf.function
    def split(texts):
        threads.append(threading.current_thread())
        return tf.strings.split(texts)

    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        texts = ["a b"] * 5
        found = [batch.nrows() for batch in tokenize(texts, batch_size=2, tokenizer=split)]
    assert [int(rows) for rows in found] == [2, 2, 1]
    assert threads == [threading.main_thread()]


def test_tokens_are_made_on_the_cpu():
    graph = TracedTokenizer()._graph.graph.as_graph_def()
    bodies = [function.node_def for function in graph.library.function]
    nodes = [node for some in (graph.node, *bodies) for node in some]
    assert len(nodes) > 1000
    elsewhere = {node.op for node in nodes if "CPU" not in node.device}
    assert elsewhere <= {"Placeholder", "Identity"}  # what comes in and goes out
