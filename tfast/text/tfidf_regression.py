"""TF-IDF with logistic regression by scikit-learn, from counts to coefficients."""

from typing import Any, NamedTuple

import numpy as np

from tfast.text.gram_counts import Grams
from tfast.text.gram_vectors import GramVectors
from tfast.text.logistic_regression import regress
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS


class TfidfSettings(NamedTuple):
    """What is to be chosen for a kind of texts.

    Attributes:
        min_texts: words and pairs that fewer texts have are left out.
        strength: scikit-learn's `C`: the larger, the less are coefficients held near 0.
        similarity: how long, beside the features of a text, which have length 1, the mean of its
            words' vectors is.
        ratio_power: how much less are coefficients held near 0 of what one class has more often
            than the others: its feature is multiplied by this power of the logarithm of the ratio
            of both frequencies.
        pair_weight: what features of pairs are multiplied by, beside those of words.
    """

    min_texts: int = 2
    strength: float = 10.0
    similarity: float = 0.0
    ratio_power: float = 0.0
    pair_weight: float = 1.0


class KnownGrams(NamedTuple):
    """What is known of words and pairs from elsewhere.

    Attributes:
        columns: of the grams, those that something is known of, growing.
        rows: float32 `(columns, size)`: their `GramVectors.directions`.
    """

    columns: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, directions: GramVectors, grams: Grams) -> "KnownGrams":
        """All words, and the known pairs, which must be among the grams."""
        keys = directions.keys
        order = np.argsort(keys)
        columns = np.concatenate(
            [np.arange(grams.num_words), np.searchsorted(grams.keys, keys[order])]
        )
        words = directions.words[len(SPECIAL_TOKENS) :]
        return cls(columns, np.concatenate([words, directions.pair_vectors[order]]))


class Fitted(NamedTuple):
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


def fit_regression(
    grams: Grams,
    labels: np.ndarray,
    known: KnownGrams | None,
    settings: TfidfSettings,
    **options: Any,
) -> Fitted | None:
    """Fits, or gives None where no word is in enough texts.

    Source: scikit-learn 1.9.1 `TfidfTransformer`, `LogisticRegression`; ratios: Wang and Manning
    2012, Baselines and Bigrams, where the power is 1.
    """
    import scipy.sparse
    from sklearn.feature_extraction.text import TfidfTransformer

    if settings.similarity == 0:
        known = None
    columns = grams.frequent(min(settings.min_texts, len(labels)))
    if not len(columns):
        return None
    if known is not None:  # those that came in no text are features too
        columns = np.union1d(known.columns, columns)
    transformer = TfidfTransformer(sublinear_tf=True).fit(grams.counts[:, columns])
    weights = np.where(columns < grams.num_words, 1.0, settings.pair_weight)
    transformer.idf_ = transformer.idf_ * weights
    features = transformer.transform(grams.counts[:, columns])
    came = np.unique(features.indices)
    scales = np.ones(len(came))
    if settings.ratio_power:
        scales = _ratios(features[:, came], labels) ** settings.ratio_power
        scales /= max(np.sqrt((scales**2).mean()), 1e-12)
    inputs = features[:, came] @ scipy.sparse.diags(scales)
    if known is not None:
        places = np.searchsorted(columns, known.columns)
        means = features[:, places].astype("float32") @ known.rows
        length = settings.similarity / max(np.sqrt((means**2).sum(axis=-1).mean()), 1e-12)
        inputs = scipy.sparse.hstack([inputs, scipy.sparse.csr_matrix(means * length)], "csr")
    slopes, intercept = regress(inputs, labels, C=settings.strength, **options)
    of_features = np.zeros((len(columns), slopes.shape[1]))
    of_features[came] = slopes[: len(came)] * scales[:, None]
    if known is not None:
        of_features[places] += known.rows @ (slopes[len(came) :] * length)
    return Fitted(transformer, columns, grams.keys[columns], of_features, intercept)


def _ratios(features: Any, labels: np.ndarray) -> np.ndarray:
    """How much more often, or less, the texts of a class have a feature than all others.

    The root mean square over the classes of the logarithms of the ratios; of every class and its
    others one text more counts as having the feature, and one as not.
    """
    is_class = labels == np.arange(labels.max() + 1)[:, None]
    counts = np.stack([(features > 0).T @ row.astype("float64") for row in is_class])
    sizes = is_class.sum(axis=1, keepdims=True)
    logarithms = np.log((counts + 1) / (sizes + 2)) - np.log(
        (counts.sum(axis=0) - counts + 1) / (len(labels) - sizes + 2)
    )
    return np.sqrt((logarithms**2).mean(axis=0))
