import html
import json
import re

from tfast.export.portable.tokenizer_tables import tokenizer_tables

TABLES = tokenizer_tables()
CLASSES = {"alpha", "alpha_lower", "alpha_upper", "icons", "quotes", "punctuation"}


def test_the_tables_are_what_the_format_says():
    keys = {"source", "licence", "classes", "alternatives", "exceptions", "phrases"}
    assert set(TABLES) == keys | {"html_references", "html_numbers", "lowercase"}
    assert set(TABLES["classes"]) == CLASSES | {"word", "cased", "case_ignorable"}
    for text in TABLES["classes"].values():
        assert re.fullmatch(r"(\\x\{[0-9a-f]+\}(-\\x\{[0-9a-f]+\})?)+", text)
    assert json.loads(json.dumps(TABLES)) == TABLES


def test_html_numbers_are_all_that_are_read_differently():
    for point in [*range(0x300), 0xFDD0, 0xFFFF, 0x1FFFE, 0x10FFFF]:
        expected = html.unescape(f"&#{point};")
        assert TABLES["html_numbers"].get(str(point), chr(point)) == expected
