import html
import re

import pytest
import tensorflow as tf
from golden_weights import golden_json
from text_fuzz import fuzzed_texts

from tfast.export.portable.tokenizer_tables import tokenizer_tables
from tfast.runtime import rules
from tfast.runtime.patterns import ranges_of
from tfast.text.tokenization import rules as rules_of_graph
from tfast.text.tokenization import special_tokens

GOLDEN = golden_json("rules_and_tokens.json")
STEM = re.compile(rf"[{ranges_of(tokenizer_tables()['classes']['word'])}]*")
RULES = {
    "fix_html": rules.fix_html,
    "replace_rep": rules.mark_character_runs,
    "replace_wrep": lambda text: rules.mark_word_runs(text, STEM),
    "spec_add_spaces": lambda text: rules.MARKED_SIGN.sub(r" \g<0> ", text),
}


@pytest.mark.parametrize("name", RULES)
def test_each_rule_gives_fastais_text(name):
    for entry in GOLDEN:
        names = [step for step, _ in entry["steps"]]
        position = names.index(name)
        before = entry["steps"][position - 1][1] if position else entry["text"]
        assert RULES[name](before) == entry["steps"][position][1]


@pytest.mark.parametrize("name", RULES)
def test_each_rule_gives_the_text_of_the_graph(name):
    texts = [rules.clean(text) for text in fuzzed_texts(1000, seed=7)]
    expected = getattr(rules_of_graph, name)(tf.constant(texts)).numpy()
    assert [RULES[name](text) for text in texts] == [text.decode() for text in expected]


def test_special_tokens_are_those_of_the_graph():
    names = ["TEXT_START", "TEXT_END", "FIELD", "REPEATED_CHARACTER", "REPEATED_WORD"]
    for name in [*names, "ALL_CAPITALS", "CAPITALIZED"]:
        assert getattr(rules, name) == getattr(special_tokens, name)


def test_references_are_read_as_html_does():
    assert rules.fix_html("&eacute;&#233; &ampere") == html.unescape("&eacute;&#233; &ampere")
