"""How much to trust each of two classifiers, by texts that neither has learned from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tfast.text.logistic_regression import log_softmax

# The factors that are tried, evenly by their logarithms. A fine-tuned network is often far too sure
# of itself, a logistic regression whose coefficients are held near 0 rather not sure enough.
_FIRST_FACTORS = np.concatenate([[0.0], 2.0 ** np.arange(-6, 1.5, 0.5)])
_SECOND_FACTORS = np.concatenate([[0.0], 2.0 ** np.arange(-3, 2.5, 0.5)])
# Where n texts judge it, a weight of n / 500 is at first taken to be 1/e as likely as none.
_TEXTS_OF_A_WEIGHT = 500


class Blend(NamedTuple):
    """Arguments of a `BlendedClassifier`.

    Attributes:
        weight: of the first classifier.
        sharpness: what the logarithms are multiplied by.
    """

    weight: float
    sharpness: float


def fit_blend(first: ArrayLike, second: ArrayLike, label_ids: Sequence[int] | np.ndarray) -> Blend:
    """The weight of the first classifier, and the sharpness, by likelihood.

    Each classifier's logarithms get a factor of their own. Many are tried, and of each the mean is
    taken, counted by how likely it makes the labels: where many texts say which factors are good,
    it is those; where few cannot, chance does not decide. The weight is the part that the first
    factor has of both, the sharpness their sum.

    With n texts the prior of the first classifier's weight w is exp(-500 w / n): few texts to
    judge by mean few to learn from, and chance may flatter a network that has learned little.

    Args:
        first: logits or logarithms of probabilities `(texts, classes)`, of a network.
        second: the same of a `TfidfClassifier`.
        label_ids: integers `(texts,)`, the right classes.

    Returns:
        A `Blend`, its weight a multiple of 0.01.

    Raises:
        ValueError: the shapes do not fit, or there is no text.

    Examples:
        >>> right, wrong = [[2.0, 0.0], [0.0, 2.0]], [[0.0, 2.0], [2.0, 0.0]]
        >>> fit_blend(right * 99, wrong * 99, [0, 1] * 99).weight
        0.96
    """
    labels = np.asarray(label_ids)
    logarithms = [log_softmax(np.asarray(some, "float64")) for some in (first, second)]
    shapes = [some.shape for some in logarithms]
    if shapes[0] != shapes[1] or len(shapes[0]) != 2 or labels.shape != shapes[0][:1]:
        raise ValueError(
            f"first and second must be (texts, classes) for {labels.size} labels, got {shapes}"
        )
    if not labels.size:
        raise ValueError("label_ids must be one or more, got none")
    right = np.arange(len(labels)), labels
    # (first factors, second factors): the logarithms of the likelihood.
    scores = np.array(
        [
            [
                log_softmax(a * logarithms[0] + b * logarithms[1])[right].sum()
                for b in _SECOND_FACTORS
            ]
            for a in _FIRST_FACTORS
        ]
    )
    scores[0, 0] = -np.inf  # the best where both are worse than chance, but no blend
    sums = _FIRST_FACTORS[:, None] + _SECOND_FACTORS
    weights = _FIRST_FACTORS[:, None] / np.where(sums > 0, sums, 1)
    scores -= _TEXTS_OF_A_WEIGHT / len(labels) * weights
    likelihoods = np.exp(scores - scores.max())
    likelihoods /= likelihoods.sum()
    first_factor = float(likelihoods.sum(axis=1) @ _FIRST_FACTORS)
    second_factor = float(likelihoods.sum(axis=0) @ _SECOND_FACTORS)
    sharpness = first_factor + second_factor
    return Blend(round(first_factor / sharpness, 2), round(sharpness, 3))
