import pytest

from tfast.recipes.language_model_start import TextStart, read_language_models
from tfast.text import LanguageModel, TextClassifier, Vocabulary
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.tokenization.tokenizer_files import save_tokenizer

SIZES = {"embed_size": 2, "hidden_size": 2, "num_layers": 1}


@pytest.fixture
def folder(tmp_path):
    Vocabulary([*SPECIAL_TOKENS, "a"]).save(tmp_path / "vocabulary.txt")
    save_tokenizer(TextTokenizer(add_end=True), tmp_path)
    LanguageModel(10, **SIZES).save(tmp_path / "language_model.keras")
    return tmp_path


def test_models_come_with_words_tokenizer_and_hashes(folder):
    LanguageModel(10, **SIZES).save(folder / "backward_language_model.keras")
    names = {
        False: folder / "language_model.keras",
        True: folder / "backward_language_model.keras",
    }
    start = read_language_models(names, download=False)
    assert set(start.models) == {False, True}
    assert start.vocabulary.words[-1] == "a"
    assert start.tokenizer.add_end
    assert not start.has_pieces
    assert [sorted(files) for files in start.settings()["pretrained_files"]] == [
        ["language_model.keras", "text_tokenizer.json", "vocabulary.txt"],
        ["backward_language_model.keras", "text_tokenizer.json", "vocabulary.txt"],
    ]


def test_a_new_model_has_no_settings_of_files():
    assert TextStart().settings() == {}


def test_another_model_or_direction_is_refused(folder):
    TextClassifier(10, 2, **SIZES).save(folder / "classifier.keras")
    with pytest.raises(ValueError, match="must be a LanguageModel, got a TextClassifier: "):
        read_language_models({False: folder / "classifier.keras"}, download=False)
    with pytest.raises(ValueError, match="must be a backward model here, got a forward one"):
        read_language_models({True: folder / "language_model.keras"}, download=False)
