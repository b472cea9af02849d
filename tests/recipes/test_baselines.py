import json
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tfast.recipes import baselines
from tfast.recipes.baselines import find_baseline, predict, refit
from tfast.recipes.ulmfit_documents import digest_texts
from tfast.text.corpora import Corpus, Texts
from tfast.text.documents import look_up
from tfast.text.gram_vectors import GramVectors
from tfast.text.models.language_model import LanguageModel
from tfast.text.tfidf import CANDIDATES, SIMILAR_CANDIDATES
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.vocabulary import Vocabulary

TRAIN = Texts(["so good", "good fun", "so bad", "bad end"] * 3, ["+", "+", "-", "-"] * 3)
VALID = Texts(["good", "bad", "good so"], ["+", "-", "-"])


def prepare(output, train=TRAIN, unlabelled=()):
    corpus = Corpus(train=train, valid=VALID, test=VALID, unlabelled=Texts(unlabelled))
    parts = {name: getattr(corpus, name).texts for name in ("train", "valid", "unlabelled")}
    vocabulary, documents = look_up(
        parts, counted=["train", "unlabelled"], min_frequency=1, tokenizer=tf.strings.split
    )
    return SimpleNamespace(
        output=output,
        corpus=corpus,
        documents=documents,
        vocabulary=vocabulary,
        recipe=SimpleNamespace(batch_size=2, seed=0),
        pretrained={},
        general_vocabulary=None,
        topic_vectors=None,
        settings={"texts_sha256": digest_texts(corpus, vocabulary, documents)},
    )


def note_vectors(monkeypatch):
    """The vectors that coefficients are fitted with, as they are given."""
    given, fit = [], baselines.fit_tfidf

    def fit_and_note(*positional, vectors, **options):
        given.append(vectors)
        return fit(*positional, vectors=vectors, **options)

    monkeypatch.setattr(baselines, "fit_tfidf", fit_and_note)
    return given


def start_from(prepared, words, **parts):
    """Lets a run start from a language model of these words."""
    prepared.general_vocabulary = Vocabulary([*SPECIAL_TOKENS, *words])
    model = LanguageModel(len(prepared.general_vocabulary), embed_size=4, num_layers=1)
    prepared.pretrained = {False: model}
    for name, part in parts.items():
        setattr(prepared, name, part)
    return model


def cosine(vectors, prepared, *words):
    first, second = (vectors.words[prepared.vocabulary.words.index(word)] for word in words)
    return first @ second


def test_words_that_tell_the_label_are_learned_and_said_at_once(tmp_path, capsys):
    prepared = prepare(tmp_path)
    baseline = find_baseline(prepared)
    assert predict(prepared, baseline.model, "valid").argmax(-1).tolist() == [0, 1, 0]
    [_, line] = capsys.readouterr().out.splitlines()
    assert line.startswith(
        "TF-IDF with logistic regression: 66.67% of 3 validation texts right, after "
    )


def test_a_resumed_run_reads_what_was_fitted_to_the_same_texts_alone(tmp_path, monkeypatch):
    first = find_baseline(prepare(tmp_path))
    note = json.loads((tmp_path / "tfidf.json").read_text())
    (tmp_path / "tfidf.json").write_text(json.dumps(note | {"seconds": 77.0}))
    again = find_baseline(prepare(tmp_path))
    assert again.seconds == 77.0
    np.testing.assert_array_equal(again.model.coefficients, first.model.coefficients)
    # Other labels of the same texts; then a broken file.
    other = find_baseline(prepare(tmp_path, Texts(TRAIN.texts, ["-", "+"] * 6)))
    assert other.seconds != 77.0
    assert np.abs(np.subtract(other.model.coefficients, first.model.coefficients)).max() > 0.1
    (tmp_path / "tfidf.keras").write_bytes(b"PK")
    (tmp_path / "tfidf.json").write_text(json.dumps(note | {"seconds": 77.0}))
    assert find_baseline(prepare(tmp_path)).seconds != 77.0


def test_it_says_why_there_is_none(tmp_path, capsys):
    wordless = Texts(["?", "!"], ["a", "b"])
    prepared = prepare(tmp_path)
    prepared.corpus = Corpus(wordless, wordless, wordless, Texts(()))
    prepared.documents["train"] = tf.ragged.constant([[2, 0], [2, 0]], dtype="int32")
    assert find_baseline(prepared) is None
    assert "TF-IDF is left out: documents must have a word that 2 of" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_other_errors_are_not_taken_for_that(tmp_path):
    prepared = prepare(tmp_path)
    start_from(prepared, ["bad"], topic_vectors=GramVectors(np.ones((3, 2))))  # of other words
    with pytest.raises(ValueError, match="old_words must be 3 words, got 10"):
        find_baseline(prepared)


def test_predictions_are_in_the_order_of_the_texts(tmp_path, monkeypatch):
    prepared = prepare(tmp_path)
    model = baselines.find_baseline(prepared).model
    prepared.documents["some"] = prepared.documents["valid"][::-1]
    found, reversed_found = (predict(prepared, model, name) for name in ("valid", "some"))
    assert found == pytest.approx(reversed_found[::-1], abs=1e-6)
    assert found.dtype == "float64"


@pytest.mark.parametrize(
    ("settings", "said"),
    [(CANDIDATES[0], "regression: "), (SIMILAR_CANDIDATES[0], "regression and word vectors: ")],
)
def test_it_says_whether_vectors_are_used(settings, said, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(baselines, "choose_settings", lambda *positional, **options: settings)
    prepared = prepare(tmp_path)
    start_from(prepared, ["bad", "good"])
    assert find_baseline(prepared).settings == settings
    assert f"\nTF-IDF with logistic {said}" in capsys.readouterr().out


def test_the_embedding_of_the_model_that_is_started_from_says_which_words_are_alike(
    tmp_path, monkeypatch
):
    given = note_vectors(monkeypatch)
    first = find_baseline(prepare(tmp_path))
    prepared = prepare(tmp_path)
    model = start_from(prepared, ["bad", "good", "end"])
    rows = np.random.RandomState(0).normal(size=(12, 4))
    rows[10] = rows[11]
    model.encoder.embeddings.assign(rows)
    second = find_baseline(prepared)
    assert second is not first  # what was fitted without vectors is not read
    assert given[0] is None
    assert given[1].words.shape == (len(prepared.vocabulary), 4)
    assert cosine(given[1], prepared, "good", "end") == pytest.approx(1)
    assert cosine(given[1], prepared, "good", "bad") < 0.9
    assert len(given) == 2
    find_baseline(prepared)
    assert len(given) == 2


def test_its_topic_vectors_say_it_better(tmp_path, monkeypatch):
    given = note_vectors(monkeypatch)
    prepared = prepare(tmp_path)
    rows = np.random.RandomState(0).normal(size=(12, 3))
    rows[10] = rows[11]
    vectors = GramVectors(rows, np.array([[11, 9], [9, 10]]), np.ones((2, 3)))
    start_from(prepared, ["bad", "good", "end"], topic_vectors=vectors)
    find_baseline(prepared)
    assert given[0].words.shape == (len(prepared.vocabulary), 3)
    assert cosine(given[0], prepared, "good", "end") == pytest.approx(1)
    words = prepared.vocabulary.words
    pairs = [" ".join(words[i] for i in pair) for pair in given[0].pairs]
    assert pairs == ["end bad", "bad good"]


def test_with_many_labelled_texts_no_vectors_are_made(tmp_path, monkeypatch):
    given = note_vectors(monkeypatch)
    for most in (12, 11):
        monkeypatch.setattr(baselines, "MAX_COMPARED", most)
        prepared = prepare(tmp_path)
        vectors = GramVectors(np.random.RandomState(0).normal(size=(12, 3)))
        start_from(prepared, ["bad", "good", "end"], topic_vectors=vectors)
        find_baseline(prepared)
    assert [some is None for some in given] == [False, True]


def test_texts_without_words_say_nothing_and_cost_nothing(tmp_path, monkeypatch):
    given = note_vectors(monkeypatch)
    monkeypatch.setattr(baselines, "_LEAST_TEXTS", 15)
    assert find_baseline(prepare(tmp_path, unlabelled=["good"] * 15)) is not None
    assert given == [None]


def test_texts_without_labels_say_it_too_where_there_are_enough(tmp_path, monkeypatch):
    given = note_vectors(monkeypatch)
    unlabelled = ["good great", "great good", "good great", "bad awful", "awful bad"] * 3
    find_baseline(prepare(tmp_path, unlabelled=unlabelled))
    monkeypatch.setattr(baselines, "_LEAST_TEXTS", len(unlabelled))
    (tmp_path / "few").mkdir()
    find_baseline(prepare(tmp_path / "few", unlabelled=unlabelled[1:]))
    assert given == [None, None]
    prepared = prepare(tmp_path, unlabelled=unlabelled)
    find_baseline(prepared)
    own = given[-1]
    likeness = {word: cosine(own, prepared, "great", word) for word in ("good", "bad", "awful")}
    assert max(likeness, key=likeness.get) == "good"
    # What the pretrained model knows comes before it, each as long as the other.
    rows = np.random.RandomState(0).normal(size=(11, 3))
    start_from(prepared, ["bad", "good"], topic_vectors=GramVectors(rows))
    find_baseline(prepared)
    np.testing.assert_array_equal(given[-1].words[:, 3:], own.words)
    lengths = np.linalg.norm(given[-1].words[prepared.vocabulary.words.index("good"), :3])
    assert lengths == pytest.approx(1)


def test_it_is_fitted_again_with_the_validation_texts(tmp_path):
    prepared = prepare(tmp_path, Texts(["so good", "so bad"] * 4, ["+", "-"] * 4))
    prepared.corpus = Corpus(prepared.corpus.train, Texts(["end"] * 3, ["-"] * 3), VALID, Texts(()))
    prepared.vocabulary, prepared.documents = look_up(
        {"train": ["so good", "so bad"] * 4, "valid": ["end"] * 3, "unlabelled": []},
        counted=["train", "valid"],
        min_frequency=1,
    )
    end = prepared.vocabulary.words.index("end")
    baseline = find_baseline(prepared)
    assert not np.any(baseline.model.tables()["coefficients"][end])
    again = refit(prepared, baseline)
    against, for_it = again.tables()["coefficients"][end]
    assert against < 0 < for_it
    # A run that is resumed has its settings from the file.
    resumed = find_baseline(prepared)
    assert resumed.settings == baseline.settings
    np.testing.assert_array_equal(refit(prepared, resumed).coefficients, again.coefficients)
