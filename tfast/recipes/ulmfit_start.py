"""What a ULMFiT run starts from: language models of one's own, or published ones."""

import dataclasses
from pathlib import Path
from typing import Any

from tfast.pretrained.loading import load
from tfast.pretrained.records import Pretrained, Provenance
from tfast.recipes.ulmfit_recipe import UlmfitRecipe
from tfast.saving import load_model
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.sentencepiece_splitter import SentencePieceSplitter
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.tokenization.tokenizer_files import load_tokenizer
from tfast.text.ulmfit import transfer_vocabulary
from tfast.text.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class TextStart:
    """What is there before the training.

    Attributes:
        models: the language models by direction, True for backward; may be empty.
        vocabulary: theirs, or None.
        tokenizer: from strings to tokens, as they were trained.
        provenance: of published weights, in the order of `models`.
    """

    models: dict[bool, LanguageModel] = dataclasses.field(default_factory=dict)
    vocabulary: Vocabulary | None = None
    tokenizer: TextTokenizer = dataclasses.field(default_factory=TextTokenizer)
    provenance: tuple[Provenance, ...] = ()

    @property
    def has_pieces(self) -> bool:
        """Whether the vocabulary is of pieces, which no text has others of."""
        return isinstance(self.tokenizer.splitter, SentencePieceSplitter)

    def settings(self) -> dict[str, Any]:
        """What a resumed run must agree on with the interrupted one."""
        if not self.provenance:
            return {}
        return {"pretrained_files": [dict(one.sha256) for one in self.provenance]}


def read_pretrained(recipe: UlmfitRecipe) -> TextStart:
    """The language models to start from, with the vocabulary and the tokenizer that they know.

    Raises:
        ValueError: they are missing, damaged or of another kind.
        ImportError: a package is needed that is not installed.
    """
    file = recipe.pretrained
    if file is None:
        return TextStart()
    if not isinstance(file, Path) or file.suffix != ".keras":
        return load_published(recipe)
    files = {False: file}
    if recipe.backward:
        files[True] = file.with_name(f"backward_{file.name}")
    vocabulary_file = file.with_name("vocabulary.txt")
    for path in (*files.values(), vocabulary_file):
        if not path.is_file():
            raise ValueError(f"pretrained: {path} is missing")
    vocabulary, models = Vocabulary.load(vocabulary_file), {}
    for reverse, path in files.items():
        try:
            model = load_model(path, compile=False)
        except Exception as error:  # whatever zip, JSON, HDF5 and Keras raise over a damaged file
            raise ValueError(f"pretrained: {path} cannot be read: {error}") from error
        if not isinstance(model, LanguageModel):
            raise ValueError(
                f"pretrained must be a LanguageModel, got {type(model).__name__} from {path}"
            )
        size = model.encoder.settings["vocab_size"]
        if size != len(vocabulary):
            raise ValueError(
                f"pretrained: {path} has {size} words, but {vocabulary_file} {len(vocabulary)}"
            )
        models[reverse] = model
    return TextStart(models, vocabulary, load_tokenizer(file.parent))


def load_published(recipe: UlmfitRecipe) -> TextStart:
    """The published language models that a recipe names.

    Raises:
        ValueError: they are missing, damaged, or no language models of these directions.
        ImportError: a package is needed that is not installed.
    """
    assert recipe.pretrained is not None  # for mypy
    names = {False: recipe.pretrained}
    if recipe.backward:
        names[True] = backward_name(recipe.pretrained)
    loaded = {reverse: _load(name, reverse, recipe) for reverse, name in names.items()}
    first = loaded[False]
    assert first.vocabulary is not None  # for mypy
    assert first.tokenizer is not None
    return TextStart(
        {reverse: _in_vocabulary(one, first.vocabulary) for reverse, one in loaded.items()},
        first.vocabulary,
        first.tokenizer,
        tuple(one.provenance for one in loaded.values()),
    )


def backward_name(name: str | Path) -> str | Path:
    """The backward model that belongs to a forward one.

    Raises:
        ValueError: none is known.

    Examples:
        >>> backward_name("fastai/wt103-fwd"), backward_name(Path("models/wt103-fwd.tgz")).name
        ('fastai/wt103-bwd', 'wt103-bwd.tgz')
        >>> backward_name("tf2-ulmfit/en")
        Traceback (most recent call last):
        ValueError: backward must be left out: no backward model belongs to tf2-ulmfit/en
    """
    last = name.name if isinstance(name, Path) else name
    if "fwd" not in last:
        raise ValueError(f"backward must be left out: no backward model belongs to {name}")
    backward = last.replace("fwd", "bwd")
    return name.with_name(backward) if isinstance(name, Path) else backward


def _load(name: str | Path, reverse: bool, recipe: UlmfitRecipe) -> Pretrained:
    loaded = load(name, download=recipe.download)
    if not isinstance(loaded.model, LanguageModel):
        raise ValueError(f"pretrained must be a LanguageModel, got another model: {name}")
    if loaded.reverse != reverse:
        wanted, got = ("backward", "forward") if reverse else ("forward", "backward")
        raise ValueError(f"pretrained must be a {wanted} model here, got a {got} one: {name}")
    for note in loaded.provenance.notes:
        print(f"{name}: {note}")
    return loaded


def _in_vocabulary(loaded: Pretrained, vocabulary: Vocabulary) -> LanguageModel:
    """The model, for the vocabulary of the forward one; as a rule it is the same."""
    assert loaded.vocabulary is not None  # for mypy
    if loaded.vocabulary == vocabulary:
        return loaded.model
    return transfer_vocabulary(loaded.model, loaded.vocabulary.words, vocabulary.words)
