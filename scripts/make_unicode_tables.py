"""Writes unicode.json of tfast/text/tokenization/data: what tokenization asks of characters.

Python, RE2, ICU and Swift each have another version of Unicode, and ICU and Swift may look at the
locale. Tokens must not depend on any of that, so the tables are written once, and read by all:

    python scripts/make_unicode_tables.py
"""

import argparse
import json
import sys
import unicodedata
from pathlib import Path

OUTPUT = Path(__file__).parents[1] / "tfast" / "text" / "tokenization" / "data" / "unicode.json"
SURROGATES = range(0xD800, 0xE000)
CHARACTERS = [chr(point) for point in range(sys.maxunicode + 1) if point not in SURROGATES]


def character_class(characters):
    r"""Characters, in order, as the inside of a character class: `\x{61}-\x{7a}`."""
    ranges = []
    for point in map(ord, characters):
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(
        f"\\x{{{low:x}}}" + (f"-\\x{{{high:x}}}" if high > low else "") for low, high in ranges
    )


def is_final(text):
    """Whether Python takes the capital sigma at the end of `text` for the last letter of a word."""
    return text.lower().endswith("ς")


def main():
    """Asks this Python, and writes the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    output = parser.parse_args().output

    # Python has no function for these two, but `lower` skips the former and looks for the latter.
    ignorable = [c for c in CHARACTERS if is_final(f"A{c}Σ") and not is_final(f"1{c}Σ")]
    cased = [c for c in CHARACTERS if is_final(f"1{c}Σ")]
    content = {
        "source": f"Unicode {unicodedata.unidata_version}, as Python "
        f"{sys.version_info.major}.{sys.version_info.minor} has it",
        "lowercase": {c: c.lower() for c in CHARACTERS if c.lower() != c},
        "classes": {
            "word": character_class(c for c in CHARACTERS if c.isalnum() or c == "_"),
            "cased": character_class(cased),
            "case_ignorable": character_class(ignorable),
        },
    }
    output.write_text(json.dumps(content, ensure_ascii=True, indent=1) + "\n", encoding="utf-8")
    print(f"{output}: {len(content['lowercase'])} characters with another lower case")


if __name__ == "__main__":
    main()
