"""A `TextTokenizer` in a folder: its settings as JSON, and SentencePiece's model beside them."""

import json
from pathlib import Path
from typing import Any

from tfast.files import atomic_write
from tfast.text.tokenization.sentencepiece_splitter import ASSET, SentencePieceSplitter
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.types import PathLike

TOKENIZER_FILE = "text_tokenizer.json"
_FLAGS = ("apply_rules", "add_start", "add_end", "mark_fields")
# Written where they are True: older files do not have them.
_NEW_FLAGS = ("split_mentions",)


def save_tokenizer(tokenizer: TextTokenizer, folder: PathLike) -> None:
    """Writes `text_tokenizer.json`, and `sentencepiece.model` where words are split by one.

    Args:
        tokenizer: with the English splitter or a `SentencePieceSplitter`.
        folder: an existing folder.

    Raises:
        ValueError: another tokenizer or splitter.

    Examples:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> save_tokenizer(TextTokenizer(add_end=True), folder)
        >>> load_tokenizer(folder).add_end
        True
    """
    settings = tokenizer_settings(tokenizer)
    if isinstance(tokenizer.splitter, SentencePieceSplitter):
        tokenizer.splitter.save_assets(folder)
    with atomic_write(Path(folder) / TOKENIZER_FILE) as temporary:
        temporary.write_text(json.dumps(settings, indent=1) + "\n")


def tokenizer_settings(tokenizer: TextTokenizer) -> dict[str, Any]:
    """What `text_tokenizer.json` holds of a tokenizer.

    Raises:
        ValueError: see `save_tokenizer`.

    Examples:
        >>> tokenizer_settings(TextTokenizer())["splitter"]
        'english'
    """
    splitter = getattr(tokenizer, "splitter", None)
    is_sentencepiece = isinstance(splitter, SentencePieceSplitter)
    if type(tokenizer) is not TextTokenizer or not (splitter == "english" or is_sentencepiece):
        raise ValueError(
            "tokenizer must be a TextTokenizer for English or with a SentencePieceSplitter, "
            f"got {tokenizer!r:.80} with {splitter!r:.80}"
        )
    return {
        "splitter": "sentencepiece" if is_sentencepiece else "english",
        **{flag: getattr(tokenizer, flag) for flag in _FLAGS},
        **{flag: True for flag in _NEW_FLAGS if getattr(tokenizer, flag)},
    }


def load_tokenizer(
    folder: PathLike, *, splitter: SentencePieceSplitter | None = None
) -> TextTokenizer:
    """Reads what `save_tokenizer` wrote.

    Args:
        folder: one without `text_tokenizer.json` is of the tokenizer with no arguments.
        splitter: what splits words, in place of the folder's `sentencepiece.model`.

    Raises:
        ValueError: the file is damaged or of another splitter, or SentencePiece's model is missing.
        ImportError: words are split by SentencePiece, and TensorFlow Text is not installed.
    """
    file = Path(folder) / TOKENIZER_FILE
    if not file.is_file():
        return TextTokenizer()
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        kind, flags = settings["splitter"], {flag: settings[flag] for flag in _FLAGS}
        flags |= {flag: settings.get(flag, False) for flag in _NEW_FLAGS}
        if kind not in ("english", "sentencepiece") or set(map(type, flags.values())) != {bool}:
            raise TypeError
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"{file} must be the settings of a tokenizer, got other content") from None
    if kind == "sentencepiece":
        return TextTokenizer(splitter or SentencePieceSplitter(Path(folder) / ASSET), **flags)
    if splitter is not None:
        raise ValueError(f"{file} must be of a tokenizer with SentencePiece, got English")
    return TextTokenizer(**flags)
