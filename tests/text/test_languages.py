import pytest

from tfast.text.languages import english_share

ENGLISH = [
    "a gripping , well-acted piece that never finds the courage of its own anger",
    "Shares of the company fell by a tenth on Monday after it said that profits would be lower.",
    "Returns the mean of the values along an axis, or of all values if none is given.",
]
OTHERS = [
    "Il film è stato girato in tre settimane e la critica lo ha accolto con grande favore a Roma.",
    "Filmen er optaget på tre uger i en lille by, og den er blevet godt modtaget af kritikken.",
    "Die Aktien des Unternehmens fielen am Montag, als es seine Erwartungen in Asien senkte.",
    "La película es una de las mejores del año, a pesar de un final que no convence a nadie.",
    "De film is in drie weken gemaakt en was in het begin geen succes, maar dat is nu anders.",
    "Фильм был снят за три недели.",
]


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_known_by_its_function_words(text):
    assert english_share([text]) > 0.12


@pytest.mark.parametrize("text", OTHERS)
def test_other_languages_have_few_of_them(text):
    assert english_share([text]) < 0.06


def test_no_words_are_no_english():
    assert english_share([]) == english_share(["123 :-)"]) == 0
