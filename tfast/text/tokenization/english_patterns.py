"""The regular expressions of spaCy's English splitting, said in RE2.

RE2 cannot look around itself. Where spaCy's pattern asks what is next to a match, the
pattern here matches the neighbour as well, in a group of its own, to be put back.

Source: spaCy 3.8, spacy.lang.punctuation, spacy.lang.en.punctuation and
spacy.lang.tokenizer_exceptions (MIT licence, see NOTICE).
"""

import functools
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from tfast.text.tokenization.constant_table import ConstantTable
from tfast.text.tokenization.unicode_tables import unicode_tables


class EnglishPatterns(NamedTuple):
    """What `split_english` needs to know."""

    exceptions: ConstantTable  # word to its tokens, a space between
    phrases: ConstantTable  # tokens that belong together to what they should be
    phrase: str  # any of these, between spaces
    doubled_phrase: str  # the same, where each token has a space of its own on either side
    prefix: str  # replace it by PUT_BACK
    suffix: str  # replace it by PUT_BACK
    any_infix: str
    free_infix: str  # an infix wherever it occurs
    infixes: tuple[str, ...]  # groups: neighbour, infix, neighbour
    url: str
    private_address: str  # looks like a URL and is none


_DASHES = ("—", "\u2013")
# Groups that took no part in a match are empty.
PUT_BACK = r"\1\2\3\4"


def english_data() -> dict[str, Any]:
    """The content of the data file, which `scripts/make_spacy_exceptions.py` writes."""
    file = Path(__file__).parent / "data" / "spacy_english.json"
    return json.loads(file.read_text(encoding="utf-8"))


@functools.cache
def english_patterns() -> EnglishPatterns:
    """The patterns and tables, read from the data file once."""
    data = english_data()
    free_infix = rf"\.\.+|…|[{data['classes']['icons']}]"
    infixes = _infixes(data["classes"], data["alternatives"])
    phrases = sorted(data["phrases"], key=lambda phrase: -phrase.count(" "))
    return EnglishPatterns(
        exceptions=ConstantTable(data["exceptions"]),
        phrases=ConstantTable(data["phrases"]),
        phrase="|".join(re.escape(f" {p} ") for p in phrases),
        doubled_phrase="|".join(re.escape(f" {p.replace(' ', '  ')} ") for p in phrases),
        prefix=_prefix(data["classes"], data["alternatives"]),
        suffix=_suffix(data["classes"], data["alternatives"]),
        any_infix="|".join([free_infix, *infixes]),
        free_infix=free_infix,
        infixes=infixes,
        url=_address(_IP_ADDRESS + "|" + _host(data["classes"])),
        private_address=_address(_PRIVATE_IP_ADDRESS),
    )


def _prefix(classes: dict[str, str], alternatives: dict[str, list[str]]) -> str:
    free = [
        *["§", "%", "=", *_DASHES],
        *alternatives["punctuation"],
        *[r"\.\.+", "…"],
        *alternatives["quotes"],
        *alternatives["currency"],
        f"[{classes['icons']}]",
    ]
    return rf"^(?:{'|'.join(free)}|\+([^0-9]|$))()()()"


def _suffix(classes: dict[str, str], alternatives: dict[str, list[str]]) -> str:
    free = [
        *alternatives["punctuation"],
        *[r"\.\.+", "…"],
        *alternatives["quotes"],
        f"[{classes['icons']}]",
        *["'s", "'S", "\u2019s", "\u2019S", *_DASHES],
    ]
    after_digit = [r"\+", *alternatives["currency"], *alternatives["units"]]
    before_stop = rf"0-9{classes['alpha_lower']}%²\-+{classes['punctuation']}{classes['quotes']}"
    return (
        rf"(?:{'|'.join(free)}|([0-9])(?:{'|'.join(after_digit)})|(°[FfCcKk])\.|([{before_stop}])\."
        rf"|([{classes['alpha_upper']}]{{2}})\.)$"
    )


def _infixes(classes: dict[str, str], alternatives: dict[str, list[str]]) -> tuple[str, ...]:
    alpha, lower, upper = classes["alpha"], classes["alpha_lower"], classes["alpha_upper"]
    quotes, hyphens = classes["quotes"], "|".join(alternatives["hyphens"])
    return (
        r"([0-9])([+\-*^])([0-9\-])",
        rf"([{lower}{quotes}])(\.)([{upper}{quotes}])",
        rf"([{alpha}])(,)([{alpha}])",
        rf"([{alpha}0-9])({hyphens})([{alpha}])",
        rf"([{alpha}0-9])([:<>=/])([{alpha}])",
    )


_IP_ADDRESS = (
    r"(?:[1-9]\d?|1\d\d|2[01]\d|22[0-3])"
    r"(?:\.(?:1?\d{1,2}|2[0-4]\d|25[0-5])){2}"
    r"(?:\.(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-4]))"
)
_PRIVATE_IP_ADDRESS = (
    r"(?:10|127)(?:\.\d{1,3}){3}"
    r"|(?:169\.254|192\.168)(?:\.\d{1,3}){2}"
    r"|172\.(?:1[6-9]|2\d|3[0-1])(?:\.\d{1,3}){2}"
)


def _host(classes: dict[str, str]) -> str:
    letter = r"A-Za-z0-9\x{a1}-\x{ffff}"
    # spaCy stops at 63 letters, which RE2 would have to write out 63 times.
    top_level = f"[{classes['alpha_lower']}]{{2,}}"
    return rf"(?:(?:[{letter}][{letter}_\-]*)?[{letter}]\.)+{top_level}"


def _address(host: str) -> str:
    """A host with the protocol, the user, the port and the path that may surround it."""
    protocol = rf"(?:[{unicode_tables().word}+\-.]{{2,}}://)?"
    return rf"{protocol}(?s:.+@)?(?:{host})(?::\d{{2,5}})?(?s:[/?#].*)?"
