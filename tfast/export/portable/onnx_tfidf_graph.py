"""TF-IDF with logistic regression, from token ids on, as part of an ONNX graph."""

from typing import Any

import numpy as np

from tfast.text.models.tfidf import TfidfClassifier
from tfast.text.tokenization.special_tokens import PADDING_ID, SPECIAL_TOKENS, UNKNOWN_ID

_END = np.iinfo("int64").max


def add_tfidf_logits(graph: Any, model: TfidfClassifier, token_ids: str, lengths: str) -> str:
    """Adds what `TfidfClassifier.call` computes.

    Args:
        graph: the graph of `onnx_text_core_bytes`.
        model: the model.
        token_ids: name of int64 `(batch, time)`, one column at least.
        lengths: name of int64 `(batch,)`.

    Returns:
        The name of the logits, float32 `(batch, classes)`.
    """
    words = _add_words(graph, token_ids, lengths)
    pairs = _add_pairs(graph, model, words)
    features = _add_sorted(graph, graph.add("Concat", words, pairs, axis=1))
    indices = graph.add("Unsqueeze", features, _whole(graph, [2]))
    tables = model.tables()

    def look_up(name: str) -> str:
        # Not Gather, whose tables become int8 with the embedding.
        return graph.add("GatherND", graph.constant(tables[name]), indices)

    weights = graph.add("Mul", _add_count_weights(graph, features), look_up("idf"))
    squares = graph.add("Mul", weights, weights)
    squares = graph.add("ReduceSum", squares, _whole(graph, [1]), keepdims=1)
    zero, one = graph.constant(np.float32(0)), graph.constant(np.float32(1))
    squares = graph.add("Where", graph.add("Greater", squares, zero), squares, one)
    weights = graph.add("Div", weights, graph.add("Sqrt", squares))
    weights = graph.add("Unsqueeze", weights, _whole(graph, [1]))
    products = graph.add("MatMul", weights, look_up("coefficients"))
    logits = graph.add("Squeeze", products, _whole(graph, [1]))
    return graph.add("Add", logits, graph.constant(tables["intercept"]))


def _whole(graph: Any, value: Any) -> str:
    return graph.constant(np.array(value, "int64"))


def _add_sorted(graph: Any, values: str) -> str:
    """The values of each row, sorted."""
    number = graph.add("Shape", values, start=1, end=2)
    return graph.add("TopK", values, number, num_outputs=2, axis=1, largest=0, sorted=1)


def _add_words(graph: Any, token_ids: str, lengths: str) -> str:
    zero, one, padding = (_whole(graph, value) for value in (0, 1, PADDING_ID))
    time = graph.add("Squeeze", graph.add("Shape", token_ids, start=1, end=2))
    positions = graph.add("Range", zero, time, one)
    is_word = graph.add(
        "Or",
        graph.add("GreaterOrEqual", token_ids, _whole(graph, len(SPECIAL_TOKENS))),
        graph.add("Equal", token_ids, _whole(graph, UNKNOWN_ID)),
    )
    ends = graph.add("Unsqueeze", lengths, _whole(graph, [1]))
    is_word = graph.add("And", is_word, graph.add("Less", positions, ends))
    # Words first, in their order; all numbers are different.
    keys = graph.add("Where", is_word, positions, graph.add("Add", positions, time))
    order = graph.add("Mod", _add_sorted(graph, keys), time)
    words = graph.add("Where", is_word, token_ids, padding)
    return graph.add("GatherElements", words, order, axis=1)


def _add_pairs(graph: Any, model: TfidfClassifier, words: str) -> str:
    tables = model.tables()
    starts, second_words = (graph.constant(tables[n]) for n in ("pair_starts", "second_words"))
    one, two, padding = (_whole(graph, value) for value in (1, 2, PADDING_ID))
    last_pair = _whole(graph, len(tables["second_words"]) - 1)

    def look_up(table: str, indices: str) -> str:
        return graph.add("Cast", graph.add("Gather", table, indices), to=_INT64)

    following = graph.add("Slice", words, *(_whole(graph, [n]) for n in (1, _END, 1)))
    seconds = graph.add("Pad", following, _whole(graph, [0, 0, 0, 1]), padding)
    low, end = look_up(starts, words), look_up(starts, graph.add("Add", words, one))
    high = end
    for _ in range(model.search_steps):
        middle = graph.add("Div", graph.add("Add", low, high), two)
        found = look_up(second_words, graph.add("Min", middle, last_pair))
        is_open = graph.add("Less", low, high)
        is_before = graph.add("And", is_open, graph.add("Less", found, seconds))
        low = graph.add("Where", is_before, graph.add("Add", middle, one), low)
        high = graph.add("Where", is_before, high, middle)
    found = look_up(second_words, graph.add("Min", low, last_pair))
    is_known = graph.add("And", graph.add("Less", low, end), graph.add("Equal", found, seconds))
    pairs = graph.add("Add", low, _whole(graph, model.settings["vocab_size"]))
    return graph.add("Where", is_known, pairs, padding)


def _add_count_weights(graph: Any, features: str) -> str:
    """`1 + log(count)` where a feature comes first in its row, 0 where it is repeated."""
    before = graph.add("Slice", features, *(_whole(graph, [n]) for n in (0, -1, 1)))
    before = graph.add("Pad", before, _whole(graph, [0, 1, 0, 0]), _whole(graph, -1))
    is_first = graph.add("Not", graph.add("Equal", features, before))
    flat = graph.add("Reshape", graph.add("Cast", is_first, to=_INT64), _whole(graph, [-1]))
    segments = graph.add("CumSum", flat, _whole(graph, 0))
    segments = graph.add("Sub", segments, _whole(graph, 1))
    size = graph.add("Shape", segments)
    zeros, ones = (graph.add("Expand", graph.constant(np.float32(n)), size) for n in (0, 1))
    counts = graph.add("ScatterElements", zeros, segments, ones, axis=0, reduction="add")
    counts = graph.add("Gather", counts, segments)
    counts = graph.add("Reshape", counts, graph.add("Shape", features))
    weights = graph.add("Add", graph.add("Log", counts), graph.constant(np.float32(1)))
    return graph.add("Where", is_first, weights, graph.constant(np.float32(0)))


_INT64 = 7  # onnx.TensorProto.INT64
