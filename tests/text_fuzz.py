"""Strings that tokenizers find hard: all of Unicode, bytes that are no UTF-8, runs, entities."""

# ruff: noqa: RUF001 - characters that look alike are what is tested
import html.entities
import random

WHITE_SPACE = [chr(point) for point in range(0x3001) if chr(point).isspace()]
HTML_NAMES = list(html.entities.html5)
WORDS = ["the", "film", "Great", "NASA", "it's", "well-made", "don't", "DON'T", "I'm", "'em", "''"]
WORDS += ["U.S.", "e.g.", "a.m.", "10am", "5km²", "°C.", "°c.", "°f", "Mr.", "mr.", "C++", "a--b"]
WORDS += ["a-b-c", "1-2-3", "5%", "$5", "US$5", "+a", "+5", "n't", "'s", "'S", "’s", "-", "---"]
WORDS += ["http://", "www.", "example.com", "me@example.com", "127.0.0.1", "10.0.0.1", "/x?y#z"]
WORDS += [":)", ":-)", ";)", ":D", "<3", "(o:", ">:(", "(╯°□°）╯︵┻━┻", "ಠ_ಠ", "¯\\(ツ)/¯", ":8080"]
WORDS += ["xxbos", "xxrep", "xxunk", "xxup", "Σ", "ΟΔΟΣ", "İ", "ſ", "ﬀ", "\u0301", "\u200b", "ʰ"]
WORDS += [
    "😀",
    "👩‍👩‍👧",
    "\ufdd0",
    "\ufdd1",
    "\u2581",
    "\x00",
    "\x85",
    "\u00ad",
    "שלום",
    "中文",
    "ä.",
]
WORDS += ["\ue000", "\ufffe", "\U0010ffff", "\ud7ff", "amp;", "quot;", "nbsp;", "#39;", "#146;"]
WORDS += ["\\n", '\\"', "<unk>", " @.@ ", " @-@ ", "&amp;", "&#39;", "&#x27;", "&#0;", "&#xd800;"]
WORDS += ["&#1114112;", "&#99999999999;", "&copy", "&notit;", "&#128;", "&#;", "&lt;br /&gt;"]
WORDS += ["no no no", "very very very", "so so so so!", "...", "....", "!!!", "aaa", "AAA", "``"]
WORDS += [
    "<br />",
    "<br /><br />",
    "\n",
    "\n\n",
    " ",
    "  ",
    *"abcXYZIé ß'\"().,;:!?-_/#\\@&<>=+*^%",
]
WORDS += [*"$€£°0123456789~|[]{}…—–«»“”‘’´`"]


def fuzzed_texts(number, seed):
    """As many byte strings, the same for the same seed."""
    source = random.Random(seed)
    return [_text(source) for _ in range(number)]


def with_mentions(texts):
    """The same with "@" before many words."""
    source = random.Random(0)
    pieces = [text.split(b" ") for text in texts]
    return [b" ".join(source.choice([b"", b"", b"@"]) + one for one in some) for some in pieces]


def _text(source):
    length = source.choice([1, 2, 3, 5, 8, 15, 30])
    kind = source.random()
    if kind < 0.15:
        return "".join(_character(source) for _ in range(length)).encode()
    if kind < 0.25:
        some = [0x20, 0x61, 0xC3, 0xA9, 0xE2, 0x80, 0xA6, 0xF0, 0x9F, 0x98, 0x80, 0xED, 0xA0]
        return bytes(source.choice([source.randrange(256), *some]) for _ in range(length))
    return "".join(_piece(source) for _ in range(length)).encode()


def _character(source):
    lasts = (0x80, 0x800, 0xD800)
    points = [*(source.randrange(last) for last in lasts), source.randrange(0xE000, 0x110000)]
    return chr(source.choice(points))


def _piece(source):
    kind = source.random()
    if kind < 0.76:
        piece = source.choice(WORDS)
    elif kind < 0.84:
        piece = source.choice(WHITE_SPACE) * source.choice([1, 1, 2, 3])
    elif kind < 0.92:
        piece = "&" + source.choice(HTML_NAMES)[: source.choice([99, 99, 4])]
    else:
        piece = source.choice("abcI!?.-ßé。😀") * source.choice([2, 3, 4, 10])
    return piece + source.choice(["", "", " "])
