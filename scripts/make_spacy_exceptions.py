"""Writes tfast/text/tokenization/data/spacy_english.json from the installed spaCy.

Run it where spaCy is installed (tfast is not needed) and commit the result:

    python scripts/make_spacy_exceptions.py
"""

import argparse
import importlib.metadata
import json
import re
import sys
from pathlib import Path

OUTPUT = (
    Path(__file__).parents[1] / "tfast" / "text" / "tokenization" / "data" / "spacy_english.json"
)


def re2_class(spacy_class):
    """The characters of one of spaCy's character classes as ranges that RE2 reads."""
    matches = re.compile(f"[{spacy_class}]").match
    code_points = [point for point in range(sys.maxunicode + 1) if matches(chr(point))]
    ranges = []
    for point in code_points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(
        f"\\x{{{low:x}}}" + (f"-\\x{{{high:x}}}" if high > low else "") for low, high in ranges
    )


def exceptions_and_phrases(tokenizer):
    """The special cases of spaCy, each as tokens with a space between.

    Returns:
        `exceptions`: a word to its tokens. `phrases`: what the punctuation rules alone make of
        a word to its tokens, where the two differ, in the whole or in a part: spaCy repairs
        these after splitting.
    """
    from spacy.tokenizer import Tokenizer

    without_exceptions = Tokenizer(
        tokenizer.vocab,
        prefix_search=tokenizer.prefix_search,
        suffix_search=tokenizer.suffix_search,
        infix_finditer=tokenizer.infix_finditer,
        url_match=tokenizer.url_match,
    )
    exceptions, phrases = {}, {}
    for word in sorted(tokenizer.rules):
        if word.isspace():
            continue
        exceptions[word] = " ".join(token.text for token in tokenizer(word))
        phrase = " ".join(token.text for token in without_exceptions(word))
        if phrase != word:
            phrases[phrase] = exceptions[word]
    joined = {f" {phrase} " for phrase, tokens in phrases.items() if phrase != tokens}
    # "° c ." is right as it is, but must be known, or "c ." in it would be joined.
    needed = {p: t for p, t in phrases.items() if p != t or any(m in f" {p} " for m in joined)}
    return exceptions, needed


def main():
    """Collects the tables and writes the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    output = parser.parse_args().output

    import spacy
    from spacy.lang import char_classes

    distribution = importlib.metadata.distribution("spacy")
    licence = next(f for f in distribution.files if f.name == "LICENSE" and "dist-info" in str(f))
    exceptions, phrases = exceptions_and_phrases(spacy.blank("en").tokenizer)
    content = {
        "source": f"spaCy {spacy.__version__}, spacy.lang.en and spacy.lang.char_classes",
        "licence": licence.read_text().splitlines(),
        "classes": {
            "alpha": re2_class(char_classes.ALPHA),
            "alpha_lower": re2_class(char_classes.ALPHA_LOWER),
            "alpha_upper": re2_class(char_classes.ALPHA_UPPER),
            "icons": re2_class(char_classes.CONCAT_ICONS),
            "quotes": re2_class(char_classes.CONCAT_QUOTES),
            "punctuation": re2_class(char_classes.PUNCT),
        },
        # Regular expressions without look-around, so RE2 reads them as they are.
        "alternatives": {
            "punctuation": [p for p in char_classes.LIST_PUNCT if p.strip()],
            "quotes": [p for p in char_classes.LIST_QUOTES if p.strip()],
            "currency": char_classes.LIST_CURRENCY,
            "units": char_classes.LIST_UNITS,
            "hyphens": char_classes.LIST_HYPHENS,
        },
        "exceptions": exceptions,
        "phrases": phrases,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{output}: {len(exceptions)} exceptions, {len(phrases)} phrases")


if __name__ == "__main__":
    main()
