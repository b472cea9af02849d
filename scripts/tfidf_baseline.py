"""The simple rival: word counts and logistic regression, in seconds."""


def tfidf_accuracy(train, test):
    """Share of the test texts that TF-IDF with logistic regression labels right.

    Words and pairs of words that two texts have, logarithmic counts; scikit-learn's defaults
    else, but C=10, which is about right where features are many and short of weight.

    Args:
        train: `text_data.Texts`.
        test: `text_data.Texts`.

    Returns:
        A float; or None, with a line that says why: scikit-learn is not installed, or it cannot
        do anything with these texts (without a word, say).
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
    except ImportError:
        print("TF-IDF is left out: pip install 'tfast[demo]'")
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
