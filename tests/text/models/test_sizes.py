import keras
import pytest

from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.models.sizes import num_classes, vocabulary_size
from tfast.text.models.tfidf import TfidfClassifier

SIZES = {"embed_size": 4, "hidden_size": 6, "num_layers": 1}


def classifier():
    return TextClassifier(12, 3, **SIZES)


@pytest.mark.parametrize(
    "make",
    [
        classifier,
        lambda: ForwardBackwardClassifier(classifier(), classifier()),
        lambda: TfidfClassifier(12, 3, 2),
        lambda: BlendedClassifier(classifier(), TfidfClassifier(12, 3, 2), weight=0.5),
    ],
)
def test_classifiers_of_every_kind_tell_their_words_and_classes(make):
    model = make()
    assert (vocabulary_size(model), num_classes(model)) == (12, 3)


def test_other_models_tell_what_they_have():
    assert vocabulary_size(LanguageModel(12, **SIZES)) == 12
    assert vocabulary_size(keras.Sequential()) is None
