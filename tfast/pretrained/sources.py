"""Where the files of a model are taken from: a folder or a file; `remote_sources` has others.

All give the path of a file by its name, hash the whole of it, and say in one message what is
missing and where to get it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tfast.pretrained.checksums import check_given, check_recorded, sha256_of
from tfast.pretrained.entries import Entry
from tfast.pretrained.records import Provenance

TOPIC_VECTORS = "topic_vectors.npz"
# Of weights, and of archives that hold them.
_WEIGHTS = (
    *(".keras", ".pth", ".pt", ".bin", ".safetensors", ".npz"),
    *(".tgz", ".tar.gz", ".tar", ".zip"),
)
# What lies beside weights, with an ending as theirs: a run's checkpoint among it.
_NO_WEIGHTS = (TOPIC_VECTORS, "checkpoint.npz")


def is_weights(name: str) -> bool:
    """Whether a file's name is one of weights, or of an archive of them.

    Examples:
        >>> [is_weights(name) for name in ("a.PTH", "vocabulary.txt", "topic_vectors.npz")]
        [True, False, False]
    """
    return name.lower().endswith(_WEIGHTS) and name not in _NO_WEIGHTS


class Source:
    """The files of one model.

    Args:
        name: what the user called it.
        entry: its line in the catalogue, or None.
        sha256: hashes that the user gave: file name to hexadecimal; the name "" stands for
            the weights.

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
            check_recorded(path, found, self.entry.sha256.get(name) if self.entry else None)
            check_given(path.name, found, self._given_hash(name))
            self.sha256[name] = found
        return path

    def check_all_given(self) -> None:
        """Says which hashes of the user's no file was compared with, once all files were read.

        Raises:
            ValueError: a hash is of a file that was not read.
        """
        unread = [name for name in self.given if name and name not in self.sha256]
        if unread:
            raise ValueError(
                f"sha256 must be of files that were read ({', '.join(self.sha256)}), got "
                f"{', '.join(unread)}"
            )

    def is_here(self, name: str) -> bool:
        """Whether a file is on this machine; nothing is fetched or read."""
        return self._locate_here(name) is not None

    def address_of(self, name: str) -> str:
        """Where a file comes from."""
        return f"{self.address}/{name}"

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

    def _given_hash(self, name: str) -> str | None:
        return self.given.get(name) or (self.given.get("") if self._is_weights(name) else None)

    def _is_weights(self, name: str) -> bool:
        return is_weights(name)

    def _locate(self, name: str) -> Path | None:
        return self._locate_here(name)

    def _locate_here(self, name: str) -> Path | None:
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

    def _locate_here(self, name: str) -> Path | None:
        path = self.folder / name
        return path if path.is_file() else None


class FileSource(FolderSource):
    """A single file of weights of the user's, `file`.

    The others of its folder are looked at by `beside` alone.
    """

    def __init__(self, file: Path, sha256: Mapping[str, str] | None = None) -> None:
        super().__init__(file.parent, None, sha256)
        self.name = self.address = str(file)
        self.file = file.name

    def beside(self) -> FolderSource:
        """What lies beside the file: checked and recorded as of this source."""
        folder = FolderSource(
            self.folder, sha256={name: given for name, given in self.given.items() if name}
        )
        folder.sha256 = self.sha256
        return folder

    def _is_weights(self, name: str) -> bool:
        return name == self.file  # whatever it is called

    def _locate_here(self, name: str) -> Path | None:
        return super()._locate_here(name) if name == self.file else None
