"""The language model that is in the package."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tfast.pretrained import ENTRIES, load
from tfast.pretrained.bundled import WEIGHTS
from tfast.pretrained.checksums import sha256_of
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS

ENTRY = ENTRIES["tfast/english"]
FOLDER = WEIGHTS / "english"
# Written for this test.
SENTENCES = [
    "The river flows through the city and into the sea.",
    "He was born in London and studied at the University of Cambridge.",
    "The film was directed by an American and released in 1994.",
    "During the war many of the soldiers were killed in the battle.",
    "She won the first prize in the competition and became a member of the team.",
]


@pytest.fixture(scope="module")
def english():
    with pytest.MonkeyPatch.context() as patch:
        for package in ("tensorflow_text", "safetensors", "huggingface_hub"):
            patch.setitem(sys.modules, package, None)
        return load("tfast/english")


def perplexity(loaded, texts):
    token_ids = [row.numpy() for row in loaded.vocabulary.encode(loaded.tokenizer(texts))]
    losses = []
    for row in token_ids:
        inputs = {"token_ids": row[None, :-1], "starts_anew": np.ones(1, bool)}
        logits = np.asarray(loaded.model(inputs)["logits"])[0]
        chosen = logits[np.arange(len(row) - 1), row[1:]]
        losses.extend(np.log(np.exp(logits).sum(-1)) - chosen)
    return np.exp(np.mean(losses))


def test_the_files_are_those_that_are_recorded_and_small():
    assert {path.name for path in FOLDER.iterdir()} == set(ENTRY.files) == set(ENTRY.sha256)
    assert {name: sha256_of(FOLDER / name) for name in ENTRY.files} == ENTRY.sha256
    num_bytes = sum((FOLDER / name).stat().st_size for name in ENTRY.files)
    assert num_bytes == ENTRY.num_bytes <= 25_000_000


def test_it_is_loaded_without_a_download_or_an_optional_package(english):
    assert english.model.dtype_policy.name == "float32"
    assert english.model.num_candidates is None
    assert english.vocabulary.words[: len(SPECIAL_TOKENS)] == SPECIAL_TOKENS
    assert len(english.vocabulary) >= 20_000
    assert english.model.encoder.settings["vocab_size"] == len(english.vocabulary)


def test_it_knows_english(english):
    found = perplexity(english, SENTENCES)
    assert found < 60
    swapped = [" ".join(reversed(sentence.split())) for sentence in SENTENCES]
    assert perplexity(english, swapped) > 3 * found


@pytest.mark.parametrize(
    ("text", "likely", "unlikely"),
    [
        ("He was born in the city of", "the", "of"),
        ("She is one of the", "most", "is"),
        ("It will", "be", "was"),
        ("They have", "been", "be"),
    ],
)
def test_it_knows_which_word_follows(english, text, likely, unlikely):
    token_ids = english.vocabulary.encode(english.tokenizer([text])).to_tensor()
    logits = np.asarray(english.model.next_logits(token_ids)[0])[0]
    of_word = dict(zip(english.vocabulary.words, logits, strict=True))
    assert of_word[likely] > of_word[unlikely] + 3
    assert likely in sorted(of_word, key=of_word.get)[-20:]


def test_its_topic_vectors_know_which_words_and_pairs_are_alike(english):
    topics, words = english.topic_vectors.directions(), english.vocabulary.words
    vectors = topics.words
    assert vectors.shape == (len(words), 256)
    rows = {
        name: vectors[[words.index(word) for word in some.split()]].mean(axis=0)
        for name, some in {
            "praise": "wonderful superb brilliant excellent",
            "blame": "terrible awful boring worst",
            "sport": "football league goals championship",
            "money": "bank profits shares investors",
        }.items()
    }
    for word, name in {
        "delightful": "praise", "horrible": "blame", "striker": "sport", "banking": "money"
    }.items():  # fmt: skip
        likeness = {other: row @ vectors[words.index(word)] for other, row in rows.items()}
        assert max(likeness, key=likeness.get) == name
    pairs = [" ".join(words[i] for i in pair) for pair in topics.pairs]
    for pair, name in {
        "must see": "praise", "waste of": "blame", "world cup": "sport", "interest rates": "money"
    }.items():  # fmt: skip
        vector = topics.pair_vectors[pairs.index(pair)]
        likeness = {other: row @ vector for other, row in rows.items()}
        assert max(likeness, key=likeness.get) == name


def test_its_card_and_notice_name_texts_and_licence():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    notice = (Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8")
    for text in (card, notice):
        assert "Wikipedia" in text
        assert "CC BY-SA 3.0" in text
        assert ("Maas" in card) <= ("Maas" in text)
    assert f"license: {ENTRY.licence}\n" in card
