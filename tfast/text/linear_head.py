"""Logistic regression as the head of a text classifier, whose encoder stays as it is.

A few hundred labels are not enough to train millions of weights. The mean output of a language
model that has read far more says as much about a text, in seconds; and as each text can be left
out once, all of them judge what was learned, not a tenth.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfast.text.documents import check_documents
from tfast.text.logistic_regression import (
    answer_left_out,
    best_likelihood,
    can_be_left_out,
    check_label_ids,
    regress,
    stratified_order,
)
from tfast.text.models.classifier import TextClassifier
from tfast.text.prediction import predict_documents
from tfast.training.batch_norm import EPSILON, BatchNorm

# What is tried for scikit-learn's `C`. The first is for texts too few to compare on.
STRENGTHS = (1.0, 0.1, 0.3, 3.0, 10.0, 30.0, 100.0)


class LinearHead(NamedTuple):
    """What `fit_linear_head` found.

    Attributes:
        strength: scikit-learn's `C`: the larger, the less are coefficients held near 0.
        left_out: logits `(documents, classes)`, float64, of each document by a regression that was
            not fitted to it; 0 of the only document of a class.
    """

    strength: float
    left_out: np.ndarray


def fit_linear_head(
    model: TextClassifier,
    documents: tf.RaggedTensor,
    label_ids: Sequence[int] | np.ndarray,
    *,
    batch_size: int = 32,
    reverse: bool = False,
    seed: int = 0,
    show_progress: bool = False,
) -> LinearHead:
    """Sets the head of a classifier to a logistic regression on the mean outputs of its encoder.

    How closely its coefficients are held near 0 is chosen by the likelihood of documents that were
    left out. The head computes the regression itself, in two dense layers: each class has two
    units, of which one passes what is above 0 and the other what is below. Further units stay
    without effect, and no gradient reaches them.

    Args:
        model: a `TextClassifier` whose `head_size` is at least twice its classes. Its encoder is
            left as it is.
        documents: int32 ragged token ids `(documents, None)`.
        label_ids: integers `(documents,)` from 0 to `num_classes - 1`, each at least once.
        batch_size: documents that are read at a time.
        reverse: whether the model reads backwards.
        seed: of the five parts, of which each is left out once.
        show_progress: whether to show progress of the reading.

    Returns:
        A `LinearHead`.

    Raises:
        ValueError: documents of another kind, labels that do not fit, or too small a head.

    Examples:
        >>> model = TextClassifier(50, 2, embed_size=4, hidden_size=6, num_layers=1)
        >>> documents = tf.ragged.constant([[2, 9], [2, 30, 30], [2, 9], [2, 30]], dtype="int32")
        >>> found = fit_linear_head(model, documents, [0, 1, 0, 1])
        >>> found.strength in STRENGTHS, found.left_out.shape
        (True, (4, 2))

    Source: Alain and Bengio 2016, Understanding intermediate layers using linear classifier probes.
    """
    documents, num_classes = check_documents(documents), model.settings["num_classes"]
    labels = check_label_ids(label_ids, documents.shape[0], num_classes)
    if model.settings["head_size"] < 2 * num_classes:
        raise ValueError(
            f"head_size must be at least {2 * num_classes} for {num_classes} classes, got "
            f"{model.settings['head_size']}"
        )
    pooled = predict_documents(
        model.pool, documents, batch_size=batch_size, reverse=reverse, show_progress=show_progress
    ).astype("float64")
    outputs = _mean_outputs(model, pooled)
    strength, left_out = _cross_validate(outputs, labels, seed)
    _set_head(model, pooled, _Regression.fit(outputs, labels, strength))
    return LinearHead(strength, left_out)


def _mean_outputs(model: TextClassifier, pooled: np.ndarray) -> np.ndarray:
    """The last third: see `concat_pooling`."""
    return pooled[:, -model.encoder.settings["embed_size"] :]


class _Regression(NamedTuple):
    """Of outputs that are normalized as the head's first layer does it."""

    mean: np.ndarray
    variance: np.ndarray
    slopes: np.ndarray
    intercept: np.ndarray

    @classmethod
    def fit(cls, outputs: np.ndarray, labels: np.ndarray, strength: float) -> "_Regression":
        mean, variance = outputs.mean(axis=0), outputs.var(axis=0)
        # As long as features of TF-IDF, however many there are.
        scale = outputs.shape[1] ** -0.5
        inputs = (outputs - mean) / np.sqrt(variance + EPSILON) * scale
        slopes, intercept = regress(inputs, labels, C=strength, max_iter=500, tol=1e-4)
        return cls(mean, variance, slopes * scale, intercept)

    def logits(self, outputs: np.ndarray) -> np.ndarray:
        normal = (outputs - self.mean) / np.sqrt(self.variance + EPSILON)
        return normal @ self.slopes + self.intercept


def _cross_validate(outputs: np.ndarray, labels: np.ndarray, seed: int) -> tuple[float, np.ndarray]:
    """The best of `STRENGTHS`, and what it says to texts that were left out."""
    if not can_be_left_out(labels).any():
        return STRENGTHS[0], np.zeros((len(labels), labels.max() + 1))
    order = stratified_order(labels, seed=seed)
    outputs, labels = outputs[order], labels[order]
    judged = can_be_left_out(labels)

    def answer_with(strength: float) -> np.ndarray:
        def answer(used: np.ndarray, left_out: np.ndarray) -> np.ndarray:
            return _Regression.fit(outputs[used], labels[used], strength).logits(outputs[left_out])

        return answer_left_out(answer, labels)

    answers = {strength: answer_with(strength) for strength in STRENGTHS}
    best = max(
        answers, key=lambda strength: best_likelihood(answers[strength][judged], labels[judged])
    )
    left_out = np.empty_like(answers[best])
    left_out[order] = answers[best]
    return best, left_out


def _set_head(model: TextClassifier, pooled: np.ndarray, fitted: _Regression) -> None:
    """The regression as weights: norm, rectified dense layer, norm, dense layer.

    The norms know what comes to them from these documents, as if they had been trained.
    """
    first_norm, first_dense, second_norm, second_dense = (
        layer for layer in model.head if layer.weights
    )
    size, classes = fitted.slopes.shape
    kernel = np.zeros(first_dense.kernel.shape)
    kernel[-size:, :classes], kernel[-size:, classes : 2 * classes] = fitted.slopes, -fitted.slopes
    passed = np.zeros(second_dense.kernel.shape)
    passed[:classes], passed[classes : 2 * classes] = np.eye(classes), -np.eye(classes)
    _set_norm(first_norm, pooled)
    first_dense.set_weights([kernel])
    normal = (pooled - pooled.mean(axis=0)) / np.sqrt(pooled.var(axis=0) + EPSILON)
    units = np.maximum(normal @ kernel, 0)
    _set_norm(second_norm, units)
    # It leaves the units as they are, and adds the intercepts to those of what is above 0.
    second_norm.gamma.assign(np.sqrt(units.var(axis=0) + EPSILON))
    intercept = np.zeros(len(passed))
    intercept[:classes] = fitted.intercept
    second_norm.beta.assign(units.mean(axis=0) + intercept)
    second_dense.set_weights([passed])


def _set_norm(norm: BatchNorm, inputs: np.ndarray) -> None:
    norm.moving_mean.assign(inputs.mean(axis=0))
    norm.moving_variance.assign(inputs.var(axis=0))
    norm.gamma.assign(np.ones(inputs.shape[1]))
    norm.beta.assign(np.zeros(inputs.shape[1]))
