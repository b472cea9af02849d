import pytest

from tfast.pretrained.bundled import WEIGHTS
from tfast.text.languages import known_share
from tfast.text.vocabulary import read_words

WORDS = frozenset(read_words(WEIGHTS / "english" / "vocabulary.txt"))
ENGLISH = [
    "a gripping , well-acted piece that never finds the courage of its own anger",
    "Shares of the company fell by a tenth on Monday after it said that profits would be lower.",
    "Returns the mean of the values along an axis, or of all values if none is given.",
    # Hardly a sentence among them.
    "Real-time strategy game of ancient warfare. Spell checker and morphological analyzer. "
    "Image viewer with thumbnails. Network traffic monitor for terminals. Music player daemon.",
]
OTHERS = [
    "Il film è stato girato in tre settimane e la critica lo ha accolto con grande favore a Roma.",
    "Filmen er optaget på tre uger i en lille by, og den er blevet godt modtaget af kritikken.",
    "Die Aktien des Unternehmens fielen am Montag, als es seine Erwartungen in Asien senkte.",
    "La película es una de las mejores del año, a pesar de un final que no convence a nadie.",
    "De film is in drie weken gemaakt en was in het begin geen succes, maar dat is nu anders.",
    "Фильм был снят за три недели.",
    "Visualiseur d'images avec vignettes. Correcteur orthographique et analyseur morphologique. "
    "Jeu de stratégie en temps réel. Lecteur de musique. Moniteur du trafic réseau en terminal.",
]


@pytest.mark.parametrize("text", ENGLISH)
def test_most_words_of_english_texts_are_known(text):
    assert known_share([text], WORDS) > 0.7


@pytest.mark.parametrize("text", OTHERS)
def test_few_words_of_other_languages_are(text):
    assert known_share([text], WORDS) < 0.5


def test_without_words_nothing_is_known():
    assert known_share([], WORDS) == known_share(["123 :-)", "in a"], WORDS) == 0
