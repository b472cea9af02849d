"""What tokenization needs to know about characters, from one committed table.

Python, RE2 and ICU each bring another version of Unicode, and ICU looks at the server's locale.
With one table the same text gives the same tokens everywhere.
"""

import functools
import json
from pathlib import Path
from typing import NamedTuple


class UnicodeTables(NamedTuple):
    r"""The content of `data/unicode.json`; classes as RE2 reads them inside brackets."""

    lowercase: dict[str, str]  # a character to its lower case, where that is another
    word: str  # what `\w` means to Python
    cased: str  # for the capital sigma at the end of a word, with the next one
    case_ignorable: str


@functools.cache
def unicode_tables() -> UnicodeTables:
    """Reads the tables once."""
    file = Path(__file__).parent / "data" / "unicode.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    return UnicodeTables(lowercase=data["lowercase"], **data["classes"])
