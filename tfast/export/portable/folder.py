"""Writing a portable folder: whole or not at all, and only if its reader gives the answers.

docs/portable_folder.md describes the format; `tfast.runtime` reads it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfast.files import atomic_write
from tfast.runtime.folder import DESCRIPTION
from tfast.types import PathLike

NUM_EXAMPLES = 5


class Contents(NamedTuple):
    """What a portable folder is to hold."""

    model: tuple[str, bytes]  # name and content of the model file
    others: Mapping[str, bytes]  # further files by name
    settings: Mapping[str, Any]  # entries of tfast.json that say how inputs are read


def write_folder(
    directory: PathLike,
    contents: Contents,
    *,
    kind: str,
    precision: str,
    class_names: Sequence[str],
    tolerance: float,
    examples: Sequence[Mapping[str, Any]],
    prepare: Any = None,
    check: Any = None,
    overwrite: bool,
    format_number: int = 1,
) -> None:
    """Writes the files and `tfast.json`.

    Args:
        directory: the folder. It appears whole or not at all.
        contents: what it holds.
        kind: "text" or "image".
        precision: of the weights.
        class_names: list of str.
        tolerance: the largest difference of a probability that a reader may find.
        examples: each with the input and `probabilities`.
        prepare: a function of the temporary folder that writes further files, or None.
        check: a function of the temporary folder that raises a ValueError if it is not right.
        overwrite: whether an existing directory may be replaced.
        format_number: the oldest format that has all that is written.

    Raises:
        ValueError: `directory` exists and `overwrite` is False; and what `check` raises.
    """
    name, content = contents.model
    with atomic_write(directory, overwrite=overwrite) as folder:
        folder.mkdir()
        for file_name, file_content in {name: content, **contents.others}.items():
            (folder / file_name).write_bytes(file_content)
        if prepare is not None:
            prepare(folder)
        description = {
            "format": format_number,
            "kind": kind,
            "model": name,
            "precision": precision,
            "class_names": list(class_names),
            "files": digests(folder),
            "tolerance": tolerance,
            "examples": list(examples),
            **contents.settings,
        }
        text = json.dumps(description, ensure_ascii=False, indent=1)
        (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
        if check is not None:
            check(folder)


def check_difference(
    found: np.ndarray, expected: np.ndarray, tolerance: float, description: str
) -> float:
    """The largest difference of a probability.

    Raises:
        ValueError: it is above the tolerance, or no number.
    """
    difference = float(np.abs(found - expected).max(initial=0))
    if not difference <= tolerance:
        raise ValueError(
            f"a probability of the {description} differs by {difference:.2g} from the model's; the "
            f"tolerance is {tolerance}"
        )
    return difference


def examples_with_answers(
    name: str, inputs: Sequence[str], probabilities: np.ndarray
) -> list[dict[str, Any]]:
    """The `examples` of `tfast.json`: the first five inputs with the model's answers."""
    pairs = zip(inputs[:NUM_EXAMPLES], probabilities[:NUM_EXAMPLES].tolist(), strict=True)
    return [{name: some, "probabilities": answer} for some, answer in pairs]


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in the folder, by its path with slashes."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found[path.relative_to(folder).as_posix()] = digest
    return found
