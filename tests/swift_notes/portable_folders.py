"""Writes portable folders, as docs/portable_folder.md describes them, for the Swift tests."""

import base64
import hashlib
import html
import html.entities
import json
from pathlib import Path

import tfast.text.tokenization

_DATA = Path(tfast.text.tokenization.__file__).parent / "data"


def tokenizer_json() -> bytes:
    """The content of tokenizer.json."""
    english = json.loads((_DATA / "spacy_english.json").read_text("utf-8"))
    unicode_tables = json.loads((_DATA / "unicode.json").read_text("utf-8"))
    planes = range(0, 0x110000, 0x10000)
    last_two = [plane + last for plane in planes for last in (0xFFFE, 0xFFFF)]
    candidates = [*range(0xA0), *range(0xFDD0, 0xFDF0), *last_two]
    meanings = {point: html.unescape(f"&#{point};") for point in candidates}
    tables = english | {
        "classes": english["classes"] | unicode_tables["classes"],
        "lowercase": unicode_tables["lowercase"],
        "html_references": html.entities.html5,
        "html_numbers": {str(p): text for p, text in meanings.items() if text != chr(p)},
    }
    return json.dumps(tables, ensure_ascii=False).encode()


def write_folder(folder, files, **description):
    """Writes files, bytes by name, and the tfast.json that names them."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    description = {"format": 1, "model": "model.onnx", "files": digests} | description
    (folder / "tfast.json").write_text(json.dumps(description), encoding="utf-8")


def write_text_folder(
    folder, model, vocabulary, class_names, examples, *, precision, max_tokens=None, **options
):
    """A text classifier's folder.

    Args:
        folder: where it shall be.
        model: content of model.onnx.
        vocabulary: a `Vocabulary`.
        class_names: list of str.
        examples: pairs of a text, str, and its probabilities.
        precision: what tfast.json says of it.
        max_tokens: likewise.
        **options: `add_start`, `add_end`, `mark_fields`, `reverse`.
    """
    vocabulary.save(folder.with_suffix(".txt"))
    files = {
        "model.onnx": model,
        "vocabulary.txt": folder.with_suffix(".txt").read_bytes(),
        "tokenizer.json": tokenizer_json(),
    }
    tokenizer = {"add_start": True, "add_end": False, "mark_fields": False, "reverse": False}
    write_folder(
        folder,
        files,
        kind="text",
        precision=precision,
        class_names=class_names,
        tolerance=1e-3,
        examples=[{"text": t, "probabilities": list(map(float, p))} for t, p in examples],
        tokenizer={"splitter": "english", "max_tokens": max_tokens} | tokenizer | options,
    )


def write_image_folder(folder, model, class_names, examples, preprocessing, image_size):
    """An image classifier's folder; `examples` are pairs of a file's bytes and probabilities."""
    write_folder(
        folder,
        {"model.onnx": model},
        kind="image",
        precision="float32",
        class_names=class_names,
        tolerance=1e-3,
        examples=[
            {"image": base64.b64encode(i).decode(), "probabilities": list(map(float, p))}
            for i, p in examples
        ],
        image={"image_size": list(image_size), "preprocessing": preprocessing.to_dict()},
    )
