"""A trained model with all that others need to use it, in one folder for the hub."""

import contextlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from tfast.export.images import known_image_size
from tfast.export.portable.folder import digests
from tfast.export.portable.images import export_portable_image_classifier
from tfast.export.portable.text import export_portable_text_classifier
from tfast.export.saved_model import check_class_names
from tfast.export.text import check_vocabulary
from tfast.files import atomic_write
from tfast.pretrained.fastai_weights import write_fastai_weights
from tfast.pretrained.keras_files import ONLY_FORWARD, TEXT_MODELS, read_keras
from tfast.pretrained.loading import load
from tfast.pretrained.model_cards import ModelCard
from tfast.pretrained.published import DESCRIPTION, FORMAT, MODEL, VOCABULARY
from tfast.text.models.language_model import LanguageModel
from tfast.text.models.sizes import num_classes, vocabulary_size
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.tokenization.tokenizer_files import save_tokenizer
from tfast.text.vocabulary import Vocabulary
from tfast.types import PathLike
from tfast.vision.preprocessing import ImagePreprocessing

# How far an answer of the folder may be from the model's.
TOLERANCE = 1e-6
_CARD = "README.md"


def publish(
    model: keras.Model,
    folder: PathLike,
    card: ModelCard,
    *,
    class_names: Sequence[str] | None = None,
    preprocessing: ImagePreprocessing | None = None,
    image_size: int | Sequence[int] | None = None,
    tokenizer: TextTokenizer | None = None,
    vocabulary: Vocabulary | None = None,
    reverse: bool = False,
    portable: str | None = "onnx",
    overwrite: bool = False,
) -> None:
    """Writes a folder to upload to the Hugging Face hub, or to give to colleagues.

    It holds, and nothing of it is a pickle:

    - `README.md`, the card;
    - `model.keras`, and the same unpacked, which `keras.saving.load_model("hf://...")` reads;
    - `vocabulary.txt` and `text_tokenizer.json` of a text model (and `sentencepiece.model`, where
      it has one), or `preprocessing.json` of an image model;
    - `fastai.safetensors`, a state dict with fastai's names, where the model is one that fastai
      has (`fastai_forward` and `fastai_backward` of a model of both directions);
    - `portable/` of a classifier, see `export_portable_image_classifier`;
    - `pretrained.json`, by which `tfast.pretrained.load(folder)` reads it.

    The folder is loaded before it appears, and gives the model's answers to 1e-6.

    Args:
        model: an image classifier, a `TextClassifier`, a `ForwardBackwardClassifier`, a
            `BlendedClassifier` or a `LanguageModel`. State of an optimizer is left out.
        folder: to write. It appears whole or not at all.
        card: what the model does not tell.
        class_names: of a classifier, one for each class in order.
        preprocessing: of an image model.
        image_size: of an image model, height and width; may be left out where its input is fixed.
        tokenizer: of a text model.
        vocabulary: of a text model.
        reverse: whether a text model reads documents from their end.
        portable: "onnx" or "litert", for which their extras must be installed; None for no
            `portable/`.
        overwrite: whether an existing folder is replaced.

    Raises:
        ValueError: the folder exists, an argument is missing or does not fit the model, or what
            was written gives other answers.
        ImportError: safetensors or the runtime of `portable` is not installed.

    Examples:
        >>> model = keras.Sequential(
        ...     [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> card = ModelCard(title="Toy", data="none", licence=None)
        >>> folder = Path(tempfile.mkdtemp(), "toy")
        >>> publish(model, folder, card, class_names=["cat", "dog"],
        ...         preprocessing=ImagePreprocessing(), portable=None)
        >>> load(folder).class_names
        ('cat', 'dog')
    """
    parts = _Parts(class_names, preprocessing, tokenizer, vocabulary, reverse)
    if isinstance(model, TEXT_MODELS):
        kind = "language_model" if isinstance(model, LanguageModel) else "text"
        size = None
    else:
        kind, size = "image", known_image_size(model, image_size)
    names = _check(parts, kind, model)
    with atomic_write(folder, overwrite=overwrite) as written:
        written.mkdir()
        bare = _without_optimizer(model)
        bare.save(written / MODEL)
        keras.saving.save_model(bare, str(written), zipped=False)
        with contextlib.suppress(OSError):
            (written / "assets").rmdir()  # empty, which the hub would not keep
        write_fastai_weights(model, written)
        _write_inputs(parts, written)
        if portable is not None and names:
            _write_portable(model, written / "portable", parts, names, size, portable)
        description = {
            "format": FORMAT,
            "kind": kind,
            "class_names": names,
            "image_size": size,
            "preprocessing": preprocessing.to_dict() if preprocessing else None,
            "reverse": reverse,
            "licence": card.licence,
            "accuracy": card.accuracy,
            "files": digests(written),
        }
        _write_json(written / DESCRIPTION, description)
        (written / _CARD).write_text(
            card.text(kind, digests(written), class_names=names or ()), encoding="utf-8"
        )
        _compare(model, load(written).model, size)


class _Parts(NamedTuple):
    class_names: Sequence[str] | None
    preprocessing: ImagePreprocessing | None
    tokenizer: TextTokenizer | None
    vocabulary: Vocabulary | None
    reverse: bool


def _check(parts: _Parts, kind: str, model: keras.Model) -> list[str] | None:
    """Refuses what is missing or of another kind; gives the class names."""
    needed = {
        "image": ("class_names", "preprocessing"),
        "text": ("class_names", "tokenizer", "vocabulary"),
        "language_model": ("tokenizer", "vocabulary"),
    }[kind]
    for name in ("class_names", "preprocessing", "tokenizer", "vocabulary"):
        value = getattr(parts, name)
        if (value is not None) != (name in needed):
            wanted = "given" if name in needed else "None"
            raise ValueError(
                f"{name} must be {wanted} for a {type(model).__name__}, got {value!r:.60}"
            )
    if parts.reverse and (kind == "image" or isinstance(model, ONLY_FORWARD)):
        raise ValueError(f"reverse must be False for a {type(model).__name__}, got True")
    if parts.vocabulary is not None:
        check_vocabulary(model, parts.vocabulary)
    if parts.class_names is None:
        return None
    number = model.output_shape[-1] if kind == "image" else num_classes(model)
    return check_class_names(parts.class_names, number)


def _without_optimizer(model: keras.Model) -> keras.Model:
    """The same model, not compiled: an optimizer's state is twice the weights."""
    if getattr(model, "optimizer", None) is None:
        return model
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, MODEL)
        model.save(path)
        return read_keras(path)


def _write_inputs(parts: _Parts, folder: Path) -> None:
    if parts.preprocessing is not None:
        _write_json(folder / "preprocessing.json", parts.preprocessing.to_dict())
    if parts.vocabulary is not None and parts.tokenizer is not None:
        parts.vocabulary.save(folder / VOCABULARY)
        save_tokenizer(parts.tokenizer, folder)


def _write_portable(
    model: keras.Model,
    folder: Path,
    parts: _Parts,
    names: list[str],
    size: tuple[int, int] | None,
    file_format: str,
) -> None:
    if parts.preprocessing is not None:
        export_portable_image_classifier(
            model, folder, names, parts.preprocessing, file_format=file_format, image_size=size
        )
    else:
        assert parts.tokenizer is not None  # for mypy
        assert parts.vocabulary is not None
        export_portable_text_classifier(
            model, folder, names, parts.tokenizer, parts.vocabulary,
            file_format=file_format, reverse=parts.reverse,
        )  # fmt: skip


def _compare(model: keras.Model, loaded: keras.Model, size: tuple[int, int] | None) -> None:
    """Raises a ValueError unless both give the same answers."""
    random = np.random.default_rng(0)
    if size is not None:
        inputs: Any = random.normal(size=(2, *size, 3)).astype("float32")
    else:
        token_ids = random.integers(0, vocabulary_size(model), (2, 12), "int32")
        lengths = np.array([12, 5], "int32")
        inputs = {"token_ids": token_ids, "lengths": lengths}
    answers = []
    for one in (model, loaded):
        if isinstance(one, LanguageModel):
            answers.append(one.next_logits(inputs["token_ids"])[0])
        else:
            answers.append(one(inputs, training=False))
    expected, found = (keras.ops.convert_to_numpy(answer).astype("float64") for answer in answers)
    difference = np.abs(found - expected).max(initial=0) / max(1, np.abs(expected).max(initial=0))
    if not difference <= TOLERANCE:
        raise ValueError(f"the folder gives other answers than the model, by {difference:.2g}")


def _write_json(path: Path, content: Any) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
