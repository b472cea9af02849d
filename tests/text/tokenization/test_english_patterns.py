import pytest
import tensorflow as tf

from tfast.text.tokenization.english_patterns import PUT_BACK, english_data, english_patterns


def matches(pattern, *words):
    return tf.strings.regex_full_match(tf.constant(words), pattern).numpy().tolist()


def replaced(pattern, *words):
    replaced = tf.strings.regex_replace(tf.constant(words), pattern, PUT_BACK, replace_global=False)
    return [word.decode() for word in replaced.numpy()]


def test_a_prefix_is_cut_and_what_was_only_looked_at_is_put_back():
    assert replaced(english_patterns().prefix, "(a", "$5", "+a", "+5", "a(") == [
        "a", "5", "a", "+5", "a(",
    ]  # fmt: skip


def test_a_suffix_is_cut_and_what_was_only_looked_at_is_put_back():
    assert replaced(english_patterns().suffix, "a)", "it's", "5km", "AB.", "A.", "30°C.") == [
        "a", "it", "5", "AB", "A.", "30°C",
    ]  # fmt: skip


def test_infixes_are_found_between_their_neighbours():
    samples = ["1+2", "a.B", "a,b", "a-b", "a=b"]
    cut = [
        tf.strings.regex_replace(sample, infix, r"\1 \2 \3").numpy().decode()
        for sample, infix in zip(samples, english_patterns().infixes, strict=True)
    ]
    assert cut == ["1 + 2", "a . B", "a , b", "a - b", "a = b"]


@pytest.mark.parametrize("word", ["http://example.com/a?b", "example.com", "127.0.0.1", "a@b.de"])
def test_addresses_look_like_urls(word):
    assert matches(english_patterns().url, word) == [True]


def test_other_words_and_private_addresses_do_not():
    patterns = english_patterns()
    assert matches(patterns.url, "a.b.", "example", "...") == [False] * 3
    assert matches(patterns.private_address, "127.0.0.1", "8.8.8.8") == [True, False]


def test_the_tables_are_those_of_the_data_file():
    data, patterns = english_data(), english_patterns()
    words = tf.constant([*data["exceptions"]])
    found, values = patterns.exceptions.lookup(words)
    assert found.numpy().all()
    assert [value.decode() for value in values.numpy()] == [*data["exceptions"].values()]
    assert english_patterns() is patterns
