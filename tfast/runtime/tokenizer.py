"""Raw texts to tokens in plain Python: the very tokens of the SavedModel's graph."""

import functools
import itertools
import operator
import re
from collections.abc import Sequence
from typing import Any, Generic

from tfast.runtime import rules
from tfast.runtime.english import EnglishSplitter
from tfast.runtime.forms import AS_LIST, Form, Tokens
from tfast.runtime.patterns import ranges_of
from tfast.runtime.recent import Recent

# White space other than spaces, and the spaces after it: character by character, which is found
# three times as fast as `[^\S ]`.
_BREAKS = "".join(chr(c) for c in range(0x3001) if chr(c).isspace() and chr(c) != " ")
_BREAK = re.compile(rf"[{_BREAKS}]\s*")
# What most words have not.
_RUN = rules.CHARACTER_RUN
_ODD = re.compile(r"(\S)\1\1|[/#\\\s]")
_ALL_CAPITALS = re.compile(r"[A-Z]+[^a-z]*")
_CAPITALIZED = re.compile(r"[A-Z][^A-Z]*")
_SIGNS = ("/", "#", "\\")
_SPACES = re.compile(" +")
_CAPITALS_MARK, _CAPITAL_MARK = (rules.ALL_CAPITALS,), (rules.CAPITALIZED,)
# No word begins with it: line breaks are always set apart. (A mark that is not ASCII would double
# the size of most texts.)
_BREAK_MARK = "\n"
_WRITTEN_SPACE = "▁"  # fastai's, for a space within a token
_SIGMA, _FINAL_SIGMA = "\u03a3", "\u03c2"


class Tokenizer(Generic[Tokens]):
    """Strings to tokens: fastai's rules, then English words as spaCy splits them.

    Words that were seen lately are looked up, so that most of a text is not looked at closely.
    Threads may use one object together.

    Args:
        tables: the content of `tokenizer.json`.
        add_start: whether "xxbos" comes before each text.
        add_end: whether "xxeos" comes after it.
        mark_fields: whether "xxfld 1", "xxfld 2" ... come before the fields of a text.
        split_mentions: whether "@" is set apart from a name that follows.
        form: what the tokens are to become.
    """

    def __init__(
        self,
        tables: dict[str, Any],
        *,
        add_start: bool = True,
        add_end: bool = False,
        mark_fields: bool = False,
        split_mentions: bool = False,
        form: Form[Tokens] = AS_LIST,
    ) -> None:
        self._start = form.of_tokens((rules.TEXT_START,) if add_start else ())
        self._end = form.of_tokens((rules.TEXT_END,) if add_end else ())
        self._mark_fields = mark_fields
        self._split_mentions = split_mentions
        self._form = form
        self._classes = tables["classes"]
        self._lowercase = {ord(c): small for c, small in tables["lowercase"].items()}
        self._split = EnglishSplitter(tables).split
        self._words = Recent(self._read_word)

    def __call__(self, text: str | bytes | Sequence[str | bytes]) -> Tokens:
        """The tokens of one text.

        Args:
            text: str, or bytes in UTF-8; or a sequence of them, the fields of a text.

        Returns:
            What `form` makes of the tokens: by default a list of str.
        """
        text = rules.fix_html(self._join_fields(text)).strip()
        return self._form.join((self._start, self._read_text(text), self._end))

    def _read_text(self, text: str) -> Tokens:
        # The white space that is common; other white space makes its word odd.
        has_breaks = any(map(text.__contains__, "\n\t\xa0\x85"))
        words, breaks = _cut(text, has_breaks=has_breaks)
        if not _has_word_run(words, breaks):
            read = list(map(self._words.__getitem__, words))
            tokens = self._form.join(read)
            if not self._form.is_odd(tokens):
                return tokens
            marked = self._read_odd(words, read, breaks)
            if marked is not None:
                return marked
        # The slow way: rule by rule, on the whole text.
        text = rules.mark_word_runs(rules.mark_character_runs(text), self._stem)
        text = rules.MARKED_SIGN.sub(r" \g<0> ", text).strip()
        words, _ = _cut(text, has_breaks=True)
        return self._form.join(map(self._read_marked, words))

    def _read_odd(self, words: list[str], read: list[Tokens], breaks: set[str]) -> Tokens | None:
        """The tokens with runs of characters marked, word by word.

        The marks are words too: None where they may come three times, or where more than the
        words at hand matters.
        """
        read = read.copy()
        odd = {i for i, tokens in enumerate(read) if tokens is self._form.odd}
        for i in odd:
            if words[i].split() != [words[i]]:
                return None
            parts = rules.mark_character_runs(words[i]).split()
            has_break = i > 0 and words[i - 1] in breaks
            before = i - 1 - has_break
            after = i + 1 + (not breaks.isdisjoint(words[i + 1 : i + 2]))
            around = [*words[max(before, 0) : before + 1], *parts, *words[after : after + 1]]
            if not odd.isdisjoint((before, after)) or _has_repetition(around):
                return None
            read[i] = self._form.join(map(self._read_marked, parts))
            if has_break and not words[i - 1].endswith(_WRITTEN_SPACE) and _RUN.match(words[i]):
                # The mark is set apart from what is before it by a space.
                read[i - 1] = self._words[words[i - 1] + _WRITTEN_SPACE]
        return self._form.join(read)

    def _join_fields(self, text: str | bytes | Sequence[str | bytes]) -> str:
        if isinstance(text, (str, bytes)):
            if not self._mark_fields:
                return rules.clean(text)
            text = [text]
        cleaned = [rules.clean(field) for field in text]
        if self._mark_fields:
            cleaned = [f"{rules.FIELD} {i} {field}" for i, field in enumerate(cleaned, 1)]
        return " ".join(cleaned)

    def _read_word(self, word: str) -> Tokens:
        if _ODD.search(word) is None:
            return self._form.of_tokens(self._read_part(word))
        if word.startswith(_BREAK_MARK):
            return self._form.of_tokens((word.removeprefix(_BREAK_MARK),))
        if _RUN.search(word) or word.split() != [word]:
            return self._form.odd
        parts = rules.MARKED_SIGN.sub(r" \g<0> ", word).split()
        return self._form.of_tokens([token for part in parts for token in self._read_part(part)])

    def _read_marked(self, word: str) -> Tokens:
        """The tokens of a word of a text whose runs are marked: what looks like one is a count."""
        if word.isdigit():
            return self._form.of_tokens(self._read_part(word))
        return self._words[word]

    def _read_part(self, part: str) -> tuple[str, ...]:
        """The tokens of a word with nothing left to mark but capitals."""
        small = self._lower(part)
        if self._split_mentions and "@" in small:
            pieces = rules.MENTION.sub(" @ ", small).split()
            tokens = tuple(token for piece in pieces for token in self._split(piece))
        else:
            tokens = self._split(small)
        if small == part:
            return tokens
        if _ALL_CAPITALS.fullmatch(part):
            return tokens if len(part) == 1 else _CAPITALS_MARK + tokens
        return _CAPITAL_MARK + tokens if _CAPITALIZED.fullmatch(part) else tokens

    def _lower(self, part: str) -> str:
        if part.isascii():
            return part.lower()
        if _SIGMA in part:
            part = self._word_end.sub(rf"\1{_FINAL_SIGMA}\2", part)
        return part.translate(self._lowercase)

    @functools.cached_property
    def _word_end(self) -> re.Pattern:
        """A capital sigma with a letter before it and none after it, whatever else is there."""
        cased, ignorable = (ranges_of(self._classes[name]) for name in ("cased", "case_ignorable"))
        end = rf"[{ignorable}]*(?:[^{cased}{ignorable}]|\Z)"
        return re.compile(rf"([{cased}][{ignorable}]*){_SIGMA}({end})")

    @functools.cached_property
    def _stem(self) -> re.Pattern:
        """The characters of a word, at its beginning."""
        return re.compile(rf"[{ranges_of(self._classes['word'])}]*")


def _cut(text: str, *, has_breaks: bool) -> tuple[list[str], set[str]]:
    """Words, and the white space between them that is more than spaces, by itself.

    Args:
        text: without white space at its ends.
        has_breaks: whether to look for such white space; else it stays in the words.

    Returns:
        Words and white space, the latter with a mark and as it is written as a token, in order;
        and which of them are white space.
    """
    breaks = set()

    def set_apart(match: re.Match) -> str:
        # A sign will be set apart from what is before it by a space.
        space = " " if text.startswith(_SIGNS, match.end()) else ""
        white_space = _written_break(match[0] + space)
        breaks.add(white_space)
        return f" {white_space} "

    cut = _BREAK.sub(set_apart, text) if has_breaks else text
    if "  " in cut:
        cut = _SPACES.sub(" ", cut)
    return cut.split(" "), breaks


@functools.lru_cache(maxsize=256)
def _written_break(white_space: str) -> str:
    return _BREAK_MARK + _SPACES.sub(_WRITTEN_SPACE, white_space)


def _has_word_run(words: list[str], breaks: set[str]) -> bool:
    """Whether `mark_word_runs` could find something in a text of these words."""
    # Most texts have no word twice in a row: that is soon known.
    if _has_repetition(words) or _around(words, breaks):
        words = [word for word in words if word not in breaks]
        return any(
            first == second and third.startswith(first)
            for first, second, third in zip(words, words[1:], words[2:], strict=False)
        )
    return False


def _has_repetition(words: list[str]) -> bool:
    return True in map(operator.eq, words, itertools.islice(words, 1, None))


def _around(words: list[str], breaks: set[str]) -> bool:
    """Whether a word comes again after white space that is among `breaks`."""
    for white_space in breaks:
        i = words.index(white_space)
        while i >= 0:
            if words[i - 1] == words[i + 1]:
                return True
            try:
                i = words.index(white_space, i + 1)
            except ValueError:
                break
    return False
