import re

import pytest

from tfast.export.portable.tokenizer_tables import tokenizer_tables
from tfast.runtime.patterns import LONGEST_SUFFIX, Patterns, ranges_of

TABLES = tokenizer_tables()
ASCII, ANY = (Patterns(TABLES, ascii_only=only) for only in (True, False))


@pytest.mark.parametrize("name", TABLES["classes"])
def test_a_class_of_ascii_is_the_part_of_it(name):
    for point in range(0x80):
        whole = re.fullmatch(f"[{ranges_of(TABLES['classes'][name])}]", chr(point))
        some = ranges_of(TABLES["classes"][name], 0x7F)
        part = re.fullmatch(f"[{some}]", chr(point)) if some else None
        assert bool(whole) == bool(part)


@pytest.mark.parametrize("name", ["prefix", "suffix", "any_infix", "url", "private_address"])
def test_ascii_words_match_the_same(name):
    words = [
        "don't.",
        "(a",
        "$5",
        "5km",
        "a-b",
        "1-2",
        "a,b",
        "www.example.com/x",
        "10.0.0.1",
        "+a",
    ]
    words += ["me@example.com", "a.B", "..", "a...", "x's", "AB.", "http://a.bc:80?x", "5+", "us$1"]
    for word in words:
        found = [getattr(patterns, name).search(word) for patterns in (ASCII, ANY)]
        spans = [
            match and [match.span(i) for i in range(1 + len(match.groups()))] for match in found
        ]
        assert spans[0] == spans[1], word


def test_no_suffix_is_longer_than_was_said():
    units = max(map(len, TABLES["alternatives"]["units"]))
    assert max(units + 1, len("°c.") + 1, *map(len, TABLES["alternatives"]["punctuation"])) < (
        LONGEST_SUFFIX
    )
