"""Strings to tokenize that no one would write: all that the rules and the splitter look at."""

import html.entities
import json
import random
from pathlib import Path

import tfast.text.tokenization

_ENGLISH = json.loads(
    (Path(tfast.text.tokenization.__file__).parent / "data" / "spacy_english.json").read_text(
        "utf-8"
    )
)
_WHITE_SPACE = [
    *map(chr, [*range(9, 14), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)]),
    *["\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "  ", " \n ", "\u200b"],
]
_MESS = ["#39;", "amp;", "#146;", "nbsp;", "#36;", r"\n", "quot;", "<br />", r"\"", "<unk>"]
_MESS += [" @.@ ", " @-@ ", "...", "..", ".", "…", "/", "#", "\\", "&", ";", "@", "://", "_"]
_ADDRESSES = ["http://", "www.", "me@", "example.com", "127.0.0.1", "8.8.8.8", "172.16.", ":80"]
_ADDRESSES += ["192.168.0.1", "10.0.", "255.254", "/a?b#c", "a.b-c.org", "ftp+x://", ".museum"]
_WORDS = ["The", "the", "AND", "I", "a", "McCoy", "don't", "state-of-the-art", "very", "xxbos"]
_WORDS += ["30°C.", "5km²", "U.S.A.", "ΟΔΟΣ", "Σ", "İSTANBUL", "ǅ", "ß", "1-2-3", "$5.99", "+5"]
_SIGNS = [c for kind in ("punctuation", "quotes", "currency", "units", "hyphens")
          for c in (s.replace("\\", "") for s in _ENGLISH["alternatives"][kind])]  # fmt: skip
_NAMES = list(html.entities.html5)
_EXCEPTIONS = [*_ENGLISH["exceptions"], *(p.replace(" ", "") for p in _ENGLISH["phrases"])]
_INVALID = [
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xe0\x80\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
]
_INVALID += [b"\xf0\x9f\x98", b"\x80", b"\xef\xb7\x90", b"\xef\xb7\x91", b"\xef\xbf\xbe", b"\0"]


def fuzzed_texts(count: int, seed: int = 0) -> list[bytes]:
    """So many texts, mostly short; the same ones for the same seed."""
    random_numbers = random.Random(seed)
    return [_text(random_numbers) for _ in range(count)]


def _text(numbers: random.Random) -> bytes:
    pieces = [_piece(numbers) for _ in range(numbers.choice([1, 2, 3, 5, 8, 13, 21]))]
    separator = numbers.choice([b"", b"", b" ", b" ", b"  ", b"\n"])
    text = separator.join(pieces)
    if text and numbers.random() < 0.1:  # one byte cut out or put in
        place = numbers.randrange(len(text))
        text = (
            text[:place]
            + bytes(numbers.choices(range(256), k=numbers.randrange(2)))
            + text[place + 1 :]
        )
    return text


def _piece(numbers: random.Random) -> bytes:
    choose, kind = numbers.choice, numbers.randrange(14)
    if kind == 0:
        return choose(_INVALID)
    if kind == 1:
        return bytes(numbers.randrange(256) for _ in range(numbers.randrange(1, 6)))
    texts = {
        2: lambda: choose(_WHITE_SPACE),
        3: lambda: choose(_MESS),
        4: lambda: "&" + choose(_NAMES) + choose(["", "", "x", ";"]),
        5: lambda: choose(["&#", "&#x", "&#X"]) + _number(numbers) + choose(["", ";"]),
        6: lambda: choose(_EXCEPTIONS),
        7: lambda: choose(_ADDRESSES),
        8: lambda: choose(_WORDS),
        9: lambda: choose(_SIGNS),
        10: lambda: _any_character(numbers),
        11: lambda: "".join(_any_character(numbers) for _ in range(numbers.randrange(1, 5))),
        12: lambda: chr(numbers.randrange(128)),
        13: lambda: (
            choose([*_WORDS, *_SIGNS, *_WHITE_SPACE, _any_character(numbers)])
            * numbers.randrange(2, 6)
        ),
    }
    text = texts[kind]()
    if kind in (8, 10) and numbers.random() < 0.3:  # words again and again
        text = choose([" ", "\n", "\u00a0"]).join([text] * numbers.randrange(2, 6))
    if numbers.random() < 0.1:
        text = choose([str.upper, str.lower, str.title, str.swapcase])(text)
    return text.encode("utf-8", "surrogatepass")


def _number(numbers: random.Random) -> str:
    limit = numbers.choice([32, 160, 0x3000, 0x110000, 10**9])
    number = numbers.randrange(limit)
    form = numbers.choice(["{}", "{:x}", "{:X}", "0{}", "000000000{:x}"])
    return form.format(number)


def _any_character(numbers: random.Random) -> str:
    return chr(numbers.randrange(numbers.choice([128, 0x250, 0x2100, 0x10000, 0x110000])))
