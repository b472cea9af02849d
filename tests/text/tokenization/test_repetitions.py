import tensorflow as tf

from tfast.text.tokenization.repetitions import mark_character_runs, mark_word_runs


def apply(rule, *texts):
    return [text.decode() for text in rule(tf.constant(texts, tf.string)).numpy()]


def test_repeated_characters_of_any_alphabet_are_counted():
    texts = ["ééé", "日日日日本", "😀" * 5, "a" * 1000 + "b", "…“““", "a\n\n\n\nb", "\u2003" * 4]
    assert apply(mark_character_runs, *texts) == [
        " xxrep 3 é ",
        " xxrep 4 日 本",
        " xxrep 5 😀 ",
        " xxrep 1000 a b",
        "… xxrep 3 “ ",
        "a\n\n\n\nb",
        "\u2003" * 4,
    ]


def test_repeated_words_are_found_between_any_white_space():
    texts = ["x no\nno\u2003no y", "no no no!", "no no nose no", "é é é", "no, no, no,", "a a\na.b"]
    assert apply(mark_word_runs, *texts) == [
        "x xxwrep 3 no  y",
        " xxwrep 3 no !",
        "no no nose no",
        " xxwrep 3 é ",
        "no, no, no,",
        " xxwrep 3 a .b",
    ]


def test_two_runs_of_words_side_by_side_are_both_found():
    assert apply(mark_word_runs, "a a a b b b c") == [" xxwrep 3 a  xxwrep 3 b  c"]
