"""Logistic regression by scikit-learn, and what it says to texts that were left out of it."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

# Parts that texts are split into.
NUM_PARTS = 5


def regress(inputs: Any, labels: np.ndarray, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Fits a logistic regression.

    Args:
        inputs: dense or sparse features `(texts, features)`.
        labels: integers `(texts,)` from 0, each at least once.
        **options: of scikit-learn's `LogisticRegression`.

    Returns:
        Slopes `(features, classes)` and intercepts `(classes,)`, of the logits of all classes.

    Examples:
        >>> slopes, intercept = regress(np.array([[-1.0], [1.0]]), np.array([0, 1]))
        >>> slopes.shape, intercept.shape
        ((1, 2), (2,))
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    regression = LogisticRegression(**({"max_iter": 1000, "tol": 1e-5} | options))
    # Threads gain nothing at this size, and where others compute they wait for each other.
    with warnings.catch_warnings(), threadpool_limits(1):
        # What it has by then is as good for all that it is used for.
        warnings.filterwarnings("ignore", "lbfgs failed to converge")
        regression.fit(inputs, labels)
    slopes, intercept = regression.coef_.T, regression.intercept_
    if slopes.shape[1] == 1:  # scikit-learn has the logit of the second of two classes alone
        slopes, intercept = slopes * np.array([[-0.5, 0.5]]), intercept * np.array([-0.5, 0.5])
    return slopes, intercept


def check_label_ids(label_ids: Any, num_texts: int, num_classes: int) -> np.ndarray:
    """The labels as an array.

    Args:
        label_ids: what should be integers `(num_texts,)`, each of 0 to `num_classes - 1` at least
            once.
        num_texts: how many texts there are.
        num_classes: how many classes there are.

    Raises:
        ValueError: they are not.

    Examples:
        >>> check_label_ids([0, 1, 1], 3, 2).tolist()
        [0, 1, 1]
    """
    labels = np.asarray(label_ids)
    is_right = labels.shape == (num_texts,) and labels.dtype.kind in "iu"
    if not is_right or set(labels.tolist()) != set(range(num_classes)):
        raise ValueError(
            f"label_ids must be {num_texts} integers, each of 0 to {num_classes - 1} at least once,"
            f" got {labels.size} of {labels.dtype}: {sorted(set(labels.ravel().tolist()))[:10]}"
        )
    return labels


def stratified_order(labels: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """A random order, class by class: every n-th text of it is a sample with all classes.

    Args:
        labels: integers `(texts,)` from 0.
        seed: of the order.

    Returns:
        The texts' numbers `(texts,)`.

    Examples:
        >>> labels = np.array([1, 0, 1, 0])
        >>> labels[stratified_order(labels)].tolist()
        [0, 0, 1, 1]
    """
    order = np.random.RandomState(seed).permutation(len(labels))
    return order[np.argsort(labels[order], kind="stable")]


def can_be_left_out(labels: np.ndarray) -> np.ndarray:
    """Which texts cross-validation can leave out: all but the only ones of their class.

    Where fewer than two classes have others there are none: texts of one class alone judge nothing.

    Args:
        labels: integers `(texts,)` from 0.

    Returns:
        Booleans `(texts,)`.

    Examples:
        >>> can_be_left_out(np.array([0, 1, 0, 2, 2])).tolist()
        [True, False, True, True, True]
    """
    has_others = np.bincount(labels) > 1
    return has_others[labels] & (has_others.sum() > 1)


def answer_left_out(
    answer: Callable[[np.ndarray, np.ndarray], np.ndarray], labels: np.ndarray
) -> np.ndarray:
    """Cross-validation: what classifiers say to the texts that each was not fitted to.

    There are five parts, of fewer texts one for each. A class of a few texts has them in different
    parts, so that all classifiers know all classes; the only text of a class is in none.

    Args:
        answer: given the numbers of the texts to fit to and of those to answer, their logits
            `(texts to answer, classes)`.
        labels: integers `(texts,)` from 0, in a `stratified_order`.

    Returns:
        Logits `(texts, classes)`, float64; 0 of a text that cannot be left out.

    Examples:
        >>> labels = np.array([0, 0, 1, 1])
        >>> answer_left_out(lambda fitted, left_out: np.eye(2)[labels[left_out]], labels).tolist()
        [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    """
    logits = np.zeros((len(labels), labels.max() + 1))
    numbers = np.flatnonzero(can_be_left_out(labels))
    for part in range(min(NUM_PARTS, len(numbers))):
        left_out = numbers[part::NUM_PARTS]
        logits[left_out] = answer(np.setdiff1d(np.arange(len(labels)), left_out), left_out)
    return logits


def best_likelihood(logits: np.ndarray, labels: np.ndarray) -> float:
    """The mean logarithm of the probabilities of the right classes, at the best sharpness.

    Coefficients that are held near 0 are right more often than they are sure.

    Args:
        logits: `(texts, classes)`.
        labels: integers `(texts,)`, the right classes.

    Returns:
        A number of at most 0.

    Examples:
        >>> logits = np.array([[0.1, 0.0], [0.0, 0.1]])
        >>> best_likelihood(logits, np.array([0, 1])) > best_likelihood(logits, np.array([1, 1]))
        True
    """
    right = np.arange(len(labels)), labels
    return max(float(log_softmax(logits * 2.0**k)[right].mean()) for k in range(-2, 5))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """The logarithms of the probabilities, over the last axis.

    Examples:
        >>> np.exp(log_softmax(np.array([[800.0, 800.0]]))).tolist()
        [[0.5, 0.5]]
    """
    shifted = logits - logits.max(axis=-1, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
