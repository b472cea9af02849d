import json
import shutil

import numpy as np
import pytest

import tfast.runtime
from tfast.runtime import FolderError

TEXTS = ["great fun", "bad " * 50, "", "I don't know", "so " * 7, "fun"]


@pytest.fixture
def classifier(text_folder):
    return tfast.runtime.load(text_folder)


def test_texts_are_answered_in_their_order_whatever_their_lengths(classifier):
    together = classifier.classify(TEXTS).probabilities
    alone = [classifier.classify([text]).probabilities[0] for text in TEXTS]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)
    assert len({row.tobytes() for row in together}) == len(TEXTS)


def test_no_text_has_no_answer(classifier):
    labels, probabilities = classifier.classify([])
    assert labels == []
    assert probabilities.shape == (0, 3)


def test_more_texts_than_a_batch_holds_are_answered(classifier):
    texts = [f"{'great ' * (i % 9)} bad {i}" for i in range(200)]
    together = classifier.classify(texts).probabilities
    np.testing.assert_allclose(together[::-1], classifier.classify(texts[::-1]).probabilities)
    np.testing.assert_allclose(together[150], classifier.classify(texts[150:151]).probabilities[0],
                               rtol=0, atol=1e-6)  # fmt: skip


def test_long_texts_are_read_in_batches_of_their_own(classifier):
    long = "great bad " * 4000
    texts = [long, "great", long]
    together = classifier.classify(texts).probabilities
    np.testing.assert_allclose(together[0], together[2], atol=1e-6)


def test_bytes_and_fields_are_texts_too(classifier):
    texts = [b"great \xff fun", ["great", "fun"], "great fun"]
    found = classifier.classify(texts).probabilities
    np.testing.assert_array_equal(found[1], found[2])
    assert abs(found[0] - found[2]).max() > 1e-4


def test_one_text_is_no_list(classifier):
    for text in ("a text", b"a text"):
        with pytest.raises(ValueError, match="inputs must be a list of texts, got"):
            classifier.classify(text)


def test_more_tokens_than_the_most_are_left_out_from_the_beginning(
    text_folder, tmp_path, classifier
):
    folder = shutil.copytree(text_folder, tmp_path / "copy")
    description = json.loads((folder / "tfast.json").read_text("utf-8"))
    description["tokenizer"] |= {"max_tokens": 2}
    (folder / "tfast.json").write_text(json.dumps(description), "utf-8")
    few = tfast.runtime.load(folder)
    texts = ["bad great fun", "great fun", "truly great fun"]
    found = few.classify(texts).probabilities
    np.testing.assert_array_equal(found[0], found[2])
    assert abs(found - classifier.classify(texts).probabilities).max() > 1e-3


def test_a_splitter_of_tensorflow_is_refused_in_a_line(text_folder, tmp_path):
    folder = shutil.copytree(text_folder, tmp_path / "copy")
    description = json.loads((folder / "tfast.json").read_text("utf-8"))
    description["tokenizer"] |= {"splitter": "saved_model"}
    (folder / "tfast.json").write_text(json.dumps(description), "utf-8")
    with pytest.raises(FolderError, match="which only TensorFlow reads: use the SavedModel"):
        tfast.runtime.load(folder)
