"""Reading a portable folder: what is in it, and whether it is whole.

docs/portable_folder.md describes the format.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfast.runtime.errors import FolderError
from tfast.types import PathLike

FORMAT = 3  # the newest that is known
DESCRIPTION = "tfast.json"
_KINDS: dict[str, Any] = {
    "kind": str,
    "model": str,
    "precision": str,
    "class_names": list,
    "files": dict,
    "tolerance": (int, float),
    "examples": list,
}


class PortableFolder:
    """A folder whose files were all found whole.

    Args:
        directory: the folder.

    Attributes:
        directory: the folder, a `Path`.
        description: the content of `tfast.json`.

    Raises:
        FolderError: it is no such folder, of a newer format, or a file is missing or not the one
            that was written.
    """

    def __init__(self, directory: PathLike) -> None:
        self.directory = Path(directory)
        self.description = self._read_description()
        for name, digest in self.description["files"].items():
            self._check_file(name, digest)

    def path(self, name: str) -> Path:
        """Where a file of the folder is.

        Raises:
            FolderError: `tfast.json` does not list it.
        """
        if name not in self.description["files"]:
            raise FolderError(f"{self.directory} is incomplete: {DESCRIPTION} lists no {name}")
        return self.directory / name

    def read_json(self, name: str) -> Any:
        """The content of a JSON file of the folder."""
        return json.loads(self.path(name).read_bytes())

    def settings(self, key: str, kinds: Mapping[str, Any]) -> dict[str, Any]:
        """An object of `tfast.json`.

        Args:
            key: its name.
            kinds: name and type of what it must hold.

        Raises:
            FolderError: something is missing or of another type.
        """
        settings: Any = self.description.get(key)
        self._require(settings, kinds, f"{key}.")
        return dict(settings)

    def _read_description(self) -> dict[str, Any]:
        file = self.directory / DESCRIPTION
        try:
            description = json.loads(file.read_bytes())
        except OSError as error:
            raise FolderError(
                f"{self.directory} is no portable folder: {DESCRIPTION} cannot be read "
                f"({error.strerror})"
            ) from error
        except (ValueError, RecursionError) as error:
            raise FolderError(f"{file} is damaged: {error}") from error
        version = description.get("format") if isinstance(description, dict) else None
        if not isinstance(version, int):
            raise FolderError(f"{file} is damaged: it has no format")
        if version > FORMAT:
            raise FolderError(
                f"{self.directory} has format {version}; this version of tfast reads format "
                f"{FORMAT} and older ones: update tfast"
            )
        self._require(description, _KINDS, "")
        return description

    def _require(self, settings: Any, kinds: Mapping[str, Any], prefix: str) -> None:
        for name, kind in kinds.items():
            if not isinstance(settings, dict) or not isinstance(settings.get(name), kind):
                raise FolderError(
                    f"{self.directory / DESCRIPTION} is damaged: {prefix}{name} is missing or of "
                    "another type"
                )

    def _check_file(self, name: str, digest: str) -> None:
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or not set(parts).isdisjoint({"", ".", ".."}):
            raise FolderError(f"{self.directory} is damaged: {name!r} is no file inside it")
        try:
            with (self.directory / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise FolderError(
                f"{self.directory} is incomplete: {name} cannot be read ({error.strerror})"
            ) from error
        if found != digest:
            raise FolderError(
                f"{self.directory} is damaged: {name} is not the file that was written (SHA-256)"
            )
