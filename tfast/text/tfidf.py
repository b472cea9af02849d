"""Fitting TF-IDF with logistic regression by scikit-learn, from token ids.

It takes seconds, and where texts are few or labels are told by single words nothing beats it.
"""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfast import arguments
from tfast.text.documents import check_documents
from tfast.text.gram_counts import Grams, count_grams
from tfast.text.models.tfidf import TfidfClassifier
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS

# Texts that settings are compared on at most, and into how many parts they are split for that.
_MAX_COMPARED, _NUM_PARTS = 2000, 3


class TfidfSettings(NamedTuple):
    """What is to be chosen for a kind of texts.

    Attributes:
        min_texts: words and pairs that fewer texts have are left out.
        strength: scikit-learn's `C`: the larger, the less are coefficients held near 0.
        similarity: how long, beside the features of a text, which have length 1, the mean of its
            words' vectors is.
    """

    min_texts: int = 2
    strength: float = 10.0
    similarity: float = 0.0


CANDIDATES = tuple(TfidfSettings(texts, c) for texts in (2, 1) for c in (10.0, 100.0))
# Where there are vectors, these too.
SIMILAR_CANDIDATES = tuple(TfidfSettings(1, 10.0, length) for length in (0.35, 0.7))


def fit_tfidf(
    documents: tf.RaggedTensor,
    label_ids: Sequence[int],
    *,
    vocab_size: int,
    num_classes: int,
    vectors: np.ndarray | None = None,
    settings: TfidfSettings | None = None,
    seed: int = 0,
) -> TfidfClassifier:
    """Fits a classifier of words and pairs of words: logarithmic counts, logistic regression.

    With vectors the mean of a text's word vectors may be among its features, as a regression on
    few texts knows few words. As that mean is linear in the words, what is learned of it becomes
    part of the words' coefficients: like words get like ones, those that no text has too, and the
    model is the same.

    Args:
        documents: int32 ragged token ids `(documents, None)`.
        label_ids: integers `(documents,)` from 0 to `num_classes - 1`, each at least once.
        vocab_size: number of different token ids.
        num_classes: number of classes.
        vectors: floats `(vocab_size, size)`, an embedding in which like words have like rows; or
            None.
        settings: None chooses among `CANDIDATES`, and with vectors `SIMILAR_CANDIDATES`, by the
            likelihood of texts that were left out (cross-validation in three parts, of 2,000 texts
            at most).
        seed: of the parts.

    Returns:
        A `TfidfClassifier` that answers as scikit-learn's model does.

    Raises:
        ValueError: labels or vectors that do not fit, or no word is in enough texts.
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
    grams = count_grams(documents, vocab_size)
    if vectors is not None:
        vectors = _directions(vectors, vocab_size)
    if settings is None:
        settings = _choose(grams, labels, vectors, seed)
    fitted = _fit(grams, labels, vectors, settings)
    if fitted is None:
        raise ValueError(f"documents must have a word that {settings.min_texts} of them have")
    return _as_keras(fitted, vocab_size, num_classes)


def _directions(vectors: np.ndarray, vocab_size: int) -> np.ndarray:
    """The vectors of words, without what is common to all, at most 1 long.

    Shorter ones are words that have been given the mean, because nothing is known of them.
    """
    vectors = np.asarray(vectors, "float64")
    if vectors.ndim != 2 or len(vectors) != vocab_size or not np.isfinite(vectors).all():
        raise ValueError(
            f"vectors must be finite numbers ({vocab_size}, size), got {vectors.shape}"
        )
    words = vectors[len(SPECIAL_TOKENS) :]
    words = words - words.mean(axis=0)
    lengths = np.sqrt((words**2).sum(axis=-1, keepdims=True))
    return words / np.maximum(lengths, max(np.median(lengths) / 10, 1e-6))


class _Fitted(NamedTuple):
    """What scikit-learn has learned, as logits of all classes."""

    transformer: Any
    columns: np.ndarray  # of the grams, those that are features
    keys: np.ndarray  # of these
    slopes: np.ndarray  # (features, classes)
    intercept: np.ndarray  # (classes,)

    def logits(self, grams: Grams) -> np.ndarray:
        """Of texts, `(texts, classes)`."""
        features = self.transformer.transform(grams.counts[:, self.columns])
        return features @ self.slopes + self.intercept


def _fit(
    grams: Grams,
    labels: np.ndarray,
    vectors: np.ndarray | None,
    settings: TfidfSettings,
    **options: Any,
) -> _Fitted | None:
    """Fits, or gives None where no word is in enough texts."""
    import scipy.sparse
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    columns = grams.frequent(min(settings.min_texts, len(labels)))
    if not len(columns):
        return None
    is_similar = vectors is not None and settings.similarity > 0
    if is_similar:  # words that came in no text are features too
        columns = np.union1d(np.arange(grams.num_words), columns)
    transformer = TfidfTransformer(sublinear_tf=True)
    features = transformer.fit_transform(grams.counts[:, columns])
    inputs, directions = features, np.zeros((0, 0))
    if is_similar:
        means = features[:, : grams.num_words] @ vectors
        scale = settings.similarity / max(np.sqrt((means**2).sum(axis=-1).mean()), 1e-12)
        directions = vectors * scale
        inputs = scipy.sparse.hstack([features, scipy.sparse.csr_matrix(means * scale)], "csr")
    regression = LogisticRegression(
        C=settings.strength, **({"max_iter": 1000, "tol": 1e-5} | options)
    )
    # Threads gain nothing at this size, and where others compute they wait for each other.
    with warnings.catch_warnings(), threadpool_limits(1):
        # What it has by then is as good for all that it is used for.
        warnings.filterwarnings("ignore", "lbfgs failed to converge")
        regression.fit(inputs, labels)
    slopes, intercept = regression.coef_.T, regression.intercept_
    if slopes.shape[1] == 1:  # scikit-learn has the logit of the second of two classes alone
        slopes, intercept = slopes * np.array([[-0.5, 0.5]]), intercept * np.array([-0.5, 0.5])
    of_features, of_means = np.split(slopes, [features.shape[1]])
    of_features[: len(directions)] += directions @ of_means
    return _Fitted(transformer, columns, grams.keys[columns], of_features, intercept)


def _choose(
    grams: Grams, labels: np.ndarray, vectors: np.ndarray | None, seed: int
) -> TfidfSettings:
    """The best of the candidates by cross-validation; the first where a class has too few texts."""
    if np.bincount(labels).min() < _NUM_PARTS:
        return CANDIDATES[0]
    order = np.random.RandomState(seed).permutation(len(labels))
    # Every class is in every part, and in those that are taken of more texts.
    order = order[np.argsort(labels[order], kind="stable")]
    step = -(-len(order) // _MAX_COMPARED)
    if np.bincount(labels[order[::step]], minlength=labels.max() + 1).min() >= _NUM_PARTS:
        order = order[::step]
    parts = np.arange(len(order)) % _NUM_PARTS
    candidates = CANDIDATES + (SIMILAR_CANDIDATES if vectors is not None else ())
    likelihoods = dict.fromkeys(candidates, -np.inf)
    for settings in candidates:
        logits = np.zeros((len(order), labels.max() + 1))
        for part in range(_NUM_PARTS):
            used, left_out = order[parts != part], order[parts == part]
            fitted = _fit(
                grams.take_texts(used), labels[used], vectors, settings, max_iter=100, tol=1e-3
            )
            if fitted is None:
                break
            logits[parts == part] = fitted.logits(grams.take_texts(left_out))
        else:
            likelihoods[settings] = _best_likelihood(logits, labels[order])
    return max(candidates, key=likelihoods.__getitem__)


def _best_likelihood(logits: np.ndarray, labels: np.ndarray) -> float:
    """The mean logarithm of the probability of the right class, at the best sharpness.

    Coefficients that are held near 0 are right more often than they are sure.
    """
    means = []
    for sharpness in 2.0 ** np.arange(-2, 5):
        logarithms = logits * sharpness
        logarithms -= logarithms.max(axis=-1, keepdims=True)
        logarithms -= np.log(np.exp(logarithms).sum(axis=-1, keepdims=True))
        means.append(logarithms[np.arange(len(labels)), labels].mean())
    return float(max(means))


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
    coefficients[rows] = fitted.slopes
    model.idf.assign(idf)
    model.coefficients.assign(coefficients)
    model.intercept.assign(fitted.intercept)
    return model
