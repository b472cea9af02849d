import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tfast.recipes import baselines
from tfast.recipes.baselines import find_baseline, predict
from tfast.text.corpora import Corpus, Texts
from tfast.text.documents import look_up
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.vocabulary import Vocabulary

TRAIN = Texts(["so good", "good fun", "so bad", "bad end"] * 3, ["+", "+", "-", "-"] * 3)
VALID = Texts(["good", "bad", "good so"], ["+", "-", "-"])


def prepare(output, train=TRAIN):
    corpus = Corpus(train=train, valid=VALID, test=VALID, unlabelled=Texts(()))
    parts = {name: getattr(corpus, name).texts for name in ("train", "valid")}
    vocabulary, documents = look_up(parts, counted=["train"], min_frequency=1)
    return SimpleNamespace(
        output=output,
        corpus=corpus,
        documents=documents,
        vocabulary=vocabulary,
        recipe=SimpleNamespace(batch_size=2, seed=0),
        pretrained={},
        general_vocabulary=None,
    )


def test_words_that_tell_the_label_are_learned_and_said_at_once(tmp_path, capsys):
    prepared = prepare(tmp_path)
    baseline = find_baseline(prepared)
    assert predict(prepared, baseline.model, "valid").argmax(-1).tolist() == [0, 1, 0]
    [line] = capsys.readouterr().out.splitlines()
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


def test_it_is_left_out_without_scikit_learn(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    assert find_baseline(prepare(tmp_path)) is None
    assert "TF-IDF is left out: pip install scikit-learn" in capsys.readouterr().out


def test_predictions_are_in_the_order_of_the_texts(tmp_path, monkeypatch):
    prepared = prepare(tmp_path)
    model = baselines.find_baseline(prepared).model
    prepared.documents["some"] = prepared.documents["valid"][::-1]
    found, reversed_found = (predict(prepared, model, name) for name in ("valid", "some"))
    assert found == pytest.approx(reversed_found[::-1], abs=1e-6)
    assert found.dtype == "float64"


def test_the_embedding_of_the_model_that_is_started_from_says_which_words_are_alike(
    tmp_path, monkeypatch, capsys
):
    given, fit = [], baselines.fit_tfidf

    def note_vectors(*positional, vectors, **options):
        given.append(vectors)
        return fit(*positional, vectors=vectors, **options)

    monkeypatch.setattr(baselines, "fit_tfidf", note_vectors)
    first = find_baseline(prepare(tmp_path))
    prepared = prepare(tmp_path)
    prepared.general_vocabulary = Vocabulary([*SPECIAL_TOKENS, "bad", "good"])
    model = LanguageModel(len(prepared.general_vocabulary), embed_size=4, num_layers=1)
    prepared.pretrained = {False: model}
    second = find_baseline(prepared)
    assert second is not first  # what was fitted without vectors is not read
    assert given[0] is None
    assert given[1].shape == (len(prepared.vocabulary), 4)
    good = [some.words.index("good") for some in (prepared.vocabulary, prepared.general_vocabulary)]
    np.testing.assert_array_equal(given[1][good[0]], model.encoder.embeddings[good[1]])
    assert "logistic regression and word vectors: " in capsys.readouterr().out
    assert len(given) == 2
    find_baseline(prepared)
    assert len(given) == 2
