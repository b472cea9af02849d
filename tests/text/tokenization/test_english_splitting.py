import tensorflow as tf

from tfast.text.tokenization.english_splitting import split_english


def test_english_words_are_split_as_spacy_does():
    splits = {
        "don't.": "do n't .",
        "(e.g.,": "( e.g. ,",
        "fun:)": "fun :)",
        "(so):": "( so ):",
        ":):)": ": ): )",
        "state-of-the-art": "state - of - the - art",
        "film-making.great": "film-making.great",
        "me@example.com,": "me@example.com ,",
        "http://127.0.0.1": "http://127.0.0.1",
        "1-2-3": "1 - 2 - 3",
        "end.\"'then": "end . \"'then",
        "$5.99": "$ 5.99",
        "+5": "+5",
        "+a": "+ a",
        "5km²!": "5 km² !",
        "a…b": "a … b",
        "--a--b--": "--a -- b--",
        "'em": "'em",
        "\n\n": "\n\n",
        "": "",
    }
    split = split_english(tf.constant(list(splits)))
    assert [words.decode() for words in split.numpy()] == list(splits.values())


def test_no_words_are_split_into_none():
    assert split_english(tf.constant([], tf.string)).shape == (0,)


def test_each_word_is_split_by_itself():
    words = ["(e.g.,", "don't.", "+a", "a…b", "-" * 100]
    together = split_english(tf.constant(words)).numpy().tolist()
    assert together == [split_english(tf.constant([word]))[0].numpy() for word in words]
