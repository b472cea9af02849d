"""Fitting TF-IDF with logistic regression by scikit-learn, from token ids.

It takes seconds, and where texts are few or labels are told by single words nothing beats it.
"""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfast import arguments
from tfast.text.documents import check_documents
from tfast.text.models.tfidf import TfidfClassifier
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS, UNKNOWN_ID

# Texts that settings are compared on at most, and into how many parts they are split for that.
_MAX_COMPARED, _NUM_PARTS = 2000, 3


class TfidfSettings(NamedTuple):
    """What is to be chosen for a kind of texts.

    Attributes:
        min_texts: words and pairs that fewer texts have are left out.
        strength: scikit-learn's `C`: the larger, the less are coefficients held near 0.
    """

    min_texts: int = 2
    strength: float = 10.0


CANDIDATES = tuple(TfidfSettings(texts, c) for texts in (2, 1) for c in (10.0, 100.0))


def fit_tfidf(
    documents: tf.RaggedTensor,
    label_ids: Sequence[int],
    *,
    vocab_size: int,
    num_classes: int,
    settings: TfidfSettings | None = None,
    seed: int = 0,
) -> TfidfClassifier:
    """Fits a classifier of words and pairs of words: logarithmic counts, logistic regression.

    Args:
        documents: int32 ragged token ids `(documents, None)`.
        label_ids: integers `(documents,)` from 0 to `num_classes - 1`, each at least once.
        vocab_size: number of different token ids.
        num_classes: number of classes.
        settings: None chooses among `CANDIDATES` by the likelihood of texts that were left out
            (cross-validation in three parts, of 2,000 texts at most).
        seed: of the parts.

    Returns:
        A `TfidfClassifier` that answers as scikit-learn's model does.

    Raises:
        ValueError: labels that do not fit, or no word is in enough texts.
        ImportError: scikit-learn is not installed.

    Examples:
        >>> rows = [[2, 9, 10], [2, 11], [2, 9], [2, 11, 10]]
        >>> documents = tf.ragged.constant(rows, dtype="int32")
        >>> model = fit_tfidf(documents, [0, 1, 0, 1], vocab_size=16, num_classes=2)
        >>> logits = model({"token_ids": np.array([[2, 9], [2, 11]]), "lengths": np.array([2, 2])})
        >>> np.array(logits).argmax(-1).tolist()
        [0, 1]
    """
    documents = check_documents(documents)
    vocab_size = arguments.whole_number("vocab_size", vocab_size)
    num_classes = arguments.whole_number("num_classes", num_classes, minimum=2)
    labels = np.asarray(label_ids)
    if labels.shape != (documents.shape[0],) or set(labels.tolist()) != set(range(num_classes)):
        raise ValueError(
            f"label_ids must be {documents.shape[0]} integers, each of 0 to {num_classes - 1} "
            f"at least once, got {labels.size}: {sorted(set(labels.tolist()))[:10]}"
        )
    grams = _count_grams(documents, vocab_size)
    if settings is None:
        settings = _choose(grams, labels, seed)
    fitted = _fit(grams, labels, settings)
    if fitted is None:
        raise ValueError(f"documents must have a word that {settings.min_texts} of them have")
    return _as_keras(fitted, vocab_size, num_classes)


@dataclasses.dataclass(frozen=True)
class _Grams:
    """Which text has which word or pair how often.

    A word is its id; a pair is `vocab_size * (first + 1) + second`.
    """

    counts: Any  # scipy.sparse.csr_matrix (texts, grams)
    keys: np.ndarray  # int64 (grams,), growing

    def take_texts(self, indices: np.ndarray) -> "_Grams":
        return _Grams(self.counts[indices], self.keys)

    def frequent(self, min_texts: int) -> np.ndarray:
        """Which of them as many texts have."""
        num_texts = np.bincount(self.counts.indices, minlength=len(self.keys))
        return np.flatnonzero(num_texts >= min_texts)


class _Fitted(NamedTuple):
    """What scikit-learn has learned."""

    transformer: Any
    regression: Any
    columns: np.ndarray  # of the grams, those that are features
    keys: np.ndarray  # of these

    def log_likelihood(self, grams: _Grams, labels: np.ndarray) -> float:
        """The mean logarithm of the probability of the right class."""
        features = self.transformer.transform(grams.counts[:, self.columns])
        logarithms = self.regression.predict_log_proba(features)
        return float(logarithms[np.arange(len(labels)), labels].mean())


def _count_grams(documents: tf.RaggedTensor, vocab_size: int) -> _Grams:
    import scipy.sparse

    ids = documents.flat_values.numpy().astype("int64")
    texts = documents.value_rowids().numpy()
    # As in `TfidfClassifier`: marks are left out, and unknown words part their neighbours.
    kept = (ids >= len(SPECIAL_TOKENS)) | (ids == UNKNOWN_ID)
    ids, texts = ids[kept], texts[kept]
    is_known = ids != UNKNOWN_ID
    is_pair = is_known[:-1] & is_known[1:] & (texts[:-1] == texts[1:])
    pairs = vocab_size * (ids[:-1] + 1) + ids[1:]
    keys, columns = np.unique(np.concatenate([ids[is_known], pairs[is_pair]]), return_inverse=True)
    rows = np.concatenate([texts[is_known], texts[1:][is_pair]])
    shape = documents.shape[0], len(keys)
    counts = scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape)
    return _Grams(counts, keys)


def _fit(
    grams: _Grams, labels: np.ndarray, settings: TfidfSettings, **options: Any
) -> _Fitted | None:
    """Fits, or gives None where no word is in enough texts."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    columns = grams.frequent(min(settings.min_texts, len(labels)))
    if not len(columns):
        return None
    transformer = TfidfTransformer(sublinear_tf=True)
    features = transformer.fit_transform(grams.counts[:, columns])
    regression = LogisticRegression(
        C=settings.strength, **({"max_iter": 1000, "tol": 1e-5} | options)
    )
    # Threads gain nothing at this size, and where others compute they wait for each other.
    with warnings.catch_warnings(), threadpool_limits(1):
        # What it has by then is as good for all that it is used for.
        warnings.filterwarnings("ignore", "lbfgs failed to converge")
        regression.fit(features, labels)
    return _Fitted(transformer, regression, columns, grams.keys[columns])


def _choose(grams: _Grams, labels: np.ndarray, seed: int) -> TfidfSettings:
    """The best of `CANDIDATES` by cross-validation; the first where a class has too few texts."""
    if np.bincount(labels).min() < _NUM_PARTS:
        return CANDIDATES[0]
    order = np.random.RandomState(seed).permutation(len(labels))
    # Every class is in every part, and in those that are taken of more texts.
    order = order[np.argsort(labels[order], kind="stable")]
    step = -(-len(order) // _MAX_COMPARED)
    if np.bincount(labels[order[::step]], minlength=labels.max() + 1).min() >= _NUM_PARTS:
        order = order[::step]
    parts = np.arange(len(order)) % _NUM_PARTS
    totals = dict.fromkeys(CANDIDATES, 0.0)
    for part in range(_NUM_PARTS):
        used, left_out = order[parts != part], order[parts == part]
        for settings in CANDIDATES:
            fitted = _fit(grams.take_texts(used), labels[used], settings, max_iter=100, tol=1e-3)
            totals[settings] += (
                -np.inf
                if fitted is None
                else fitted.log_likelihood(grams.take_texts(left_out), labels[left_out])
            )
    return max(CANDIDATES, key=totals.__getitem__)


def _as_keras(fitted: _Fitted, vocab_size: int, num_classes: int) -> TfidfClassifier:
    """The same as a Keras model."""
    keys = fitted.keys
    is_pair = keys >= vocab_size
    first_words = keys[is_pair] // vocab_size - 1
    model = TfidfClassifier(vocab_size, num_classes, int(is_pair.sum()))
    starts = np.searchsorted(first_words, np.arange(vocab_size + 1))
    model.pair_starts.assign(starts.astype("int32"))
    if is_pair.any():
        model.second_words.assign((keys[is_pair] % vocab_size).astype("int32"))
    rows = np.where(is_pair, vocab_size + np.cumsum(is_pair) - 1, keys)
    idf, coefficients = np.zeros(model.idf.shape), np.zeros(model.coefficients.shape)
    idf[rows] = fitted.transformer.idf_
    regression = fitted.regression
    slopes, intercept = regression.coef_.T, regression.intercept_
    if num_classes == 2:  # scikit-learn has the logit of the second class alone
        slopes, intercept = slopes * np.array([[-0.5, 0.5]]), intercept * np.array([-0.5, 0.5])
    coefficients[rows] = slopes
    model.idf.assign(idf)
    model.coefficients.assign(coefficients)
    model.intercept.assign(intercept)
    return model
