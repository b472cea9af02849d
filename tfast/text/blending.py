"""How much to trust each of two classifiers, by texts that neither has learned from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

# What is tried. A few dozen texts say little about either number.
_WEIGHTS = np.linspace(0, 1, 51)
_SHARPNESSES = 2 ** np.linspace(-3, 3, 25)
# How far from 1 sharpnesses are expected to be: a standard deviation of the logarithm.
_SPREAD = np.log(2)


class Blend(NamedTuple):
    """Arguments of a `BlendedClassifier`.

    Attributes:
        weight: of the first classifier.
        sharpness: what the logarithms are multiplied by.
    """

    weight: float
    sharpness: float


def fit_blend(first: ArrayLike, second: ArrayLike, label_ids: Sequence[int]) -> Blend:
    """The weight of the first classifier, and the sharpness, by likelihood.

    Of all weights from 0 to 1 the mean is taken, each counted by how likely it makes the labels
    (with the sharpness that suits it; a prior holds that near 1). So many texts decide alone, and
    few leave the weight near a half: where they cannot tell which is better, both count.

    Args:
        first: logits or logarithms of probabilities `(texts, classes)`.
        second: the same of the other classifier.
        label_ids: integers `(texts,)`, the right classes.

    Returns:
        A `Blend`, its weight a multiple of 0.02.

    Raises:
        ValueError: the shapes do not fit, or there is no text.

    Examples:
        >>> right, wrong = [[2.0, 0.0], [0.0, 2.0]], [[0.0, 2.0], [2.0, 0.0]]
        >>> fit_blend(right * 99, wrong * 99, [0, 1] * 99).weight
        1.0
    """
    labels = np.asarray(label_ids)
    logarithms = [_log_softmax(np.asarray(some, "float64")) for some in (first, second)]
    shapes = [some.shape for some in logarithms]
    if shapes[0] != shapes[1] or len(shapes[0]) != 2 or labels.shape != shapes[0][:1]:
        raise ValueError(
            f"first and second must be (texts, classes) for {labels.size} labels, got {shapes}"
        )
    if not labels.size:
        raise ValueError("label_ids must be one or more, got none")
    prior = -0.5 * (np.log(_SHARPNESSES) / _SPREAD) ** 2
    # (weights, sharpnesses): the logarithm of the posterior, up to a number.
    scores = np.stack([_likelihoods(*logarithms, labels, weight) + prior for weight in _WEIGHTS])
    posterior = np.exp(scores - scores.max()).sum(axis=1)
    mean = float(posterior @ _WEIGHTS / posterior.sum())
    nearest = int(np.abs(_WEIGHTS - mean).argmin())
    return Blend(round(float(_WEIGHTS[nearest]), 2), float(_SHARPNESSES[scores[nearest].argmax()]))


def _likelihoods(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray, weight: float
) -> np.ndarray:
    """The logarithms of the labels' likelihood with each sharpness, `(sharpnesses,)`."""
    mixed = weight * first + (1 - weight) * second
    right = np.arange(len(labels)), labels
    return np.array([_log_softmax(s * mixed)[right].sum() for s in _SHARPNESSES])


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
