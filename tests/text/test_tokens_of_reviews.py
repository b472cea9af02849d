"""The mark: fastai's tokens on real reviews. Needs the data folder."""

import json
import os
from pathlib import Path

import pytest
import tensorflow as tf

from tfast.text.tokenization.tokenizer import TextTokenizer

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("TFAST_DATA", ROOT.parent / "shared" / "data"))


def edit_distance(first, second):
    """Tokens to insert, remove or replace to make one list of the other."""
    distances = list(range(len(second) + 1))
    for row, token in enumerate(first):
        diagonal, distances[0] = row, row + 1
        for column, other in enumerate(second):
            change = diagonal + (token != other)
            diagonal = distances[column + 1]
            distances[column + 1] = min(change, diagonal + 1, distances[column] + 1)
    return distances[-1]


def test_edit_distance_counts_insertions_removals_and_replacements():
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance([], ["a"]) == edit_distance(["a"], []) == 1


@pytest.mark.data
def test_real_reviews_are_tokenized_as_fastai_does():
    file = DATA / "imdb_tokens_dev.json"
    if not file.exists():
        pytest.skip(f"{file.name} is not in the data folder")
    reviews = json.loads(file.read_text())
    tokens = TextTokenizer()(tf.constant([review["text"] for review in reviews])).to_list()
    tokens = [[token.decode() for token in review] for review in tokens]
    expected = [review["tokens"] for review in reviews]
    different = [(t, e) for t, e in zip(tokens, expected, strict=True) if t != e]
    errors = sum(edit_distance(t, e) for t, e in different)
    assert errors / sum(map(len, expected)) <= 0.002
    assert len(different) / len(reviews) <= 0.2
