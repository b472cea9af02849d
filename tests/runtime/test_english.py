import itertools

import tensorflow as tf

from tfast.export.portable.tokenizer_tables import tokenizer_tables
from tfast.runtime.english import _COMMON, EnglishSplitter
from tfast.text.tokenization.english_splitting import split_english

TABLES = tokenizer_tables()
SPLITTER = EnglishSplitter(TABLES)


def assert_split_as_in_the_graph(words):
    expected = split_english(tf.constant(words)).numpy()
    for word, tokens in zip(words, expected, strict=True):
        assert " ".join(SPLITTER.split(word)) == tokens.decode(), word


def test_short_words_of_signs_and_letters_are_split_as_in_the_graph():
    words = itertools.product("ab1'\".,-:)(°c/é$+", repeat=4)
    assert_split_as_in_the_graph(["".join(word) for word in words][::3])


def test_exceptions_with_signs_around_are_split_as_in_the_graph():
    words = [*TABLES["exceptions"], *(p.replace(" ", "") for p in TABLES["phrases"])]
    around = [("", ""), ("(", ""), ("", "."), ('"', ',"'), ("a", ""), ("", "'s"), ("", "-b")]
    assert_split_as_in_the_graph([f"{a}{word}{b}" for word in words for a, b in around])


def test_the_quick_way_gives_what_the_long_one_does(monkeypatch):
    letters, signs = (
        ["film", "a", "id", "1930", "co", "we"],
        ["", ",", ".", '."', "'s", "'s)", "..", ":)"],
    )
    cores = [*zip(letters), *itertools.product(letters, letters)]
    words = [
        f"{prefix}{'--'.join(core)}{sign}"
        for prefix, core, sign in itertools.product(["", '"', "('"], cores, signs)
    ]
    words += [f"a{joint}b{sign}" for joint in (",", ":", ".", "-", "--") for sign in signs]
    assert sum(bool(_COMMON.fullmatch(word)) for word in words) > 100
    quick = [SPLITTER.split(word) for word in words]
    monkeypatch.setattr(SPLITTER, "_near_exceptions", _Everything())
    assert [SPLITTER.split(word) for word in words] == quick


class _Everything:
    def __contains__(self, _):
        return True


def test_no_word_has_no_token():
    assert SPLITTER.split("") == ()
