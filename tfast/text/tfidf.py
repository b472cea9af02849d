"""Fitting TF-IDF with logistic regression by scikit-learn, from token ids.

It takes seconds, and where texts are few or labels are told by single words nothing beats it.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfast import arguments
from tfast.text.documents import check_documents
from tfast.text.gram_counts import Grams, TooFewWordsError, count_grams
from tfast.text.gram_vectors import GramVectors
from tfast.text.logistic_regression import (
    NUM_PARTS,
    answer_left_out,
    best_likelihood,
    can_be_left_out,
    check_label_ids,
    stratified_order,
)
from tfast.text.models.tfidf import TfidfClassifier
from tfast.text.tfidf_regression import Fitted, KnownGrams, TfidfSettings, fit_regression

# Texts that settings are compared on at most, but for a few more of rare classes.
MAX_COMPARED = 2000

# Words and pairs times classes of a fit that is compared; there are up to fifty, and where 200
# classes had five texts each, one took half a minute on a busy processor.
MOST_WEIGHTS = 8_000_000

# The first is for texts too few to compare settings on, and for very many classes.
CANDIDATES = (
    *(TfidfSettings(texts, c, 0.0, 0.5) for texts in (2, 1) for c in (10.0, 100.0)),
    TfidfSettings(1, 100.0, 0.0, 0.5, pair_weight=0.25),
)
# Where there are vectors, these too. Opinions are told by pairs ("not good"), topics by words.
# Where pairs may count less, topics gained up to five points and tweets two; where they may be left
# out, one of four draws of 100 film reviews lost six.
SIMILAR_CANDIDATES = (
    TfidfSettings(1, 10.0, 0.7),
    TfidfSettings(1, 10.0, 0.35),
    TfidfSettings(1, 100.0, 0.35, 0.5),
    TfidfSettings(1, 10.0, 0.7, pair_weight=0.25),
    TfidfSettings(1, 100.0, 0.7, pair_weight=0.25),
)


def fit_tfidf(
    documents: tf.RaggedTensor,
    label_ids: Sequence[int] | np.ndarray,
    *,
    vocab_size: int,
    num_classes: int,
    vectors: GramVectors | None = None,
    settings: TfidfSettings | None = None,
    seed: int = 0,
) -> TfidfClassifier:
    """Fits a classifier of words and pairs of words: logarithmic counts, logistic regression.

    With vectors the mean of those of a text's words and pairs may be among its features, as a
    regression on few texts knows few words. As that mean is linear in the words, what is learned
    of it becomes part of the words' coefficients: like words get like ones, those that no text has
    too, and the model is the same.

    Args:
        documents: int32 ragged token ids `(documents, None)`.
        label_ids: integers `(documents,)` from 0 to `num_classes - 1`, each at least once.
        vocab_size: number of different token ids.
        num_classes: number of classes.
        vectors: `GramVectors` in which like words have like rows, such as `topic_vectors`; or
            None.
        settings: None for those of `choose_settings`.
        seed: see `choose_settings`.

    Returns:
        A `TfidfClassifier` that answers as scikit-learn's model does.

    Raises:
        ValueError: labels or vectors that do not fit.
        TooFewWordsError: a ValueError too; no word is in enough texts.

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
    labels = check_label_ids(label_ids, documents.shape[0], num_classes)
    if settings is None:
        settings = choose_settings(
            documents, labels, vocab_size=vocab_size, vectors=vectors, seed=seed
        )
    grams, known = _count(documents, vocab_size, vectors)
    fitted = fit_regression(grams, labels, known, settings)
    if fitted is None:
        raise TooFewWordsError(f"documents must have a word that {settings.min_texts} of them have")
    return _as_keras(fitted, vocab_size, num_classes)


def choose_settings(
    documents: tf.RaggedTensor,
    label_ids: Sequence[int] | np.ndarray,
    *,
    vocab_size: int,
    vectors: GramVectors | None = None,
    seed: int = 0,
) -> TfidfSettings:
    """The best of `CANDIDATES`, and with vectors of `SIMILAR_CANDIDATES`, by cross-validation.

    They are compared by the likelihood of the texts that are left out, in five parts. Of more than
    `MAX_COMPARED` texts a sample is compared on, and vectors are left out: they help the less the
    more texts there are. A sample is as small as keeps classes times words and pairs within
    `MOST_WEIGHTS`; where five texts of each class are too many, nothing is compared.

    Args:
        documents: int32 ragged token ids `(documents, None)`.
        label_ids: integers `(documents,)` from 0.
        vocab_size: number of different token ids.
        vectors: see `fit_tfidf`.
        seed: of the parts.

    Returns:
        The `TfidfSettings`. Where no two classes have two texts: the first, of those with vectors
        where there are any. Of very many classes: the first, whose words two texts must have.

    Raises:
        ValueError: vectors that do not fit.

    Examples:
        >>> documents = tf.ragged.constant([[2, 9], [2, 10], [2, 9], [2, 10]], dtype="int32")
        >>> choose_settings(documents, [0, 1, 0, 1], vocab_size=16).similarity
        0.0
    """
    labels = np.asarray(label_ids)
    if not can_be_left_out(labels).any():
        return (CANDIDATES if vectors is None else SIMILAR_CANDIDATES)[0]
    order = stratified_order(labels, seed=seed)
    # Of 8,000 film reviews vectors that are as long as these took almost a point.
    uses_vectors = vectors is not None and len(order) <= MAX_COMPARED
    num_classes, step = labels.max() + 1, -(-len(order) // MAX_COMPARED)
    while True:
        sample = order[_thinned(labels[order], step)]
        grams, known = _count(tf.gather(documents, sample), vocab_size, vectors)
        if num_classes * len(grams.frequent(1)) <= MOST_WEIGHTS:
            break
        if len(sample) <= NUM_PARTS * num_classes:
            return CANDIDATES[0]
        step *= 2
    labels = labels[sample]
    judged = can_be_left_out(labels)
    candidates = CANDIDATES + (SIMILAR_CANDIDATES if uses_vectors else ())

    def likelihood(settings: TfidfSettings) -> float:
        logits = _answer_left_out(grams, labels, known, settings)
        return -np.inf if logits is None else best_likelihood(logits[judged], labels[judged])

    return max(candidates, key=likelihood)


def _thinned(labels: np.ndarray, step: int) -> np.ndarray:
    """Which of labels in a stratified order to keep: every `step`-th, of rare classes the first."""
    kept = np.arange(len(labels)) % step == 0
    too_few = np.bincount(labels[kept], minlength=labels.max() + 1) < NUM_PARTS
    ranks = np.arange(len(labels)) - np.searchsorted(labels, labels)
    return kept | (too_few[labels] & (ranks < NUM_PARTS))


def left_out_logits(
    documents: tf.RaggedTensor,
    label_ids: Sequence[int] | np.ndarray,
    *,
    vocab_size: int,
    settings: TfidfSettings,
    vectors: GramVectors | None = None,
    seed: int = 0,
) -> np.ndarray:
    """What classifiers like that of `fit_tfidf` say to texts that each was not fitted to.

    Args:
        documents: int32 ragged token ids `(documents, None)`.
        label_ids: integers `(documents,)` from 0, each at least once.
        vocab_size: number of different token ids.
        settings: see `fit_tfidf`.
        vectors: see `fit_tfidf`.
        seed: of the five parts, of which each is left out once.

    Returns:
        Logits `(documents, classes)`, float64; 0 of the only document of a class, and of all where
        the settings leave no word of the others to a part.

    Raises:
        ValueError: labels or vectors that do not fit.

    Examples:
        >>> documents = tf.ragged.constant([[2, 9], [2, 10], [2, 9], [2, 10]], dtype="int32")
        >>> settings = TfidfSettings(min_texts=1)
        >>> logits = left_out_logits(documents, [0, 1, 0, 1], vocab_size=16, settings=settings)
        >>> logits.argmax(-1).tolist()
        [0, 1, 0, 1]
    """
    labels = check_label_ids(label_ids, documents.shape[0], int(np.max(label_ids)) + 1)
    order = stratified_order(labels, seed=seed)
    grams, known = _count(tf.gather(documents, order), vocab_size, vectors)
    logits = np.zeros((len(labels), labels.max() + 1))
    found = _answer_left_out(grams, labels[order], known, settings)
    if found is not None:
        logits[order] = found
    return logits


def _count(
    documents: tf.RaggedTensor, vocab_size: int, vectors: GramVectors | None
) -> tuple[Grams, KnownGrams | None]:
    """Words and pairs, those that vectors are known of among them; and the vectors."""
    if vectors is None:
        return count_grams(documents, vocab_size), None
    if len(vectors.words) != vocab_size:
        raise ValueError(f"vectors must be of {vocab_size} words, got {len(vectors.words)}")
    grams = count_grams(documents, vocab_size, pairs=vectors.keys)
    return grams, KnownGrams.of(vectors.directions(), grams)


def _answer_left_out(
    grams: Grams, labels: np.ndarray, known: KnownGrams | None, settings: TfidfSettings
) -> np.ndarray | None:
    """Logits of texts that were left out; None where settings leave no word of the others."""
    enough = True

    def answer(used: np.ndarray, left_out: np.ndarray) -> np.ndarray:
        nonlocal enough
        fitted = fit_regression(
            grams.take_texts(used), labels[used], known, settings, max_iter=300, tol=1e-4
        )
        enough &= fitted is not None
        if fitted is None:
            return np.zeros((len(left_out), labels.max() + 1))
        return fitted.logits(grams.take_texts(left_out))

    logits = answer_left_out(answer, labels)
    return logits if enough else None


def _as_keras(fitted: Fitted, vocab_size: int, num_classes: int) -> TfidfClassifier:
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
