"""The simple baseline beside ULMFiT: word counts and logistic regression, in seconds."""

from tfast.text.corpora import Texts


def tfidf_accuracy(train: Texts, test: Texts) -> float | None:
    """Fraction of the test texts that TF-IDF with logistic regression classifies correctly.

    Words and pairs of words that two texts have, logarithmic counts; otherwise scikit-learn's
    defaults, but C=10, which is about right where there are many features of small weight.

    Args:
        train: labelled texts.
        test: labelled texts.

    Returns:
        The fraction; or None, with a printed line that says why: scikit-learn is not installed,
        or it can do nothing with these texts (there is no word in them, say).

    Examples:
        >>> train = Texts(["good film", "bad film", "so good", "so bad"], ["+", "-", "+", "-"])
        >>> tfidf_accuracy(train, Texts(["good", "bad"], ["+", "-"]))
        1.0
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
    except ImportError:
        print("TF-IDF is left out: pip install scikit-learn")
        return None
    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=min(2, len(train))),
        LogisticRegression(C=10.0, max_iter=1000),
    )
    try:
        model.fit(train.texts, train.labels)
    except ValueError as error:
        print(f"TF-IDF is left out: {error}")
        return None
    return float(model.score(test.texts, test.labels))
