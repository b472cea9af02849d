"""TF-IDF with logistic regression by scikit-learn, from counts to coefficients."""

import warnings
from typing import Any, NamedTuple

import numpy as np

from tfast.text.gram_counts import Grams
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS


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


def directions(vectors: np.ndarray, vocab_size: int) -> np.ndarray:
    """The vectors of words, without what is common to all, at most 1 long: `(vocab_size, size)`.

    Shorter ones are words that have been given the mean, because nothing is known of them. Those of
    special tokens, which are no words, are 0.
    """
    vectors = np.asarray(vectors, "float64")
    if vectors.ndim != 2 or len(vectors) != vocab_size or not np.isfinite(vectors).all():
        raise ValueError(
            f"vectors must be finite numbers ({vocab_size}, size), got {vectors.shape}"
        )
    found = np.zeros_like(vectors)
    words = vectors[len(SPECIAL_TOKENS) :]
    words = words - words.mean(axis=0)
    lengths = np.sqrt((words**2).sum(axis=-1, keepdims=True))
    found[len(SPECIAL_TOKENS) :] = words / np.maximum(lengths, max(np.median(lengths) / 10, 1e-6))
    return found


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
    vectors: np.ndarray | None,
    settings: TfidfSettings,
    **options: Any,
) -> Fitted | None:
    """Fits, or gives None where no word is in enough texts. The vectors are `directions`."""
    import scipy.sparse
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    columns = grams.frequent(min(settings.min_texts, len(labels)))
    if not len(columns):
        return None
    words = None
    if vectors is not None and settings.similarity > 0:
        words = vectors[len(SPECIAL_TOKENS) :]
        # Those that came in no text are features too.
        columns = np.union1d(np.arange(grams.num_words), columns)
    transformer = TfidfTransformer(sublinear_tf=True)
    inputs = features = transformer.fit_transform(grams.counts[:, columns])
    if words is not None:
        means = features[:, : grams.num_words] @ words
        scale = settings.similarity / max(np.sqrt((means**2).sum(axis=-1).mean()), 1e-12)
        words = words * scale
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
    if words is not None:
        of_features[: len(words)] += words @ of_means
    return Fitted(transformer, columns, grams.keys[columns], of_features, intercept)
