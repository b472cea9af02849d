from small_data import TINY_TEXTS

from tfast.recipes import UlmfitRecipe
from tfast.recipes.ulmfit_documents import look_up_corpus, look_up_general_text
from tfast.recipes.ulmfit_start import TextStart
from tfast.text.corpora import Corpus, Texts
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

LABELLED = Texts(["a fine film", "a dull film", "a fine day"], ["good", "bad", "good"])
TESTED = Texts(["unseen"], ["good"])
CORPUS = Corpus(LABELLED, LABELLED, TESTED, Texts(["so dull", "so dull"]))
RECIPE = UlmfitRecipe(data="reviews.csv", **TINY_TEXTS)


def test_words_are_those_of_training_and_unlabelled_texts():
    vocabulary, documents = look_up_corpus(RECIPE, CORPUS, TextStart())
    assert {"fine", "dull", "day", "so"} <= set(vocabulary.words)
    assert "unseen" not in vocabulary.words
    sizes = {name: ids.nrows() for name, ids in documents.items()}
    assert sizes == {"train": 3, "valid": 3, "test": 1, "unlabelled": 2}


def test_words_of_a_pretrained_model_keep_their_ids():
    known = Vocabulary.from_counts({b"elsewhere": 2, b"film": 2})
    vocabulary, documents = look_up_corpus(RECIPE, CORPUS, TextStart(vocabulary=known))
    assert vocabulary.words[: len(known)] == known.words
    assert set(vocabulary.words) - set(known.words) >= {"a", "fine", "dull", "day", "so"}
    assert known.words.index("film") in documents["train"][0].numpy()


def test_general_text_has_a_vocabulary_of_its_own(tmp_path):
    path = tmp_path / "general.txt"
    path.write_text("\n\n".join(["It was a fine day, a long one."] * 40))
    recipe = UlmfitRecipe(data="reviews.csv", general_text=path, **TINY_TEXTS)
    vocabulary, documents = look_up_general_text(recipe, TextTokenizer())
    assert "long" in vocabulary.words
    assert {name: ids.nrows() for name, ids in documents.items()} == {
        "general": 38, "general valid": 2,
    }  # fmt: skip
