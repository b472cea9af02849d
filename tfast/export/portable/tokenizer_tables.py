"""The tables of a portable folder's tokenizer: spaCy's English, HTML's names, characters."""

import html.entities
from typing import Any

from tfast.text.tokenization.english_patterns import english_data
from tfast.text.tokenization.html_references import odd_numbers
from tfast.text.tokenization.unicode_tables import unicode_tables


def tokenizer_tables() -> dict[str, Any]:
    """The content of `tokenizer.json`, see docs/portable_folder.md.

    Examples:
        >>> tokenizer_tables()["exceptions"]["don't"]
        "do n't"
    """
    english, characters = english_data(), unicode_tables()
    classes = {
        "word": characters.word,
        "cased": characters.cased,
        "case_ignorable": characters.case_ignorable,
    }
    return {
        **english,
        "classes": english["classes"] | classes,
        "lowercase": characters.lowercase,
        "html_references": dict(html.entities.html5),
        "html_numbers": odd_numbers(),
    }
