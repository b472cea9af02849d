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

# White space other than spaces, and the spaces after it.
# Character by character, which is matched three times as fast as `[^\S ]`.
_BREAKS = "".join(chr(c) for c in range(0x3001) if chr(c).isspace() and chr(c) != " ")
_BREAK = re.compile(rf"([{_BREAKS}]\s*)")
# What most words have not: fastai's marks have spaces around them.
_MARKED = re.compile(r"(\S)\1\1|[/#\\]")
_ALL_CAPITALS = re.compile(r"[A-Z]+[^a-z]*")
_CAPITALIZED = re.compile(r"[A-Z][^A-Z]*")
_SIGNS = ("/", "#", "\\")
_SPACES = re.compile(" +")
_CAPITALS_MARK, _CAPITAL_MARK = (rules.ALL_CAPITALS,), (rules.CAPITALIZED,)
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
        form: what the tokens are to become.
    """

    def __init__(
        self,
        tables: dict[str, Any],
        *,
        add_start: bool = True,
        add_end: bool = False,
        mark_fields: bool = False,
        form: Form[Tokens] = AS_LIST,
    ) -> None:
        self._start = form.of_tokens((rules.TEXT_START,) if add_start else ())
        self._end = form.of_tokens((rules.TEXT_END,) if add_end else ())
        self._mark_fields = mark_fields
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
        text = rules.fix_html(self._join_fields(text))
        tokens = self._read_words(text)
        if tokens is None:
            # The slow way: what looks further than a word, on the whole text.
            text = rules.mark_word_runs(rules.mark_character_runs(text), self._stem)
            tokens = self._read_lines(rules.MARKED_SIGN.sub(r" \g<0> ", text))
        return self._form.join((self._start, tokens, self._end))

    def _join_fields(self, text: str | bytes | Sequence[str | bytes]) -> str:
        fields = [text] if isinstance(text, (str, bytes)) else text
        cleaned = [rules.clean(field) for field in fields]
        if self._mark_fields:
            cleaned = [f"{rules.FIELD} {i} {field}" for i, field in enumerate(cleaned, 1)]
        return " ".join(cleaned)

    def _read_words(self, text: str) -> Tokens | None:
        """The tokens, or None where a word comes three times or more."""
        words = text.split()
        if _has_word_run(words):
            return None
        # The second form has white space to tell of.
        is_plain = " ".join(words) == text
        tokens = self._read_line(words) if is_plain else self._read_lines(text)
        if self._form.has_run not in tokens:
            return tokens
        # The marks of runs of characters are words too.
        marked = rules.mark_character_runs(text)
        return None if _has_word_run(marked.split()) else self._read_lines(marked)

    def _read_lines(self, text: str) -> Tokens:
        line, *others = _BREAK.split(text.strip())
        tokens = [self._read_line(line.split())]
        for white_space, line in zip(others[::2], others[1::2], strict=True):
            # A sign is set apart from what is before it by a space, here too.
            space = " " if line.startswith(_SIGNS) else ""
            white_space = _SPACES.sub(_WRITTEN_SPACE, white_space + space)
            tokens += self._form.of_tokens((white_space,)), self._read_line(line.split())
        return self._form.join(tokens)

    def _read_line(self, words: list[str]) -> Tokens:
        return self._form.join(map(self._words.__getitem__, words))

    def _read_word(self, word: str) -> Tokens:
        if _MARKED.search(word) is None:
            return self._form.of_tokens(self._read_part(word))
        if rules.CHARACTER_RUN.search(word):
            return self._form.run
        parts = rules.MARKED_SIGN.sub(r" \g<0> ", word).split()
        return self._form.of_tokens([token for part in parts for token in self._read_part(part)])

    def _read_part(self, part: str) -> tuple[str, ...]:
        """The tokens of a word with nothing left to mark but capitals."""
        small = self._lower(part)
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


def _has_word_run(words: list[str]) -> bool:
    """Whether `mark_word_runs` could find something in a text of these words."""
    # Most texts have no word twice in a row: that is soon known.
    if True not in map(operator.eq, words, itertools.islice(words, 1, None)):
        return False
    return any(
        first == second and third.startswith(first)
        for first, second, third in zip(words, words[1:], words[2:], strict=False)
    )
