"""fastai's rules that look further than one word, on Python strings.

They give what the graph of the SavedModel gives, which `tfast.text` holds against fastai.

Source: fastai.text.core, `defaults.text_proc_rules`.
"""

import html
import re

# fastai's names of what stands for something other than itself.
TEXT_START, TEXT_END, FIELD = "xxbos", "xxeos", "xxfld"
REPEATED_CHARACTER, REPEATED_WORD = "xxrep", "xxwrep"
ALL_CAPITALS, CAPITALIZED = "xxup", "xxmaj"

CHARACTER_RUN = re.compile(r"(\S)\1\1+")
MARKED_SIGN = re.compile(r"[/#\\]")
# "@" where a name follows, which "me@example.org" and "@_@" do not have. Not fastai's.
MENTION = re.compile("(?<![A-Za-z0-9_])@(?=[A-Za-z0-9])")

# In this order: a later one may see what an earlier one made.
_MESS = {
    "#39;": "'",
    "amp;": "&",
    "#146;": "'",
    "nbsp;": " ",
    "#36;": "$",
    r"\n": "\n",
    "quot;": "'",
    "<br />": "\n",
    r"\"": '"',
    "<unk>": "xxunk",
    " @.@ ": ".",
    " @-@ ": "-",
    "...": " …",
}
_WORDS_AND_GAPS = re.compile(r"(\s+)")


def clean(text: str | bytes) -> str:
    """Bytes as text; what is not UTF-8, and what the graph uses for itself, as U+FFFD."""
    if isinstance(text, str):
        if text.isascii():
            return text
        text = text.encode("utf-8", "surrogatepass")  # a str may hold half of a pair
    return text.decode("utf-8", "replace").replace("\ufdd0", "\ufffd").replace("\ufdd1", "\ufffd")


def fix_html(text: str) -> str:
    r"""Undoes what web pages and data sets left in texts: "<br />", "amp;", "&eacute;" ...

    Examples:
        >>> fix_html("Tom amp; Jerry<br />caf&eacute;")
        'Tom & Jerry\ncafé'
    """
    # No replacement makes a character that another one looks for: few texts have them.
    if ";" in text or "\\" in text or "@" in text:
        for mess, meaning in _MESS.items():
            text = text.replace(mess, meaning)
    else:
        if "<" in text:
            text = text.replace("<br />", "\n").replace("<unk>", "xxunk")
        text = text.replace("...", _MESS["..."])
    return html.unescape(text)


def mark_character_runs(text: str) -> str:
    """Writes a character that comes three times or more as "xxrep", count, character.

    Examples:
        >>> mark_character_runs("so good!!!!")
        'so good xxrep 4 ! '
    """
    return CHARACTER_RUN.sub(_mark_run, text)


def _mark_run(run: re.Match) -> str:
    return f" {REPEATED_CHARACTER} {len(run[0])} {run[0][0]} "


def mark_word_runs(text: str, stem: re.Pattern) -> str:
    r"""Writes a word that comes three times or more as "xxwrep", count, word.

    The last of a run may have something after it that is not part of a word: "no no no!".

    Args:
        text: a text.
        stem: matches the characters of a word, at its start.

    Examples:
        >>> mark_word_runs("very very very good", re.compile(r"\w*"))
        ' xxwrep 3 very  good'
    """
    pieces = _WORDS_AND_GAPS.split(text)
    words, gaps = pieces[::2], [*pieces[1::2], ""]
    written: list[str] = []
    begin = 0
    while begin < len(words):
        end, word = begin + 1, words[begin]
        # A run's words are whole, but for the last.
        if words[end : end + 1] == [word] and word and stem.fullmatch(word):
            while end < len(words) and words[end] == word:
                end += 1
            if end < len(words) and (last := stem.match(words[end])) and last[0] == word:
                end += 1
        if end - begin < 3:
            written += [part for i in range(begin, end) for part in (words[i], gaps[i])]
        else:
            # The mark brings a space of its own in place of the one before it.
            if written:
                written[-1] = written[-1][:-1]
            tail = words[end - 1].removeprefix(word)
            written += [f" {REPEATED_WORD} {end - begin} {word} ", tail + gaps[end - 1]]
        begin = end
    return "".join(written)
