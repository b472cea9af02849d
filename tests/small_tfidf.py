"""Texts of a few hundred words, as ids, and TF-IDF of them as scikit-learn itself computes it."""

import itertools

import numpy as np
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tfast.text.models.tfidf import TfidfClassifier

VOCAB_SIZE = 60


def some_texts(count, num_classes, *, seed=0):
    """Ragged ids and labels: special tokens and unknown words among them, some words repeated."""
    random = np.random.RandomState(seed)
    labels = np.arange(count) % num_classes
    rows = []
    for label in labels:
        usual = random.randint(0, VOCAB_SIZE, random.randint(0, 30))
        of_class = random.randint(9 + 5 * label, 14 + 5 * label, random.randint(1, 6))
        rows.append([2, *random.permutation(np.concatenate([usual, of_class]))])
    return tf.ragged.constant(rows, dtype="int32"), labels


def grams(ids):
    """What scikit-learn's analyzer makes of a text: words, and pairs of words side by side."""
    words = [i for i in ids if i >= 9 or i == 0]
    pairs = itertools.pairwise(words)
    return [str(i) for i in words if i] + [f"{a} {b}" for a, b in pairs if a and b]


def scikit_learn(documents, labels, settings):
    """The pipeline, fitted to ragged ids."""
    texts = documents.to_list()
    vectorizer = TfidfVectorizer(analyzer=grams, sublinear_tf=True, min_df=settings.min_texts)
    vectorizer.fit(texts)
    is_pair = [" " in gram for gram in vectorizer.get_feature_names_out()]
    vectorizer.idf_ = vectorizer.idf_ * np.where(is_pair, settings.pair_weight, 1)
    regression = LogisticRegression(C=settings.strength, max_iter=1000, tol=1e-8)
    regression.fit(vectorizer.transform(texts), labels)
    return make_pipeline(vectorizer, regression)


def as_keras(pipeline, num_classes):
    """A fitted pipeline as a `TfidfClassifier`, gram by gram."""
    vectorizer, regression = pipeline[0], pipeline[1]
    features = {tuple(map(int, k.split())): i for k, i in vectorizer.vocabulary_.items()}
    pairs = sorted(gram for gram in features if len(gram) == 2)
    model = TfidfClassifier(VOCAB_SIZE, num_classes, len(pairs))
    tables = {name: np.zeros_like(table) for name, table in model.tables().items()}
    tables["second_words"][: len(pairs)] = [second for _, second in pairs]
    firsts = [first for first, _ in pairs]
    tables["pair_starts"][:] = np.searchsorted(firsts, np.arange(VOCAB_SIZE + 1))
    slopes, intercept = regression.coef_.T, regression.intercept_
    if num_classes == 2:
        slopes, intercept = slopes * [[0, 1]], intercept * [0, 1]
    for gram, column in features.items():
        row = gram[0] if len(gram) == 1 else VOCAB_SIZE + pairs.index(gram)
        tables["idf"][row] = vectorizer.idf_[column]
        tables["coefficients"][row] = slopes[column]
    tables["intercept"][:] = intercept
    model.set_weights([tables[weight.name] for weight in model.weights])
    return model


def hard_texts():
    """Ragged ids: no word, no known word, one word alone, one word often, and usual ones."""
    usual, _ = some_texts(20, 3, seed=1)
    odd = [[2], [2, 0, 0], [9], [2, 9, 9, 9, 9], [2, 8, 9, 7, 10, 0, 11], [1, 3, 5]]
    return tf.ragged.constant(odd + usual.to_list(), dtype="int32")
