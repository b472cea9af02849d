"""The language models that a run starts from: those of a run of one's own, or published ones."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfast.pretrained.loading import load
from tfast.pretrained.records import Pretrained, Provenance
from tfast.text.gram_vectors import GramVectors
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.sentencepiece_splitter import SentencePieceSplitter
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.ulmfit import transfer_vocabulary
from tfast.text.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class TextStart:
    """What is there before the training.

    Attributes:
        models: the language models by direction, True for backward; may be empty.
        vocabulary: theirs, or None.
        tokenizer: from strings to tokens, as they were trained; for new models English, with
            mentions of names split.
        provenance: of the weights, in the order of `models`; empty where a run keeps no account
            of them.
        topic_vectors: of the words of `vocabulary`, or None.
    """

    models: dict[bool, LanguageModel] = dataclasses.field(default_factory=dict)
    vocabulary: Vocabulary | None = None
    tokenizer: TextTokenizer = dataclasses.field(
        default_factory=lambda: TextTokenizer(split_mentions=True)
    )
    provenance: tuple[Provenance, ...] = ()
    topic_vectors: GramVectors | None = None

    @property
    def has_pieces(self) -> bool:
        """Whether the vocabulary is of pieces, which no text has others of."""
        return isinstance(self.tokenizer.splitter, SentencePieceSplitter)

    def settings(self) -> dict[str, Any]:
        """What a resumed run must agree on with the interrupted one."""
        if not self.provenance:
            return {}
        return {"pretrained_files": [dict(one.sha256) for one in self.provenance]}


def read_language_models(names: Mapping[bool, str | Path], *, download: bool) -> TextStart:
    """Language models with the vocabulary and the tokenizer that they know.

    Args:
        names: of what `tfast.pretrained.load` reads, by direction, True for backward. The
            vocabulary and the tokenizer are those of the first.
        download: whether to fetch what is missing.

    Returns:
        A `TextStart`.

    Raises:
        ValueError: they are missing, damaged, or no language models of these directions.
        ImportError: a package is needed that is not installed.
    """
    loaded = {reverse: _read(name, reverse, download) for reverse, name in names.items()}
    first = next(iter(loaded.values()))
    assert first.vocabulary is not None  # for mypy
    assert first.tokenizer is not None
    return TextStart(
        {reverse: _in_vocabulary(one, first.vocabulary) for reverse, one in loaded.items()},
        first.vocabulary,
        first.tokenizer,
        tuple(one.provenance for one in loaded.values()),
        first.topic_vectors,
    )


def _read(name: str | Path, reverse: bool, download: bool) -> Pretrained:
    loaded = load(name, download=download)
    if not isinstance(loaded.model, LanguageModel):
        kind = type(loaded.model).__name__
        raise ValueError(f"pretrained must be a LanguageModel, got a {kind}: {name}")
    if loaded.reverse != reverse:
        wanted, got = ("backward", "forward") if reverse else ("forward", "backward")
        raise ValueError(f"pretrained must be a {wanted} model here, got a {got} one: {name}")
    for note in loaded.provenance.notes:
        print(f"{name}: {note}")
    return loaded


def _in_vocabulary(loaded: Pretrained, vocabulary: Vocabulary) -> LanguageModel:
    """The model, for the vocabulary of the first one; as a rule it is the same."""
    assert loaded.vocabulary is not None  # for mypy
    if loaded.vocabulary == vocabulary:
        return loaded.model
    return transfer_vocabulary(loaded.model, loaded.vocabulary.words, vocabulary.words)
