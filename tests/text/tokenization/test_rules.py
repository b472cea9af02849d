import html
import html.entities

import numpy as np
import pytest
import tensorflow as tf
from checks import check_text_op
from golden_weights import golden_json

from tfast.text.tokenization import rules
from tfast.text.tokenization.constant_table import ConstantTable
from tfast.text.tokenization.html_references import unescape_html

GOLDEN = golden_json("rules_and_tokens.json")


def apply(rule, *texts):
    return [text.decode() for text in rule(tf.constant(texts, tf.string)).numpy()]


@pytest.mark.parametrize("position", range(8))
def test_each_rule_gives_fastais_text(position):
    rule = rules.RULES[position]
    names = {entry["steps"][position][0] for entry in GOLDEN}
    assert names == {rule.__name__}
    before = [entry["steps"][position - 1][1] if position else entry["text"] for entry in GOLDEN]
    assert apply(rule, *before) == [entry["steps"][position][1] for entry in GOLDEN]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rules_take_no_texts_and_empty_texts(rule):
    assert rule(tf.constant([], tf.string)).shape == (0,)
    assert apply(rule, "", "") == ["xxbos "] * 2 if rule is rules.lowercase else ["", ""]


def test_all_rules_run_from_a_saved_model(tmp_path):
    @tf.autograph.experimental.do_not_convert
    def all_rules(texts):
        for rule in rules.RULES:
            texts = rule(texts)
        return texts

    check_text_op(all_rules, [entry["text"] for entry in GOLDEN], tmp_path=tmp_path)


def test_every_name_of_html5_is_known():
    names = list(html.entities.html5)
    texts = [f"a&{name}b" for name in names] + [f"&{name.rstrip(';')}zz" for name in names]
    assert apply(unescape_html, *texts) == [html.unescape(text) for text in texts]


def test_numbers_of_characters_mean_what_html_says():
    points = [*range(0x180), 0xD7FF, 0xD800, 0xDFFF, 0xFDD0, 0xFFFE, 0x1F600, 0x10FFFF, 0x110000]
    points += [10**8, 10**12]
    texts = [f"&#{point};" for point in points] + [f"&#X{point:X}" for point in points]
    texts += ["&#0000000000000065;", "&#x000000000041;", "&#", "&#x", "&#;", "&#xg", "& ;", "&;"]
    assert apply(unescape_html, *texts) == [html.unescape(text) for text in texts]


def test_repeated_characters_of_any_alphabet_are_counted():
    texts = ["ééé", "日日日日本", "😀" * 5, "a" * 1000 + "b", "…“““", "a\n\n\n\nb", "\u2003" * 4]
    assert apply(rules.replace_rep, *texts) == [
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
    assert apply(rules.replace_wrep, *texts) == [
        "x xxwrep 3 no  y",
        " xxwrep 3 no !",
        "no no nose no",
        " xxwrep 3 é ",
        "no, no, no,",
        " xxwrep 3 a .b",
    ]


def test_two_runs_of_words_side_by_side_are_both_found():
    assert apply(rules.replace_wrep, "a a a b b b c") == [" xxwrep 3 a  xxwrep 3 b  c"]


def test_capitals_behind_unusual_white_space_are_seen():
    assert apply(rules.replace_all_caps, "x\u00a0USA\tUK") == ["x\u00a0xxup usa\txxup uk"]
    assert apply(rules.replace_maj, "x\u00a0Anna\nÉmile") == ["x\u00a0xxmaj anna\nÉmile"]


def test_lowercase_knows_unicode_and_zeros():
    texts = ["ÀÉ ΣΑΣ", "A\0B", "É\0Ö\0", " \u2003x\n"]
    assert apply(rules.lowercase, *texts) == ["xxbos " + text.lower().strip() for text in texts]
    assert rules.lowercase(tf.constant(["A"]), add_start=False, add_end=True)[0] == b"a xxeos"


def test_a_constant_table_finds_what_it_holds_and_nothing_else():
    table = ConstantTable({f"key {i}": f"value {i}" for i in range(1000)})
    found, values = table.lookup(tf.constant(["key 7", "", "key 1000", "key 999"]))
    np.testing.assert_array_equal(found, [True, False, False, True])
    assert values[0] == b"value 7"
    assert values[3] == b"value 999"
