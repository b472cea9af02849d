"""Vectors of words and pairs from the documents they come in: latent semantic analysis, in seconds.

Words of the same topics and of the same opinion have like vectors. So a classifier that has seen a
few labelled texts can tell from them what words mean that these do not have.
"""

import numpy as np
import tensorflow as tf

from tfast import arguments
from tfast.text.documents import check_documents
from tfast.text.gram_counts import TooFewWordsError, count_grams
from tfast.text.gram_vectors import GramVectors, pairs_of_keys


def topic_vectors(
    documents: tf.RaggedTensor,
    *,
    vocab_size: int,
    size: int = 256,
    min_texts: int = 15,
    seed: int = 0,
) -> GramVectors:
    """The directions of words, and of pairs of neighbours, in the space of the strongest topics.

    TF-IDF with logarithmic counts is factorized by a truncated singular value decomposition. What
    is kept of a word is its direction alone: how long its vector is says how frequent it is.

    Args:
        documents: int32 ragged token ids `(documents, None)`; some thousand, of up to some
            hundred words.
        vocab_size: number of different token ids.
        size: numbers for a word, at most; fewer where there are not so many words or documents.
        min_texts: documents that have a pair, at least; words are known from one on.
        seed: of the factorization.

    Returns:
        A `GramVectors`, float32, rows of length 1. Words that no document has, and the special
        tokens, have the mean of all others.

    Raises:
        ValueError: a size is below 1.
        TooFewWordsError: a ValueError too; the documents have fewer than two words.

    Source: Deerwester et al. 1990, Indexing by Latent Semantic Analysis; scikit-learn 1.9.1
    `TfidfTransformer`, `randomized_svd`.

    Examples:
        >>> rows = [[2, 9, 10], [2, 9, 11, 10], [2, 12, 13], [2, 13, 12, 11]]
        >>> documents = tf.ragged.constant(rows, dtype="int32")
        >>> vectors = topic_vectors(documents, vocab_size=14, size=2).words
        >>> bool(vectors[9] @ vectors[10] > 0.9 > 0.5 > vectors[9] @ vectors[12])
        True
    """
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits

    documents = check_documents(documents)
    vocab_size = arguments.whole_number("vocab_size", vocab_size)
    size = arguments.whole_number("size", size)
    min_texts = arguments.whole_number("min_texts", min_texts)
    grams = count_grams(documents, vocab_size)
    words = grams.frequent(1)
    words = words[words < grams.num_words]
    if len(words) < 2:
        raise TooFewWordsError(f"documents must have two words or more, got {len(words)}")
    pairs = grams.frequent(min_texts)
    pairs = pairs[pairs >= grams.num_words]
    columns = np.concatenate([words, pairs])
    counts = grams.counts[:, columns].astype("float32")
    features = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    with threadpool_limits(1):  # two threads give other last digits than one
        _, _, topics = randomized_svd(
            features, min(size, *features.shape), n_iter=4, random_state=seed
        )
    rows = topics.T / np.maximum(np.linalg.norm(topics.T, axis=-1, keepdims=True), 1e-6)
    vectors = np.tile(rows.mean(axis=0), (vocab_size, 1))
    vectors[grams.keys[words]] = rows[: len(words)]
    return GramVectors(
        vectors.astype("float32"),
        pairs_of_keys(grams.keys[pairs], vocab_size),
        rows[len(words) :].astype("float32"),
    )
