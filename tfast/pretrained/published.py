"""Folders that `publish` wrote, on this machine or on the Hugging Face hub.

`pretrained.json` says what there is: kind, preprocessing or reading direction, class names,
licence and accuracy, and the SHA-256 of every other file but the card.
"""

import json
from pathlib import Path
from typing import Any

import keras

from tfast.pretrained.keras_files import TEXT_MODELS, read_keras, read_vocabulary
from tfast.pretrained.records import Pretrained
from tfast.pretrained.sources import Source
from tfast.text.models.sizes import num_classes
from tfast.text.tokenization.sentencepiece_splitter import ASSET
from tfast.text.tokenization.tokenizer_files import TOKENIZER_FILE, load_tokenizer
from tfast.vision.preprocessing import ImagePreprocessing

DESCRIPTION = "pretrained.json"
FORMAT = 1
MODEL, VOCABULARY = "model.keras", "vocabulary.txt"


def load(source: Source) -> Pretrained:
    """Reads a published folder.

    Raises:
        ValueError: a file is missing, damaged, or not the one that was published; or there is not
            a name for each class.
        ImportError: words are split by SentencePiece, and TensorFlow Text is not installed.
    """
    path = source.path(DESCRIPTION)
    description = _read(path)
    model = read_keras(_file(source, description, MODEL))
    try:
        loaded = _with_model(source, description, model)
        _check_class_names(path, loaded)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} must be what publish wrote, got {error!r}") from None
    return loaded


def _with_model(source: Source, description: dict[str, Any], model: keras.Model) -> Pretrained:
    names = description["class_names"]
    common: dict[str, Any] = {"class_names": None if names is None else tuple(names)}
    if description["kind"] == "image":
        size = description["image_size"]
        common |= {
            "preprocessing": ImagePreprocessing.from_dict(description["preprocessing"]),
            "image_size": None if size is None else (int(size[0]), int(size[1])),
        }
    else:
        if not isinstance(model, TEXT_MODELS):
            raise ValueError(f"{MODEL} must be a text model, got {type(model).__name__}")
        settings = _file(source, description, TOKENIZER_FILE)
        if ASSET in description["files"]:
            _file(source, description, ASSET)  # so that it is fetched and checked
        common |= {
            "vocabulary": read_vocabulary(_file(source, description, VOCABULARY), model),
            "tokenizer": load_tokenizer(settings.parent),
            "reverse": bool(description["reverse"]),
        }
    provenance = source.provenance(
        licence=description["licence"], expected_accuracy=description["accuracy"]
    )
    return Pretrained(source.name, model, provenance, **common)


def _check_class_names(path: Path, loaded: Pretrained) -> None:
    """Raises a ValueError unless there are as many names as classes, or none were published."""
    if loaded.class_names is None:
        return
    is_text = loaded.vocabulary is not None
    number = num_classes(loaded.model) if is_text else loaded.model.output_shape[-1]
    if len(loaded.class_names) != number:
        raise ValueError(
            f"{path}: class_names must be {number}, one for each class of {MODEL}, got "
            f"{len(loaded.class_names)}"
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        if description["format"] != FORMAT or not isinstance(description["files"], dict):
            raise ValueError(f"format {description['format']}")
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} must be what publish wrote, got {error!r}") from None
    return description


def _file(source: Source, description: dict[str, Any], name: str) -> Path:
    path = source.path(name)
    found, published = source.sha256[name], description["files"].get(name)
    if found != published:
        raise ValueError(
            f"{path} must be the file that was published, of SHA-256 {published}, got {found}"
        )
    return path
