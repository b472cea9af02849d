"""fastai's text models from three files: weights, vocabulary and SentencePiece model.

Which of the three there are says how their texts were split:

- weights and vocabulary: English words, by fastai's rules and spaCy;
- all three: pieces, after fastai's rules;
- weights and SentencePiece model: pieces of the text as it is; the pieces are the vocabulary.
"""

from collections.abc import Sequence
from pathlib import Path

from tfast.fastai.conversion import StateDict
from tfast.fastai.kinds import kind_of
from tfast.fastai.text_models import language_model_from_fastai, text_classifier_from_fastai
from tfast.fastai.vocabularies import load_vocabulary, with_special_tokens_first
from tfast.pretrained.records import Pretrained
from tfast.pretrained.sources import Source
from tfast.text.tokenization import special_tokens
from tfast.text.tokenization.sentencepiece_splitter import SentencePieceSplitter
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

_CONVERTERS = {
    "language_model": language_model_from_fastai,
    "text_classifier": text_classifier_from_fastai,
}
# SentencePiece's own names, in models that were trained for a text as it is.
_CONTROL_PIECES = {
    "<unk>": special_tokens.UNKNOWN,
    "<pad>": special_tokens.PADDING,
    "<s>": special_tokens.TEXT_START,
    "</s>": special_tokens.TEXT_END,
}


def read_text_model(
    source: Source,
    state_dict: StateDict,
    *,
    vocabulary: Path | None,
    sentencepiece: Path | None,
    reverse: bool,
) -> Pretrained:
    """Reads and converts a language model or text classifier of fastai.

    Args:
        source: what is being loaded, for the record.
        state_dict: what `learn.save()` writes.
        vocabulary: fastai's list of words, or None.
        sentencepiece: SentencePiece's model, or None.
        reverse: whether the model reads documents from their end.

    Returns:
        The model, its tokenizer and its vocabulary, our special tokens first.

    Raises:
        ValueError: a file is damaged or of another kind, or they do not fit together.
        ImportError: there is a SentencePiece model, and TensorFlow Text is not installed.
    """
    kind = kind_of(state_dict)
    if kind not in _CONVERTERS:
        raise ValueError(f"pretrained must be a text model, got {kind}: {source.name}")
    splitter = SentencePieceSplitter(sentencepiece) if sentencepiece else None
    labels = None
    if vocabulary is not None:
        words, labels = load_vocabulary(vocabulary)
        words = without_piece_marks(words) if splitter else words
    elif splitter is not None:
        words = [_CONTROL_PIECES.get(piece, piece) for piece in splitter.pieces()]
    else:
        raise ValueError(f"pretrained must have its vocabulary beside it, got none: {source.name}")
    state_dict, ordered = with_special_tokens_first(state_dict, words)
    return Pretrained(
        source.name,
        _CONVERTERS[kind](state_dict),
        source.provenance(notes=_notes(words, reverse=reverse)),
        tokenizer=_tokenizer(splitter, has_rules=vocabulary is not None),
        vocabulary=Vocabulary(ordered),
        class_names=tuple(labels) if labels else None,
        reverse=reverse,
    )


def without_piece_marks(words: Sequence[str]) -> list[str]:
    """The words of a SentencePiece vocabulary of fastai's, special tokens as the rules write them.

    SentencePiece puts "▁" before special tokens too. So fastai's vocabulary has two of each: the
    one that was learned, "▁xxmaj", and the one it has from elsewhere, "xxmaj", which never came.
    They change their names. Not those of unknown words and padding, which no text holds.

    Args:
        words: in the order of the ids.

    Returns:
        The new names, in the same order.

    Examples:
        >>> without_piece_marks(["xxunk", "xxmaj", "▁der", "▁xxmaj", "▁xxunk"])
        ['xxunk', '▁xxmaj', '▁der', 'xxmaj', '▁xxunk']

    Source: fastai 2.8.12 `SentencePieceTokenizer.train`, `make_vocab`.
    """
    renamed: dict[str, str] = {}
    for token in special_tokens.SPECIAL_TOKENS:
        marked = f"▁{token}"
        if marked in words and token not in (special_tokens.UNKNOWN, special_tokens.PADDING):
            renamed |= {marked: token, token: marked}
    return [renamed.get(word, word) for word in words]


def _tokenizer(splitter: SentencePieceSplitter | None, *, has_rules: bool) -> TextTokenizer:
    if splitter is None:
        return TextTokenizer()
    # Without fastai's rules each text began with <s> and ended with </s>.
    return TextTokenizer(splitter, apply_rules=has_rules, add_end=not has_rules)


def _notes(words: Sequence[str], *, reverse: bool) -> list[str]:
    missing = [token for token in special_tokens.SPECIAL_TOKENS if token not in words]
    notes = ["reads documents from their end"] if reverse else []
    if missing:
        notes.append(f"{' '.join(missing)} have the mean row: the weights do not know them")
    return notes
