"""Logistic regression by scikit-learn, and what it says to texts that were left out of it."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

# Parts that texts are split into; fewer where a class has not so many texts.
_NUM_PARTS = 5


def regress(inputs: Any, labels: np.ndarray, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Fits a logistic regression.

    Args:
        inputs: dense or sparse features `(texts, features)`.
        labels: integers `(texts,)` from 0, each at least once.
        **options: of scikit-learn's `LogisticRegression`.

    Returns:
        Slopes `(features, classes)` and intercepts `(classes,)`, of the logits of all classes.

    Raises:
        ImportError: scikit-learn is not installed.

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


def number_of_parts(labels: np.ndarray) -> int:
    """How many parts cross-validation has: five, or as many as the smallest class has texts.

    Args:
        labels: integers `(texts,)` from 0.

    Examples:
        >>> number_of_parts(np.array([0, 1, 0, 1, 0]))
        2
    """
    return min(_NUM_PARTS, int(np.bincount(labels).min()))


def answer_left_out(
    answer: Callable[[np.ndarray, np.ndarray], np.ndarray], labels: np.ndarray
) -> np.ndarray:
    """What classifiers say to the texts that each was not fitted to.

    Args:
        answer: given the numbers of the texts to fit to and of those to answer, their logits
            `(texts to answer, classes)`.
        labels: integers `(texts,)` from 0, in a `stratified_order`, each at least twice.

    Returns:
        Logits `(texts, classes)`, float64.

    Raises:
        ValueError: a class has one text alone.

    Examples:
        >>> labels = np.array([0, 0, 1, 1])
        >>> answer_left_out(lambda fitted, left_out: np.eye(2)[labels[fitted]], labels).tolist()
        [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    """
    num_parts = number_of_parts(labels)
    if num_parts < 2:
        raise ValueError("labels must have each class twice or more, got one of a single text")
    parts = np.arange(len(labels)) % num_parts
    logits = np.zeros((len(labels), labels.max() + 1))
    for part in range(num_parts):
        left_out = np.flatnonzero(parts == part)
        logits[left_out] = answer(np.flatnonzero(parts != part), left_out)
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
    found = []
    for sharpness in 2.0 ** np.arange(-2, 5):
        logarithms = logits * sharpness
        logarithms -= logarithms.max(axis=-1, keepdims=True)
        logarithms -= np.log(np.exp(logarithms).sum(axis=-1, keepdims=True))
        found.append(logarithms[np.arange(len(labels)), labels].mean())
    return float(max(found))
