import keras
import numpy as np
import tensorflow as tf

from tfast.recipes.ulmfit_words import KnownWords
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.special_tokens import UNKNOWN_ID
from tfast.text.vocabulary import Vocabulary

DOCUMENTS = tf.ragged.constant([[2, 9, 11], [], [2, 9, 10, 10]], dtype="int32")


def make_vocabulary():
    return Vocabulary.from_counts({b"twice": 9, b"both": 8, b"once": 7, b"never": 6})


def test_new_words_that_occur_once_or_never_are_read_as_unknown_ones():
    words = KnownWords.of(make_vocabulary(), DOCUMENTS)
    assert not {"once", "never"} & set(words.known.words)
    read = words.read(DOCUMENTS)
    assert read.dtype == tf.int32
    twice, both = map(words.known.words.index, ("twice", "both"))
    assert read.to_list() == [[2, twice, UNKNOWN_ID], [], [2, twice, both, both]]


def test_words_that_a_model_has_known_before_stay_known_however_rare_they_are():
    before = Vocabulary.from_counts({b"never": 2, b"twice": 2})
    vocabulary = before.extended({b"both": 2, b"once": 1}, max_new=9, min_frequency=1)
    twice, both, once = map(vocabulary.words.index, ("twice", "both", "once"))
    documents = tf.ragged.constant([[2, twice, both, both, once]], dtype="int32")
    words = KnownWords.of(vocabulary, documents, before)
    assert words.known.words[: len(before)] == before.words
    assert words.read(documents).to_list() == [[2, twice, both, both, UNKNOWN_ID]]


def test_with_the_vocabulary_of_before_all_words_are_known():
    vocabulary = make_vocabulary()
    words = KnownWords.of(vocabulary, DOCUMENTS, before=vocabulary)
    assert words == KnownWords(vocabulary, vocabulary)
    assert words.read(DOCUMENTS) is DOCUMENTS
    model = object()
    assert words.complete(model) is model


def test_a_completed_model_answers_as_before_and_reads_other_words_as_unknown_ones():
    keras.utils.set_random_seed(0)
    words = KnownWords.of(make_vocabulary(), DOCUMENTS)
    model = LanguageModel(len(words.known), embed_size=4, hidden_size=6, num_layers=1)
    model.decoder.bias.assign(np.linspace(1, -1, len(words.known)))
    complete = words.complete(model)
    once, never = map(words.vocabulary.words.index, ("once", "never"))
    documents = tf.ragged.constant([[2, 9, once, never, 10]], dtype="int32")
    found = logits_of(complete, documents)
    expected = logits_of(model, words.read(documents))
    shared = ["xxunk", "xxbos", "twice", "both"]  # without those that fill vocabularies up
    here, there = (
        [w.words.index(word) for word in shared] for w in (words.vocabulary, words.known)
    )
    np.testing.assert_allclose(found[..., here], expected[..., there], atol=1e-6)
    # Their vector is that of `xxunk`, their bias the lowest, and that of `xxunk` the highest.
    bias = dict(zip(words.known.words, np.array(model.decoder.bias), strict=True))
    lowest = min(bias[word] for word in words.vocabulary.words if word in bias)
    for word in (once, never):
        without_bias = found[..., UNKNOWN_ID] - bias["xxunk"]
        np.testing.assert_allclose(found[..., word], without_bias + lowest, atol=1e-5)


def logits_of(model, documents):
    inputs = {"token_ids": documents.to_tensor(), "starts_anew": tf.constant([True])}
    return model(inputs)["logits"].numpy()
