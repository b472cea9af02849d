"""Reading the vocabulary of a portable folder."""

import re
from pathlib import Path

from tfast.runtime.errors import FolderError

UNKNOWN_ID, PADDING_ID = 0, 1
_SPECIAL_TOKENS = ["xxunk", "xxpad", "xxbos", "xxeos", "xxfld", "xxrep", "xxwrep", "xxup", "xxmaj"]
_ESCAPE = re.compile(r"\\(?:[\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def read_vocabulary(file: Path) -> dict[str, int]:
    r"""Tokens to their ids.

    Args:
        file: one token a line, escaped: `\n`, `\x20`, `\u200b`, `\\`.

    Raises:
        FolderError: it does not begin with the special tokens, or repeats one.
    """
    text = file.read_bytes().decode("utf-8")
    tokens = text.removesuffix("\n").split("\n")
    if "\\" in text:
        tokens = [_ESCAPE.sub(_unescape, token) if "\\" in token else token for token in tokens]
    ids = {token: i for i, token in enumerate(tokens)}
    if tokens[: len(_SPECIAL_TOKENS)] != _SPECIAL_TOKENS or len(ids) < len(tokens):
        raise FolderError(f"{file} is no vocabulary")
    return ids


def _unescape(match: re.Match) -> str:
    return match[0].encode().decode("unicode_escape")
