"""The simple baseline beside ULMFiT, TF-IDF with logistic regression: fitted first, in seconds."""

import contextlib
import dataclasses
import functools
import hashlib
import json
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from tfast.recipes.results import write_json, write_model
from tfast.recipes.ulmfit_preparation import PreparedTexts, labelled
from tfast.saving import load_model
from tfast.text.gram_counts import TooFewWordsError
from tfast.text.gram_vectors import GramVectors
from tfast.text.models.tfidf import TfidfClassifier
from tfast.text.prediction import predict_documents
from tfast.text.tfidf import MAX_COMPARED, choose_settings, fit_tfidf, left_out_logits
from tfast.text.tfidf_regression import TfidfSettings
from tfast.text.topic_vectors import topic_vectors

# Texts of the run's own, without labels, that topic vectors are made from at least.
_LEAST_TEXTS, _OWN_SIZE = 1000, 64


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What TF-IDF gives.

    Attributes:
        model: the classifier.
        settings: what was found to suit the texts.
        vectors: see `fit_tfidf`.
        seconds: how long it took.
    """

    model: TfidfClassifier
    settings: TfidfSettings
    vectors: GramVectors | None
    seconds: float


def find_baseline(prepared: PreparedTexts) -> Baseline | None:
    """Fits TF-IDF, or reads it where a run that is resumed has fitted it to the same texts.

    It leaves `tfidf.keras` and `tfidf.json`, and prints what it reaches on the validation texts
    and how long it took.

    Returns:
        The `Baseline`; or None, with a printed line, where no word is in enough texts.
    """
    model_file, note_file = prepared.output / "tfidf.keras", prepared.output / "tfidf.json"
    begin = time.monotonic()
    try:
        vectors = _word_vectors(prepared)
        digest = _digest(prepared, vectors)
        baseline = _read(model_file, note_file, digest, vectors)
        if baseline is None:
            baseline = _fit(prepared, vectors, begin)
            write_model(model_file, baseline.model)
            note = {"settings": baseline.settings, "seconds": baseline.seconds, "texts": digest}
            write_json(note_file, note)
    except TooFewWordsError as error:
        print(f"TF-IDF is left out: {error}")
        return None
    valid = prepared.corpus.valid
    right = predict(prepared, baseline.model, "valid").argmax(-1) == prepared.corpus.label_ids(
        valid
    )
    vectors_too = " and word vectors" if baseline.settings.similarity else ""
    print(
        f"TF-IDF with logistic regression{vectors_too}: {right.mean():.2%} of {len(valid):,} "
        f"validation texts right, after {baseline.seconds:.1f} s",
        flush=True,
    )
    return baseline


def predict(
    prepared: PreparedTexts, model: Any, part: str, *, show_progress: bool = False
) -> np.ndarray:
    """The logits of a classifier for a part of the corpus, in its order, float64."""
    logits = predict_documents(
        model,
        prepared.documents[part],
        batch_size=prepared.recipe.batch_size,
        show_progress=show_progress,
    )
    return logits.astype("float64")


def refit(prepared: PreparedTexts, baseline: Baseline) -> TfidfClassifier:
    """The same, of training and validation texts, once these have said all else."""
    return _fit_to(prepared, ("train", "valid"), baseline.vectors, baseline.settings)


def predict_left_out(prepared: PreparedTexts, baseline: Baseline) -> np.ndarray:
    """Logits of training texts and then validation texts, each by a model that did not learn it."""
    documents, label_ids = labelled(prepared, ("train", "valid"))
    return left_out_logits(
        documents,
        label_ids,
        vocab_size=len(prepared.vocabulary),
        settings=baseline.settings,
        vectors=baseline.vectors,
        seed=prepared.recipe.seed,
    )


def _fit(prepared: PreparedTexts, vectors: GramVectors | None, begin: float) -> Baseline:
    print("Fitting TF-IDF with logistic regression", flush=True)
    settings = choose_settings(
        prepared.documents["train"],
        prepared.corpus.label_ids(prepared.corpus.train),
        vocab_size=len(prepared.vocabulary),
        vectors=vectors,
        seed=prepared.recipe.seed,
    )
    model = _fit_to(prepared, ("train",), vectors, settings)
    return Baseline(model, settings, vectors, round(time.monotonic() - begin, 1))


def _fit_to(
    prepared: PreparedTexts,
    parts: Sequence[Literal["train", "valid"]],
    vectors: GramVectors | None,
    settings: TfidfSettings,
) -> TfidfClassifier:
    documents, label_ids = labelled(prepared, parts)
    return fit_tfidf(
        documents,
        label_ids,
        vocab_size=len(prepared.vocabulary),
        num_classes=len(prepared.corpus.class_names),
        vectors=vectors,
        settings=settings,
    )


def _word_vectors(prepared: PreparedTexts) -> GramVectors | None:
    """What is known of the run's words before a label is read; None where it is nothing.

    It is what the pretrained model brings, topic vectors or else its embedding; and where there are
    enough texts without labels, topic vectors of these beside that. With more labelled texts than
    `choose_settings` takes vectors for, nothing is looked for.
    """
    if len(prepared.corpus.train) > MAX_COMPARED:
        return None
    known, words = [], prepared.vocabulary.words
    if prepared.pretrained and prepared.general_vocabulary is not None:
        vectors = prepared.topic_vectors
        if vectors is None:
            embeddings = prepared.pretrained[False].encoder.embeddings
            vectors = GramVectors(keras.ops.convert_to_numpy(embeddings))
        known.append(vectors.transfer(prepared.general_vocabulary.words, words))
    # Vectors that were made from a labelled text too know it better than any to come, and
    # cross-validation, which leaves it out, then finds them bad.
    if len(prepared.corpus.unlabelled) >= _LEAST_TEXTS:
        own = prepared.documents["unlabelled"]
        with contextlib.suppress(TooFewWordsError):  # they say nothing
            known.append(topic_vectors(own, vocab_size=len(words), size=_OWN_SIZE))
    if not known:
        return None
    # Each is as long as the other.
    return functools.reduce(GramVectors.beside, (some.directions() for some in known))


def _digest(prepared: PreparedTexts, vectors: GramVectors | None) -> str:
    """Says whether two runs fit to the same."""
    digest = hashlib.sha256(f"{prepared.settings['texts_sha256']} {prepared.recipe.seed}".encode())
    if vectors is not None:
        for numbers in (vectors.words, vectors.pairs, vectors.pair_vectors):
            digest.update(np.ascontiguousarray(numbers).tobytes())
    return digest.hexdigest()


def _read(
    model_file: Path, note_file: Path, digest: str, vectors: GramVectors | None
) -> Baseline | None:
    """What an interrupted run has left; None where it is of other texts, or not whole."""
    try:
        note = json.loads(note_file.read_text(encoding="utf-8"))
        if note["texts"] != digest:
            return None
        model = load_model(model_file)
        if not isinstance(model, TfidfClassifier):
            return None
        return Baseline(model, TfidfSettings(*note["settings"]), vectors, note["seconds"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
