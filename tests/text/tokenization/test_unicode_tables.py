import re

from tfast.text.tokenization.unicode_tables import unicode_tables

CHARACTERS = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]


def test_the_word_class_is_what_python_takes_for_a_word():
    inside = re.sub(
        r"\\x\{([0-9a-f]+)\}", lambda m: re.escape(chr(int(m[1], 16))), unicode_tables().word
    )
    matches = re.compile(f"[{inside}]").fullmatch
    # A later Python may know characters that Unicode 14 has not.
    assert [c for c in CHARACTERS if matches(c) and not re.fullmatch(r"\w", c)] == []
    assert [
        c for c in CHARACTERS[:0x1000] if bool(matches(c)) != bool(re.fullmatch(r"\w", c))
    ] == []


def test_each_lower_case_is_python_s():
    lowercase = unicode_tables().lowercase
    assert {c: c.lower() for c in CHARACTERS if c in lowercase} == lowercase
    assert "A" in lowercase
    assert "a" not in lowercase
