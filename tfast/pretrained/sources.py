"""Where the files of a model are taken from: a folder, a file, the hub or an address.

All give the path of a file by its name, hash the whole of it, and say in one message what is
missing and where to get it.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tfast.pretrained import downloads, hub
from tfast.pretrained.checksums import check_given, check_remembered, sha256_of
from tfast.pretrained.entries import Entry
from tfast.pretrained.records import Provenance


class Source:
    """The files of one model.

    Args:
        name: what the user called it.
        entry: its line in the catalogue, or None.
        sha256: hashes that the user gave: file name to hexadecimal; the name "" stands for
            every file that is no `.json`.

    Attributes:
        address: for `Provenance`.
        given: `sha256` as it was given.
        revision: of a repository, the commit once a file was found; else None.
        sha256: file name to hash, of the files that were asked for.
    """

    address: str
    revision: str | None = None

    def __init__(
        self, name: str, entry: Entry | None = None, sha256: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.entry = entry
        self.given = dict(sha256 or {})
        self.sha256: dict[str, str] = {}

    def path(self, *names: str) -> Path:
        """The first of these files that there is, checked.

        Raises:
            ValueError: there is none, or it is not the one that was wanted.
        """
        for name in names:
            path = self.find(name)
            if path is not None:
                return path
        raise ValueError(self._missing(names))

    def find(self, name: str) -> Path | None:
        """A file, checked; or None where there is none of this name.

        Raises:
            ValueError: it is not the one that was wanted.
        """
        path = self._locate(name)
        if path is not None and name not in self.sha256:
            found = self._hash(path)
            check_given(path.name, found, self.given.get(name) or self._given_for_all(name))
            self.sha256[name] = found
        return path

    def provenance(
        self,
        *,
        licence: str | None = None,
        expected_accuracy: float | None = None,
        notes: Iterable[str] = (),
    ) -> Provenance:
        """The record of what was read so far; the catalogue fills in what is not given."""
        entry = self.entry
        return Provenance(
            source=self.address,
            revision=self.revision,
            sha256=dict(self.sha256),
            licence=licence or (entry.licence if entry else None),
            expected_accuracy=expected_accuracy or (entry.expected_accuracy if entry else None),
            notes=tuple(notes),
        )

    def _given_for_all(self, name: str) -> str | None:
        return None if name.endswith(".json") else self.given.get("")

    def _locate(self, name: str) -> Path | None:
        raise NotImplementedError

    def _hash(self, path: Path) -> str:
        return sha256_of(path)

    def _missing(self, names: Iterable[str]) -> str:
        return f"{self.address} must hold {' or '.join(names)}"


class FolderSource(Source):
    """A folder of the user's."""

    def __init__(
        self, folder: Path, entry: Entry | None = None, sha256: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(str(folder), entry, sha256)
        self.folder = folder
        self.address = str(folder)

    def _locate(self, name: str) -> Path | None:
        path = self.folder / name
        return path if path.is_file() else None


class FileSource(FolderSource):
    """A single file of the user's, `file`; the others of its folder are not looked at."""

    def __init__(self, file: Path, sha256: Mapping[str, str] | None = None) -> None:
        super().__init__(file.parent, None, sha256)
        self.name = self.address = str(file)
        self.file = file.name

    def _locate(self, name: str) -> Path | None:
        return super()._locate(name) if name == self.file else None


class _RemoteSource(Source):
    """Files that can be fetched, and may have been.

    Args:
        name: see `Source`.
        entry: see `Source`.
        sha256: see `Source`.
        download: whether what is missing is fetched.
    """

    def __init__(
        self,
        name: str,
        entry: Entry | None = None,
        sha256: Mapping[str, str] | None = None,
        *,
        download: bool = False,
    ) -> None:
        super().__init__(name, entry, sha256)
        self.download = download

    @property
    def folder(self) -> Path:
        """Where a user may lay the files by hand."""
        return downloads.keras_home() / "tfast" / self.name

    def _hash(self, path: Path) -> str:
        found = sha256_of(path)
        if self.folder in path.parents:
            check_remembered(path, found)
        return found

    def _places(self) -> str:
        return str(self.folder)

    def _addresses(self, names: Iterable[str]) -> list[str]:
        raise NotImplementedError

    def _missing(self, names: Iterable[str]) -> str:
        names = list(names)
        # Of a model in the catalogue all that is missing, not what happened to be asked for first.
        if self.entry is not None:
            listed = [name for name in self.entry.files if self._locate_here(name) is None]
            names = listed if set(names) & set(listed) else names
        if self.download:
            return f"{self.address} must hold {' or '.join(names)}"
        return (
            f"{self.name} must be fetched first, got no {' or '.join(names)} in {self._places()}: "
            "fetch it with download=True (--download), or fetch "
            f"{' and '.join(self._addresses(names))} by hand into {self.folder}"
        )

    def _locate_here(self, name: str) -> Path | None:
        path = self.folder / name
        return path if path.is_file() else None


class HubSource(_RemoteSource):
    """A repository of the Hugging Face hub.

    Args:
        repository: owner and name.
        name: see `Source`; the default is the repository.
        revision: branch, tag or commit.
        entry: see `Source`.
        sha256: see `Source`.
        download: see `_RemoteSource`.

    Raises:
        ValueError: a repository or revision that is none.
    """

    def __init__(
        self,
        repository: str,
        *,
        name: str | None = None,
        revision: str = "main",
        entry: Entry | None = None,
        sha256: Mapping[str, str] | None = None,
        download: bool = False,
    ) -> None:
        hub.check_repository(repository, revision)
        super().__init__(name or repository, entry, sha256, download=download)
        self.repository = repository
        self.wanted_revision = revision
        self.address = f"{hub.endpoint()}/{repository}"

    @property
    def folder(self) -> Path:
        """Where a user may lay the files by hand."""
        return downloads.keras_home() / "tfast" / self.repository

    def _locate(self, name: str) -> Path | None:
        path = self._locate_here(name)
        if path is None and self.download:
            path = hub.fetch(self.repository, self.revision or self.wanted_revision, name)
        if path is not None and path.parent.parent.name == "snapshots":
            self.revision = path.parent.name
        return path

    def _locate_here(self, name: str) -> Path | None:
        snapshot = hub.cached_snapshot(self.repository, self.revision or self.wanted_revision)
        if snapshot is not None and (snapshot / name).is_file():
            return snapshot / name
        return super()._locate_here(name)

    def _hash(self, path: Path) -> str:
        if hub.cache_folder() in path.parents:
            return hub.check_blob(path)
        return super()._hash(path)

    def _places(self) -> str:
        return f"{hub.cache_folder()} or {self.folder}"

    def _addresses(self, names: Iterable[str]) -> list[str]:
        return [hub.address_of(self.repository, self.wanted_revision, name) for name in names]


class WebSource(_RemoteSource):
    """Files with addresses of their own, kept in `KERAS_HOME/tfast/NAME`."""

    entry: Entry

    def __init__(
        self, entry: Entry, sha256: Mapping[str, str] | None = None, *, download: bool = False
    ) -> None:
        super().__init__(entry.name, entry, sha256, download=download)
        self.address = next(iter(entry.addresses.values()))

    @property
    def folder(self) -> Path:
        """Where a user may lay the files by hand."""
        return downloads.keras_home() / "tfast" / (self.entry.folder or self.name)

    def _locate(self, name: str) -> Path | None:
        path = self._locate_here(name)
        address = self.entry.addresses.get(name)
        if path is None and self.download and address is not None:
            path = self.folder / name
            downloads.fetch(address, path, sha256=self.given.get(name) or self._given_for_all(name))
        return path

    def _addresses(self, names: Iterable[str]) -> list[str]:
        return [self.entry.addresses[name] for name in names if name in self.entry.addresses]


def open_source(
    name: str,
    entries: Mapping[str, Entry],
    *,
    download: bool = False,
    revision: str = "main",
    sha256: str | Mapping[str, str] | None = None,
) -> Source:
    """The source that a name means.

    Args:
        name: one of the catalogue, `hf://owner/name`, or the path of a folder or a file.
        entries: the catalogue.
        download: whether what is missing is fetched.
        revision: of a repository on the hub: branch, tag or commit.
        sha256: a hash that the weights must have (all files that are no `.json`), or file name to
            hash.

    Returns:
        The source; nothing has been read.

    Raises:
        ValueError: the name means nothing.
    """
    given = _checked_hashes(sha256)
    entry = entries.get(name)
    if entry is not None and entry.repository is None:
        return WebSource(entry, given, download=download)
    repository = entry.repository if entry else _repository_of(name)
    if repository is not None:
        return HubSource(
            repository, name=name, revision=revision, entry=entry, sha256=given, download=download
        )
    path = Path(name)
    if path.is_dir():
        return FolderSource(path, None, given)
    if path.is_file():
        return FileSource(path, given)
    raise ValueError(
        f"pretrained must be a folder, a file, hf://OWNER/NAME or one of {', '.join(entries)}, "
        f"got {name}"
    )


def _repository_of(name: str) -> str | None:
    """Owner and name on the hub; timm's are known to be there, whether listed or not."""
    if name.startswith("hf://"):
        return name.removeprefix("hf://")
    return name if name.startswith("timm/") and not Path(name).exists() else None


def _checked_hashes(sha256: str | Mapping[str, str] | None) -> dict[str, str]:
    given = {"": sha256} if isinstance(sha256, str) else dict(sha256 or {})
    for value in given.values():
        if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", value):
            raise ValueError(f"sha256 must be 64 hexadecimal digits, got {value!r}")
    return given
