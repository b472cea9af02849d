import pytest
import tensorflow as tf
from checks import check_text_op
from golden_weights import golden_json

from tfast.text.tokenization import rules

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


def test_capitals_behind_unusual_white_space_are_seen():
    assert apply(rules.replace_all_caps, "x\u00a0USA\tUK") == ["x\u00a0xxup usa\txxup uk"]
    assert apply(rules.replace_maj, "x\u00a0Anna\nÉmile") == ["x\u00a0xxmaj anna\nÉmile"]


def test_lowercase_knows_unicode_and_zeros():
    texts = ["ÀÉ ΣΑΣ", "A\0B", "É\0Ö\0", " \u2003x\n"]
    assert apply(rules.lowercase, *texts) == ["xxbos " + text.lower().strip() for text in texts]
    assert rules.lowercase(tf.constant(["A"]), add_start=False, add_end=True)[0] == b"a xxeos"
