import numpy as np
import pytest
import tensorflow as tf

from tfast.text.classifier_batches import classifier_batches, restore_order
from tfast.text.documents import check_documents, look_up, pad_documents
from tfast.text.tokenization.special_tokens import PADDING_ID
from tfast.text.tokenization.token_batches import tokenize
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

TEXTS = {
    "train": ["A good film, a GOOD one.", "", "bad bad bad bad"],
    "valid": ["good times", "films?"],
    "unlabelled": ["one film more", "and one more"],
    "none": [],
}
COUNTED = ("train", "unlabelled")


class CountingTokenizer:
    """Splits at spaces, and counts the texts that it is called with."""

    def __init__(self):
        self.num_texts = tf.Variable(0)
        self.num_traces = 0

    def __call__(self, texts):
        self.num_traces += 1
        self.num_texts.assign_add(tf.size(texts))
        return tf.strings.split(texts)


def test_ids_equal_those_of_counting_first_and_looking_up_then():
    vocabulary, documents = look_up(TEXTS, counted=COUNTED, min_frequency=2)
    tokens = {name: list(tokenize(part)) for name, part in TEXTS.items()}
    expected = Vocabulary.from_tokens(
        [batch for name in COUNTED for batch in tokens[name]], min_frequency=2
    )
    assert vocabulary == expected
    assert list(documents) == list(TEXTS)
    for name, ids in documents.items():
        assert ids.to_list() == expected.encode_all(tokens[name]).to_list()
        assert ids.dtype == tf.int32
    assert "times" not in vocabulary.words


def test_each_text_is_tokenized_once_and_the_tokenizer_traced_once():
    tokenizer = CountingTokenizer()
    look_up(TEXTS, counted=COUNTED, tokenizer=tokenizer)
    assert tokenizer.num_texts.numpy() == sum(map(len, TEXTS.values()))
    assert tokenizer.num_traces == 1


def test_words_that_are_no_words_get_the_id_of_the_unknown_one():
    texts = {"train": ["a\0 a\0 \xff", "a a"]}

    def split(batch):
        return tf.strings.split(tf.strings.regex_replace(batch, "\xff", b"\xff"))

    vocabulary, documents = look_up(texts, counted=["train"], tokenizer=split)
    assert vocabulary.words[9] == "a"
    assert documents["train"].to_list() == [[0, 0, 0], [9, 9]]


def test_a_vocabulary_has_at_most_the_words_that_are_asked_for():
    vocabulary, _ = look_up(TEXTS, counted=COUNTED, max_size=11, min_frequency=1)
    assert [word for word in vocabulary.words[9:] if "fake" not in word] == ["one", "a"]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: look_up(TEXTS, counted=["test"]), "counted must be one of 'train', .*got 'test'"),
        (lambda: look_up(TEXTS, counted=COUNTED, max_size=3), "max_size must be a whole number"),
        (lambda: check_documents([[1]]), "documents must be a tf.RaggedTensor .* got list"),
        (lambda: check_documents(tf.constant([[1]])), "documents must be a tf.RaggedTensor"),
        (lambda: check_documents(tf.ragged.constant([[1]], dtype="int64")), "int32, got int64"),
        (lambda: check_documents(tf.ragged.constant([[1], []], dtype="int32")), "first number 1"),
    ],
)
def test_bad_arguments_are_named(act, message):
    with pytest.raises(ValueError, match=message):
        act()


@pytest.mark.parametrize("reverse", [False, True])
def test_models_read_in_an_export_what_they_were_trained_on(reverse):
    documents = tf.ragged.constant([[2, 9], [2, 3, 4, 5], [2]], dtype="int32")
    batches = classifier_batches(
        documents, batch_size=5, training=False, reverse=reverse, time_multiple=1
    )
    expected = next(iter(batches))
    inputs = pad_documents(documents, reverse=reverse)
    for name in ("token_ids", "lengths"):
        np.testing.assert_array_equal(inputs[name], restore_order(expected[name], documents))


def test_padding_comes_after_the_end_up_to_a_multiple():
    documents = tf.ragged.constant([[2, 9, 8, 7, 6], [2, 3]], dtype="int32")
    inputs = pad_documents(documents, reverse=True, time_multiple=4)
    assert inputs["token_ids"].numpy().tolist() == [
        [6, 7, 8, 9, 2, 1, 1, 1],
        [3, 2, 1, 1, 1, 1, 1, 1],
    ]
    assert inputs["lengths"].numpy().tolist() == [5, 2]


@pytest.mark.parametrize("reverse", [False, True])
def test_texts_without_a_token_are_read_as_padding(reverse):
    inputs = pad_documents(tf.ragged.constant([[], []], dtype="int32"), reverse=reverse)
    assert inputs["token_ids"].numpy().tolist() == [[PADDING_ID], [PADDING_ID]]
    assert inputs["lengths"].numpy().tolist() == [1, 1]


def test_a_batch_without_documents_has_one_column():
    documents = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), tf.zeros([0], tf.int64))
    inputs = pad_documents(documents)
    assert inputs["token_ids"].shape == (0, 1)
    assert inputs["lengths"].shape == (0,)


def test_a_graph_pads_as_eager_code_does():
    spec = tf.RaggedTensorSpec([None, None], tf.int32, ragged_rank=1)
    graph = tf.function(lambda documents: pad_documents(documents), input_signature=[spec])
    documents = look_up(TEXTS, counted=COUNTED, tokenizer=TextTokenizer())[1]["train"]
    for name, value in pad_documents(documents).items():
        np.testing.assert_array_equal(graph(documents)[name], value)


def test_a_known_vocabulary_comes_first_and_keeps_its_ids():
    known = Vocabulary.from_counts({b"film": 5, b"play": 4})
    vocabulary, documents = look_up(
        {"train": ["a film", "a book"], "valid": ["a play"]},
        counted=["train"],
        known=known,
        min_frequency=1,
        max_size=1,
    )
    assert vocabulary.words[: len(known)] == known.words
    assert vocabulary.words[len(known)] == "a"
    a = len(known)
    assert documents["train"].to_list() == [[2, a, 9], [2, a, 0]]
    assert documents["valid"].to_list() == [[2, a, 10]]
