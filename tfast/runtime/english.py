"""Splitting English words as spaCy does it: "don't." is "do n't .".

Step for step what `split_english` does in the graph, one word at a time.

Source: spaCy 3.8, spacy.tokenizer (MIT licence, see NOTICE).
"""

import re
from typing import Any

from tfast.runtime.patterns import LONGEST_SUFFIX, Patterns

# Prefixes and suffixes that are cut off one word, as in the graph.
_MAX_AFFIXES = 40

# Most words, so that they are soon done with; and white space.
_INDIVISIBLE = re.compile(r"[A-Za-z]*|\s*")

# Letters that hyphens, commas or stops may join, or digits, with few signs before and after:
# nearly all other words.
_COMMON = re.compile(
    r"([\"'(\[]{0,4})([a-z]+(?:(?:--?|[.,:])[a-z]+)*|[0-9]+)((?:'s)?(?:[,!?;:)\]\"']|\.(?!\.)){0,6})"
)
_JOINTS = re.compile("(--?|[,:])")


class EnglishSplitter:
    """Words to tokens.

    Args:
        tables: the content of `tokenizer.json`.
    """

    def __init__(self, tables: dict[str, Any]) -> None:
        self._exceptions = {w: tuple(t.split(" ")) for w, t in tables["exceptions"].items()}
        common = filter(None, map(_COMMON.fullmatch, self._exceptions))
        self._near_exceptions = {match[2] for match in common if match[0] != match[2]}
        self._ascii = Patterns(tables, ascii_only=True)
        self._any = Patterns(tables, ascii_only=False)
        # By their first token; where several fit, the longest one.
        self._phrases: dict[str, list[tuple[list[str], list[str]]]] = {}
        for phrase in sorted(tables["phrases"], key=lambda phrase: -phrase.count(" ")):
            tokens, meaning = phrase.split(" "), tables["phrases"][phrase].split(" ")
            self._phrases.setdefault(tokens[0], []).append((tokens, meaning))

    def split(self, word: str) -> tuple[str, ...]:
        """The tokens of a word without spaces in it; of the empty one, none.

        Args:
            word: in lower case or not.

        Returns:
            Tuple of str.
        """
        exception = self._exceptions.get(word)
        if exception is not None:
            return exception
        if _INDIVISIBLE.fullmatch(word):
            return (word,) if word else ()
        common = _COMMON.fullmatch(word)
        if common is not None:
            prefixes, core, suffixes = common.groups()
            if core not in self._near_exceptions and ("." not in core or not _JOINTS.search(core)):
                return self._split_common(prefixes, core, suffixes)
        patterns = self._ascii if word.isascii() else self._any
        before, core, after = self._cut_affixes(word, patterns)
        tokens = [*before, *self._cut_core(core, patterns), *reversed(after)]
        return tuple(self._join_phrases(tokens))

    def _split_common(self, prefixes: str, core: str, suffixes: str) -> tuple[str, ...]:
        """What `split` comes to for words of the form `_COMMON`.

        No exception is among what is left as signs are cut off, until they are all off.
        """
        exception = self._exceptions.get(core)
        cores = (core,) if core.isalnum() else _JOINTS.split(core)
        if suffixes[:2] == "'s":
            tokens = [*prefixes, *(exception or cores), "'s", *suffixes[2:]]
        else:
            tokens = [*prefixes, *(exception or cores), *suffixes]
        return tuple(self._join_phrases(tokens))

    def _cut_affixes(self, word: str, patterns: Patterns) -> tuple[list[str], str, list[str]]:
        """Prefixes, what is left, and suffixes from the last one on."""
        before: list[str] = []
        after: list[str] = []
        for _ in range(_MAX_AFFIXES):
            prefix, left, suffix = self._cut_one_of_each(word, patterns)
            if prefix:
                before.append(prefix)
            if suffix:
                after.append(suffix)
            is_done = left == word or left in self._exceptions or _INDIVISIBLE.fullmatch(left)
            word = left
            if is_done:
                break
        return before, word, after

    def _cut_one_of_each(self, word: str, patterns: Patterns) -> tuple[str, str, str]:
        """At most one prefix and one suffix, fewer when an exception appears."""
        begin = _end_of_prefix(word, patterns)
        left = word[begin:]
        end = begin + _begin_of_suffix(left, patterns)
        if begin and left in self._exceptions:
            end = len(word)
        elif end < len(word) and word[:end] in self._exceptions:
            begin = 0
        return word[:begin], word[begin:end], word[end:]

    def _cut_core(self, core: str, patterns: Patterns) -> list[str] | tuple[str, ...]:
        exception = self._exceptions.get(core)
        if exception is not None:
            return exception
        if not patterns.any_infix.search(core) or _is_url(core, patterns):
            return [core] if core else []
        for infix, replacement in patterns.infixes:
            core = infix.sub(replacement, core)
        return [token for token in core.split(" ") if token]

    def _join_phrases(self, tokens: list[str]) -> list[str]:
        """Joins what was cut apart though it is an exception: "fun : )" to "fun :)"."""
        phrases = self._phrases
        if phrases.keys().isdisjoint(tokens):
            return tokens
        joined, i = [], 0
        while i < len(tokens):
            for phrase, meaning in phrases.get(tokens[i], ()):
                if tokens[i : i + len(phrase)] == phrase:
                    joined += meaning
                    i += len(phrase)
                    break
            else:
                joined.append(tokens[i])
                i += 1
        return joined


def _end_of_prefix(word: str, patterns: Patterns) -> int:
    match = patterns.prefix.match(word)
    if match is None:
        return 0
    return match.start(1) if match.lastindex else match.end()


def _begin_of_suffix(word: str, patterns: Patterns) -> int:
    # Full stops are the only suffix that may be of any length.
    begin = max(0, min(len(word), len(word.rstrip(".")) + 1) - LONGEST_SUFFIX)
    match = patterns.suffix.search(word, begin)
    if match is None:
        return len(word)
    return match.end(match.lastindex) if match.lastindex else match.start()


def _is_url(word: str, patterns: Patterns) -> bool:
    # Each begins with a host, or has one after "://" or "@": no dot, no address.
    if "." not in word or not patterns.url.fullmatch(word):
        return False
    return not patterns.private_address.fullmatch(word)
