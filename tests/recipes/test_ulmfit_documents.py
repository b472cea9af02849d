import tensorflow as tf
from small_data import TINY_TEXTS

from tfast.recipes import UlmfitRecipe
from tfast.recipes.ulmfit_documents import digest_texts, look_up_corpus, look_up_general_text
from tfast.recipes.ulmfit_start import TextStart
from tfast.text.corpora import Corpus, Texts
from tfast.text.documents import look_up
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

LABELLED = Texts(["a fine film", "a dull film", "a fine day"], ["good", "bad", "good"])
TESTED = Texts(["unseen"], ["good"])
JUDGED = Texts(["a grand film"], ["good"])
CORPUS = Corpus(LABELLED, JUDGED, TESTED, Texts(["so dull", "so dull"]))
KNOWN = Vocabulary.from_counts({b"elsewhere": 2, b"film": 2})
RECIPE = UlmfitRecipe(data="reviews.csv", **TINY_TEXTS)


def test_words_are_those_of_all_texts_but_those_for_the_test():
    vocabulary, documents = look_up_corpus(RECIPE, CORPUS, TextStart())
    assert {"fine", "dull", "day", "so", "grand"} <= set(vocabulary.words)
    assert "unseen" not in vocabulary.words
    sizes = {name: ids.nrows() for name, ids in documents.items()}
    assert sizes == {"train": 3, "valid": 1, "test": 1, "unlabelled": 2}


def test_new_models_are_told_that_somebody_is_mentioned():
    texts = Texts(["thanks @jane", "thanks @joe"], ["good", "bad"])
    corpus = Corpus(texts, texts, TESTED, Texts([]))
    vocabulary, _ = look_up_corpus(UlmfitRecipe(data="a.csv"), corpus, TextStart())
    assert {"@", "jane", "joe"} <= set(vocabulary.words)


def test_a_word_that_occurs_once_is_a_word_too():
    recipe = UlmfitRecipe(data="reviews.csv")
    for start in (TextStart(), TextStart(vocabulary=KNOWN)):
        vocabulary, _ = look_up_corpus(recipe, CORPUS, start)
        assert {"day", "dull"} <= set(vocabulary.words)


def test_words_of_a_pretrained_model_keep_their_ids():
    vocabulary, documents = look_up_corpus(RECIPE, CORPUS, TextStart(vocabulary=KNOWN))
    assert vocabulary.words[: len(KNOWN)] == KNOWN.words
    assert set(vocabulary.words) - set(KNOWN.words) >= {"a", "fine", "dull", "day", "so"}
    assert KNOWN.words.index("film") in documents["train"][0].numpy()


def test_the_digest_tells_words_ids_labels_and_classes():
    def digest(labelled=LABELLED, words=KNOWN, test=TESTED):
        corpus = Corpus(labelled, labelled, test, Texts(["so dull"]))
        parts = {name: getattr(corpus, name).texts for name in ("train", "test", "unlabelled")}
        found = look_up(
            parts, counted=["train"], known=words, min_frequency=1, tokenizer=tf.strings.split
        )
        return digest_texts(corpus, *found)

    others = [
        {"labelled": Texts(["a fine film", "a dull film", "a fine way"], LABELLED.labels)},
        {"labelled": Texts(LABELLED.texts, ["good", "bad", "bad"])},
        {
            "labelled": Texts(LABELLED.texts, ["fine", "bad", "fine"]),
            "test": Texts(["unseen"], ["fine"]),
        },
        {"test": Texts(["unseen film"], ["good"])},
        {"words": Vocabulary.from_counts({b"nowhere": 2, b"film": 2})},
    ]
    digests = {digest(), *(digest(**other) for other in others)}
    assert digest() in digests
    assert len(digests) == 1 + len(others)


def test_general_text_has_a_vocabulary_of_its_own(tmp_path):
    path = tmp_path / "general.txt"
    path.write_text("\n\n".join(["It was a fine day, a long one."] * 40))
    recipe = UlmfitRecipe(data="reviews.csv", general_text=path, **TINY_TEXTS)
    vocabulary, documents = look_up_general_text(recipe, TextTokenizer())
    assert "long" in vocabulary.words
    assert {name: ids.nrows() for name, ids in documents.items()} == {
        "general": 38, "general valid": 2,
    }  # fmt: skip
