"""Weights that are part of this package: nothing is fetched.

`bundled.json` has the SHA-256 of each file, and what a list of names shows. It and the folder of
weights are written by `scripts/pack_english.py`. Only the JSON is read when this is imported.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from tfast import __version__
from tfast.pretrained.entries import Entry
from tfast.pretrained.sources import TOPIC_VECTORS, FolderSource

WEIGHTS = Path(__file__).parent / "weights"
RECORD = Path(__file__).parent / "bundled.json"


class BundledSource(FolderSource):
    """A folder of this package.

    Args:
        entry: its line in the catalogue, with `bundled`.
        sha256: see `Source`.
    """

    entry: Entry

    def __init__(self, entry: Entry, sha256: Mapping[str, str] | None = None) -> None:
        assert entry.bundled is not None  # for mypy
        super().__init__(WEIGHTS / entry.bundled, entry, sha256)
        self.name = entry.name
        self.address = f"the package tfast {__version__}"

    def _missing(self, names: Iterable[str]) -> str:
        return (
            f"{self.name} must be in the package, got no {' or '.join(names)} in {self.folder}: "
            "install tfast again"
        )


def _text_entry(name: str) -> Entry:
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))[name]
    return Entry(
        name=f"tfast/{name}",
        kind="text",
        loader="tfast.pretrained.text_files",
        # The last one is the model's card, for people.
        files=(
            "weights.npz",
            "vocabulary.txt",
            TOPIC_VECTORS,
            "text_tokenizer.json",  # whose module imports TensorFlow
            "README.md",
        ),
        bundled=name,
        sha256=recorded["sha256"],
        num_bytes=recorded["num_bytes"],
        licence="cc-by-sa-3.0",  # of the texts
        result=recorded["result"],
    )


BUNDLED_ENTRIES = (_text_entry("english"),)
