"""The regular expressions of spaCy's English splitting, from the tables of a portable folder.

Where spaCy's pattern looks beside a match, the pattern here matches the neighbour as well, in a
group of its own, to be put back: the same as in the graph, whose RE2 cannot look around.

Source: spaCy 3.8, spacy.lang.punctuation, spacy.lang.en.punctuation and
spacy.lang.tokenizer_exceptions (MIT licence, see NOTICE).
"""

import functools
import re
from typing import Any

_DASHES = ("—", "\u2013")
_LAST_OF_ASCII = 0x7F
# Of a suffix with what is looked at before it, two full stops counted as one: none is longer.
LONGEST_SUFFIX = 16

# What `tokenizer.json` must have: patterns are compiled late, and what is missing shows at once.
_CLASSES = ("word", "alpha", "alpha_lower", "alpha_upper", "punctuation", "quotes", "icons")
_ALTERNATIVES = ("punctuation", "quotes", "currency", "units", "hyphens")


class Patterns:
    """Compiled where they are first asked for: most texts need few, and large classes take time.

    Args:
        tables: the content of `tokenizer.json`.
        ascii_only: whether the words that will be matched are ASCII, for which all else may be
            left out: that matches and compiles several times faster.
    """

    def __init__(self, tables: dict[str, Any], *, ascii_only: bool) -> None:
        self._classes = {
            name: ranges_of(tables["classes"][name], _LAST_OF_ASCII if ascii_only else None)
            for name in _CLASSES
        }
        self._alternatives = {
            name: [
                some for some in tables["alternatives"][name] if some.isascii() or not ascii_only
            ]
            for name in _ALTERNATIVES
        }
        self._ascii_only = ascii_only

    @functools.cached_property
    def prefix(self) -> re.Pattern:
        """One prefix; a group, if it took part, begins what stays."""
        alternatives = self._alternatives
        free = [
            *["§", "%", "=", *_DASHES],
            *alternatives["punctuation"],
            *[r"\.\.+", "…"],
            *alternatives["quotes"],
            *alternatives["currency"],
            self._one_of("icons"),
        ]
        return re.compile(rf"(?:{self._join(free)}|\+([^0-9]|\Z))")

    @functools.cached_property
    def suffix(self) -> re.Pattern:
        """One suffix; a group, if it took part, ends what stays."""
        classes, alternatives = self._classes, self._alternatives
        free = [
            *alternatives["punctuation"],
            *[r"\.\.+", "…"],
            *alternatives["quotes"],
            self._one_of("icons"),
            *["'s", "'S", "\u2019s", "\u2019S", *_DASHES],
        ]
        after_digit = [r"\+", *alternatives["currency"], *alternatives["units"]]
        before_stop = (
            rf"0-9{classes['alpha_lower']}%²\-+{classes['punctuation']}{classes['quotes']}"
        )
        return re.compile(
            rf"(?:{self._join(free)}|([0-9])(?:{self._join(after_digit)})|(°[FfCcKk])\."
            rf"|([{before_stop}])\.|([{classes['alpha_upper']}]{{2}})\.)\Z"
        )

    @functools.cached_property
    def any_infix(self) -> re.Pattern:
        """Matches where a word has an infix."""
        return re.compile("|".join([self._free_infix(), *self._infixes()]))

    @functools.cached_property
    def infixes(self) -> list[tuple[re.Pattern, str]]:
        """Patterns and what to replace them by, one after the other."""
        # A neighbour that two infixes share, "a-b-c", is free again in the second round.
        beside = [(re.compile(p), r"\1 \2 \3") for p in self._infixes() for _ in range(2)]
        return [(re.compile(f"({self._free_infix()})"), r" \1 "), *beside]

    @functools.cached_property
    def url(self) -> re.Pattern:
        """Matches whole words that look like an address on the web, or of mail."""
        letter = r"A-Za-z0-9" if self._ascii_only else r"A-Za-z0-9\xa1-\uffff"
        top_level = f"[{self._classes['alpha_lower']}]{{2,}}"
        host = rf"(?:(?:[{letter}][{letter}_\-]*)?[{letter}]\.)+{top_level}"
        return self._address(_IP_ADDRESS + "|" + host)

    @functools.cached_property
    def private_address(self) -> re.Pattern:
        """Matches whole words that look like a URL and are none."""
        return self._address(_PRIVATE_IP_ADDRESS)

    def _address(self, host: str) -> re.Pattern:
        """A host with the protocol, the user, the port and the path that may be around it."""
        protocol = rf"(?:[{self._classes['word']}+\-.]{{2,}}://)?"
        return re.compile(
            rf"{protocol}(?s:.+@)?(?:{host})(?::[0-9]{{2,5}})?(?s:[/?#].*)?", re.ASCII
        )

    def _free_infix(self) -> str:
        """An infix whatever is beside it."""
        return self._join([r"\.\.+", "…", self._one_of("icons")])

    def _infixes(self) -> list[str]:
        """Three groups each: neighbour, infix, neighbour."""
        classes = self._classes
        alpha, lower, upper = classes["alpha"], classes["alpha_lower"], classes["alpha_upper"]
        quotes, hyphens = classes["quotes"], self._join(self._alternatives["hyphens"])
        return [
            r"([0-9])([+\-*^])([0-9\-])",
            rf"([{lower}{quotes}])(\.)([{upper}{quotes}])",
            rf"([{alpha}])(,)([{alpha}])",
            rf"([{alpha}0-9])({hyphens})([{alpha}])",
            rf"([{alpha}0-9])([:<>=/])([{alpha}])",
        ]

    def _one_of(self, name: str) -> str:
        return f"[{self._classes[name]}]" if self._classes[name] else ""

    def _join(self, alternatives: list[str]) -> str:
        return "|".join(a for a in alternatives if a and (a.isascii() or not self._ascii_only))


def ranges_of(text: str, last: int | None = None) -> str:
    r"""A character class of the tables as the inside of one of Python's.

    Args:
        text: such as `\x{61}-\x{7a}`.
        last: the last code point of interest; None is all.

    Examples:
        >>> letters = ranges_of(r"\x{61}-\x{7a}\x{e9}")
        >>> re.findall(f"[{letters}]", "A café")
        ['c', 'a', 'f', 'é']
    """
    ranges = re.findall(r"\\x\{([0-9a-f]+)\}(?:-\\x\{([0-9a-f]+)\})?", text)
    pairs = [(int(low, 16), int(high or low, 16)) for low, high in ranges]
    return "".join(
        rf"\U{low:08x}-\U{high if last is None else min(high, last):08x}"
        for low, high in pairs
        if last is None or low <= last
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
