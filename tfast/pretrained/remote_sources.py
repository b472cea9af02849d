"""Files of a model on the Hugging Face hub, or with addresses of their own.

What is on this machine is used as it is; what is missing is fetched where that was allowed.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tfast.pretrained import downloads, hub
from tfast.pretrained.checksums import check_remembered, sha256_of
from tfast.pretrained.entries import Entry
from tfast.pretrained.sources import Source


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

    def _missing(self, names: Iterable[str]) -> str:
        names, joined = list(names), " or "
        # Of a model in the catalogue all that is missing, not what happened to be asked for first.
        if self.entry is not None:
            listed = [name for name in self.entry.files if self._locate_here(name) is None]
            if set(names) & set(listed):
                names, joined = listed, " and "
        if self.download:
            return f"{self.address} must hold {' or '.join(names)}"
        return (
            f"{self.name} must be fetched first, got no {joined.join(names)} in {self._places()}: "
            "fetch it with download=True (--download), or fetch "
            f"{joined.join(map(self.address_of, names))} by hand into {self.folder}"
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
        """Where a user may lay the files by hand, for the revision "main"."""
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
        # Of files that were laid by hand nobody knows the revision.
        return super()._locate_here(name) if self.wanted_revision == "main" else None

    def _hash(self, path: Path) -> str:
        if hub.cache_folder() in path.parents:
            return hub.check_blob(path)
        return super()._hash(path)

    def _missing(self, names: Iterable[str]) -> str:
        if self.download or self.wanted_revision == "main":
            return super()._missing(names)
        return (
            f"revision must be on this machine, got {self.wanted_revision!r} of {self.name}, of "
            f"which no {' or '.join(names)} is in {hub.cache_folder()}: fetch it with "
            f"download=True. Files laid by hand in {self.folder} are of no known revision"
        )

    def _places(self) -> str:
        return f"{hub.cache_folder()} or {self.folder}"

    def address_of(self, name: str) -> str:
        """Where a browser finds a file."""
        return hub.address_of(self.repository, self.wanted_revision, name)


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
            downloads.fetch(address, path, sha256=self._given_hash(name))
        return path

    def address_of(self, name: str) -> str:
        """Where a browser finds a file."""
        return self.entry.addresses[name]
