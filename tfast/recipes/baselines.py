"""The simple baseline beside ULMFiT, TF-IDF with logistic regression: fitted first, in seconds."""

import dataclasses
import hashlib
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfast.recipes.results import write_json, write_model
from tfast.recipes.ulmfit_preparation import PreparedTexts
from tfast.saving import load_model
from tfast.text.classifier_batches import classifier_batches, restore_order
from tfast.text.models.tfidf import TfidfClassifier
from tfast.text.tfidf import fit_tfidf
from tfast.text.ulmfit import transfer_rows


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What TF-IDF gives.

    Attributes:
        model: the classifier.
        seconds: how long it was fitted.
    """

    model: TfidfClassifier
    seconds: float


def find_baseline(prepared: PreparedTexts) -> Baseline | None:
    """Fits TF-IDF, or reads it where a run that is resumed has fitted it to the same texts.

    It leaves `tfidf.keras` and `tfidf.json`, and prints one line: what it reaches on the
    validation texts, and how long it took.

    Returns:
        The `Baseline`; or None, with a printed line that says why: scikit-learn is not installed,
        or it can do nothing with these texts (there is no word that two of them have, say).
    """
    model_file, note_file = prepared.output / "tfidf.keras", prepared.output / "tfidf.json"
    vectors = _word_vectors(prepared)
    digest = _digest(prepared, vectors)
    baseline = _read(model_file, note_file, digest)
    if baseline is None:
        try:
            baseline = _fit(prepared, vectors)
        except ImportError:
            print("TF-IDF is left out: pip install scikit-learn")
            return None
        except ValueError as error:
            print(f"TF-IDF is left out: {error}")
            return None
        write_model(model_file, baseline.model)
        write_json(note_file, {"seconds": baseline.seconds, "texts": digest})
    valid = prepared.corpus.valid
    right = predict(prepared, baseline.model, "valid").argmax(-1) == prepared.corpus.label_ids(
        valid
    )
    kind = "logistic regression" if vectors is None else "logistic regression and word vectors"
    print(
        f"TF-IDF with {kind}: {right.mean():.2%} of {len(valid):,} validation texts right, "
        f"after {baseline.seconds:.1f} s",
        flush=True,
    )
    return baseline


def predict(prepared: PreparedTexts, model: Any, part: str) -> np.ndarray:
    """The logits of a classifier for a part of the corpus, in its order, float64."""
    documents = prepared.documents[part]
    batches = classifier_batches(documents, batch_size=prepared.recipe.batch_size, training=False)
    return restore_order(model.predict(batches, verbose=0), documents).astype("float64")


def _fit(prepared: PreparedTexts, vectors: np.ndarray | None) -> Baseline:
    corpus, begin = prepared.corpus, time.monotonic()
    model = fit_tfidf(
        prepared.documents["train"],
        corpus.label_ids(corpus.train),
        vocab_size=len(prepared.vocabulary),
        num_classes=len(corpus.class_names),
        vectors=vectors,
        seed=prepared.recipe.seed,
    )
    return Baseline(model, round(time.monotonic() - begin, 1))


def _word_vectors(prepared: PreparedTexts) -> np.ndarray | None:
    """The embedding of the language model that the run starts from, for the run's vocabulary."""
    if not prepared.pretrained or prepared.general_vocabulary is None:
        return None
    embeddings = keras.ops.convert_to_numpy(prepared.pretrained[False].encoder.embeddings)
    return transfer_rows(embeddings, prepared.general_vocabulary.words, prepared.vocabulary.words)


def _digest(prepared: PreparedTexts, vectors: np.ndarray | None) -> str:
    """Says whether two runs fit to the same texts and labels."""
    documents, corpus = prepared.documents["train"], prepared.corpus
    digest = hashlib.sha256()
    for numbers in (
        documents.flat_values.numpy(),
        documents.row_lengths().numpy(),
        np.array(corpus.label_ids(corpus.train)),
        np.array([prepared.recipe.seed, len(prepared.vocabulary)]),
    ):
        digest.update(np.ascontiguousarray(numbers, "int64").tobytes())
    digest.update(b"" if vectors is None else np.ascontiguousarray(vectors).tobytes())
    return digest.hexdigest()


def _read(model_file: Path, note_file: Path, digest: str) -> Baseline | None:
    """What an interrupted run has left; None where it is of other texts, or not whole."""
    try:
        note = json.loads(note_file.read_text(encoding="utf-8"))
        if note["texts"] != digest:
            return None
        model = load_model(model_file)
        return Baseline(model, note["seconds"]) if isinstance(model, TfidfClassifier) else None
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
