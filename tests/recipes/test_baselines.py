import sys

from tfast.recipes.baselines import tfidf_accuracy
from tfast.text.corpora import Texts


def test_words_that_tell_the_label_are_learned():
    train = Texts(["so good", "good fun", "so bad", "bad end"], ["+", "+", "-", "-"])
    assert tfidf_accuracy(train, Texts(["good", "bad", "good"], ["+", "-", "-"])) == 2 / 3


def test_it_says_why_it_has_no_answer(capsys):
    wordless = Texts(["?", "!"], ["a", "b"])
    assert tfidf_accuracy(wordless, wordless) is None
    assert "TF-IDF is left out: empty vocabulary" in capsys.readouterr().out


def test_it_is_left_out_without_scikit_learn(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    texts = Texts(["a", "b"], ["a", "b"])
    assert tfidf_accuracy(texts, texts) is None
    assert "pip install scikit-learn" in capsys.readouterr().out
