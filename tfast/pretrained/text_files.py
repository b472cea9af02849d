"""fastai's text models in plain files: weights, with vocabulary or SentencePiece model beside."""

import dataclasses
import os
import re
from collections.abc import Iterable
from pathlib import Path

from tfast.fastai.conversion import StateDict
from tfast.fastai.reading import load_weights
from tfast.fastai.vocabularies import load_vocabulary
from tfast.pretrained.language_models import read_text_model
from tfast.pretrained.records import Pretrained
from tfast.pretrained.sources import TOPIC_VECTORS, FileSource, FolderSource, Source
from tfast.text.gram_vectors import GramVectors
from tfast.text.tokenization.sentencepiece_splitter import SentencePieceSplitter
from tfast.text.tokenization.tokenizer_files import TOKENIZER_FILE, load_tokenizer

_VOCABULARIES = [f"*{word}*.{end}" for word in ("vocab", "itos") for end in ("pkl", "json", "txt")]
# fastai_ulmfit has one for two folders.
_PIECES = ["*.model", "spm/*.model", "../spm/*.model"]


def load(source: Source) -> Pretrained:
    """Reads weights, their vocabulary or SentencePiece model, and what else there is.

    The catalogue has the names of the files in this order.

    Raises:
        ValueError: a file is missing, damaged or of another kind.
        ImportError: see `read_text_model`.
    """
    assert source.entry is not None  # for mypy
    weights, words = (source.path(name) for name in source.entry.files[:2])
    has_pieces = words.suffix == ".model"
    topics, settings = (
        source.path(name) if name in source.entry.files else None
        for name in (TOPIC_VECTORS, TOKENIZER_FILE)
    )
    loaded = read_text_model(
        source,
        load_weights(weights),
        vocabulary=None if has_pieces else words,
        sentencepiece=words if has_pieces else None,
        reverse=False,
    )
    return _with_topic_vectors(_with_tokenizer(loaded, settings), topics, words)


def from_state_dict(source: FileSource, state_dict: StateDict) -> Pretrained:
    """Converts a user's own weights, with the vocabulary that lies beside them.

    Topic vectors and settings of the tokenizer that lie there, as `scripts/pack_english.py` makes
    them, come too.

    Raises:
        ValueError: there is no vocabulary beside them, or several, or it does not fit.
        ImportError: see `read_text_model`.
    """
    beside = source.beside()
    vocabulary = _only("vocabulary", beside, _VOCABULARIES)
    pieces = _only("SentencePiece model", beside, _PIECES)
    topics, settings = beside.find(TOPIC_VECTORS), beside.find(TOKENIZER_FILE)
    loaded = read_text_model(
        source,
        state_dict,
        vocabulary=vocabulary,
        sentencepiece=pieces,
        reverse=is_backward(Path(source.folder.resolve().name, source.file)),
    )
    return _with_topic_vectors(_with_tokenizer(loaded, settings), topics, vocabulary)


def _with_tokenizer(loaded: Pretrained, path: Path | None) -> Pretrained:
    """Lets a file of settings say how texts are split, where there is one."""
    if path is None:
        return loaded
    assert loaded.tokenizer is not None  # for mypy
    splitter = loaded.tokenizer.splitter
    pieces = splitter if isinstance(splitter, SentencePieceSplitter) else None
    return dataclasses.replace(loaded, tokenizer=load_tokenizer(path.parent, splitter=pieces))


def _with_topic_vectors(loaded: Pretrained, path: Path | None, words: Path | None) -> Pretrained:
    """Adds vectors whose rows are in the order of the words of a file."""
    if path is None or words is None:
        return loaded
    assert loaded.vocabulary is not None  # for mypy
    file_words, _ = load_vocabulary(words)
    vectors = read_topic_vectors(path, len(file_words))
    # The special tokens of other vocabularies have been moved to the front.
    if tuple(file_words) != loaded.vocabulary.words:
        vectors = vectors.transfer(file_words, loaded.vocabulary.words)
    return dataclasses.replace(loaded, topic_vectors=vectors)


def read_topic_vectors(path: Path, num_words: int) -> GramVectors:
    """Vectors of a vocabulary of that many words.

    Raises:
        ValueError: the file is damaged, or of another vocabulary.
    """
    vectors = GramVectors.load(path)
    if len(vectors.words) != num_words:
        raise ValueError(
            f"{path.name} must have a vector for each of {num_words} words, got "
            f"{len(vectors.words)}"
        )
    return vectors


def is_backward(path: Path) -> bool:
    """Whether a file's name, or that of its folder, says that the model reads backwards.

    Examples:
        >>> [is_backward(Path(name)) for name in ("a/lstm_bwd.pth", "bwd/a.pth", "fwd/a.pth")]
        [True, True, False]
        >>> is_backward(Path("run/backward_language_model.keras"))
        True
    """
    in_name = re.search("(^|[^a-z])(bwd|backward)([^a-z]|$)", path.stem)
    return in_name is not None or re.search("(^|[^a-z])bwd$", path.parent.name) is not None


def _only(what: str, folder: FolderSource, patterns: Iterable[str]) -> Path | None:
    """The one file that fits, hashed; or None.

    Raises:
        ValueError: there are several.
    """
    found = sorted({path for pattern in patterns for path in folder.folder.glob(pattern)})
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(f"{folder.folder} must hold one {what}, got {names}")
    return folder.path(os.path.relpath(found[0], folder.folder)) if found else None
