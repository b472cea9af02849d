"""Members of archives, read without ever following a path in them.

Nothing is written where an archive says: wanted members come as files under our own names, in a
folder that is removed afterwards. An archive with a link, a device, a name that leads out of it,
or far more bytes than it has itself is refused as a whole.
"""

import bz2
import contextlib
import fnmatch
import gzip
import lzma
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

MOST_MEMBERS = 1000
# Times an archive's own length that its members may have: weights hardly shrink.
MOST_UNPACKED = 16
SMALL = 2**24  # bytes that the members of any archive may have

_PACKERS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
# What the modules raise for an archive that is damaged, encrypted or packed in a rare way.
_DAMAGES = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, RuntimeError),
)


@contextlib.contextmanager
def unpacked(
    path: Path, wanted: Mapping[str, str], *, optional: Collection[str] = ()
) -> Iterator[dict[str, Path]]:
    """Gives some members of an archive as files.

    Args:
        path: a zip archive, or a tar archive, packed by gzip, bzip2, xz or not at all.
        wanted: our name for each member, such as "weights.pth", and a pattern of the member's
            own path, such as "*/lstm_fwd.pth", where "*" stands for slashes too.
        optional: those of our names for which there may be no member. For the others there must
            be exactly one.

    Yields:
        dict of our names to files, for members that are there. They last as long as the block.

    Raises:
        ValueError: it is no archive, damaged or hostile, lacks a member, or has two that fit.

    Examples:
        >>> folder = Path(tempfile.mkdtemp())
        >>> with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        ...     archive.writestr("theirs/words.txt", "a b c")
        >>> with unpacked(folder / "a.zip", {"ours.txt": "*/words.txt"}) as files:
        ...     files["ours.txt"].read_text()
        'a b c'
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            found, names = _unpack(path, wanted, Path(folder))
        except _DAMAGES as error:
            raise ValueError(
                f"{path} must be a whole archive, got a damaged one: {error}"
            ) from error
        for ours, pattern in wanted.items():
            if ours not in found and ours not in optional:
                raise ValueError(
                    f"{path} must hold {pattern}, got {', '.join(names[:5]) or 'nothing'}"
                )
        yield found


class _Member(NamedTuple):
    name: str
    kind: str  # "file", "folder", or what it is else
    content: IO[bytes] | None


def _unpack(
    path: Path, wanted: Mapping[str, str], folder: Path
) -> tuple[dict[str, Path], list[str]]:
    """The members that fit, by our names, and the paths of all files in the archive."""
    found: dict[str, Path] = {}
    names = []
    for number, member in enumerate(_members(path), 1):
        if number > MOST_MEMBERS:
            raise ValueError(f"{path} must hold at most {MOST_MEMBERS} members, got more")
        name = _checked_name(path, member)
        # Of a Mac, beside each file: "._weights.pth".
        if member.kind == "folder" or name.rpartition("/")[2].startswith("._"):
            continue
        names.append(name.removeprefix("/"))
        for ours in (
            ours for ours, pattern in wanted.items() if fnmatch.fnmatchcase(name, pattern)
        ):
            if ours in found:
                raise ValueError(f"{path} must hold one {wanted[ours]}, got a second: {name!r}")
            assert member.content is not None  # for mypy
            found[ours] = folder / ours
            with found[ours].open("xb") as file:
                shutil.copyfileobj(member.content, file)
    return found, names


def _checked_name(path: Path, member: _Member) -> str:
    """A member's path, from the archive's root: "/theirs/words.txt"."""
    if member.kind not in ("file", "folder"):
        raise ValueError(
            f"{path} must hold files and folders alone, got {member.kind} {member.name!r:.80}"
        )
    parts = re.split(r"[/\\]", member.name)
    if parts[0] == "" or ".." in parts or re.match("[A-Za-z]:", member.name):
        raise ValueError(f"{path} must hold paths inside of it, got {member.name!r:.80}")
    return "".join(f"/{part}" for part in parts if part not in ("", "."))


def _members(path: Path) -> Iterator[_Member]:
    limit = MOST_UNPACKED * path.stat().st_size + SMALL
    with path.open("rb") as file:
        begin = file.read(5)
    if begin.startswith(b"PK"):
        yield from _zip_members(path, limit)
        return
    pack: Callable[..., Any] = next(
        (pack for magic, pack in _PACKERS.items() if begin.startswith(magic)), open
    )
    with pack(path, "rb") as file:
        yield from _tar_members(path, _Bounded(path, file, limit))


def _tar_members(path: Path, file: "_Bounded") -> Iterator[_Member]:
    try:
        # As a stream: nothing is looked for, and no member twice.
        stream = cast("IO[bytes]", file)
        archive = tarfile.open(fileobj=stream, mode="r|")  # noqa: SIM115 -- closed below
    except tarfile.ReadError:
        raise ValueError(
            f"{path} must be a .tgz, .tar or .zip archive, got something else"
        ) from None
    with archive:
        for info in archive:
            kind = _tar_kind(info)
            content = archive.extractfile(info) if kind == "file" else None
            yield _Member(info.name, kind, content)
    while file.read(2**16):  # the checksum of a packed archive is at its end
        pass


def _tar_kind(info: tarfile.TarInfo) -> str:
    if info.issparse():
        return "a sparse file"
    if info.issym() or info.islnk():
        return "a link"
    return "file" if info.isreg() else "folder" if info.isdir() else "a device"


def _zip_members(path: Path, limit: int) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        _check_bytes(path, sum(info.file_size for info in archive.infolist()), limit)
        for info in archive.infolist():
            kind = _zip_kind(info)
            if kind == "file":
                with archive.open(info) as content:
                    yield _Member(info.filename, kind, content)
            else:
                yield _Member(info.filename, kind, None)


def _zip_kind(info: zipfile.ZipInfo) -> str:
    mode = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(mode):
        return "a link"
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a device"
    return "folder" if info.is_dir() else "file"


class _Bounded:
    """A file to read, that refuses to be longer than expected."""

    def __init__(self, path: Path, file: IO[bytes], limit: int) -> None:
        self._path, self._file, self._limit, self._num_read = path, file, limit, 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes."""
        data = self._file.read(size)
        self._num_read += len(data)
        _check_bytes(self._path, self._num_read, self._limit)
        return data


def _check_bytes(path: Path, num_bytes: int, limit: int) -> None:
    if num_bytes > limit:
        raise ValueError(
            f"{path} must unpack to at most {limit:,} bytes, {MOST_UNPACKED} times its own and "
            f"{SMALL:,}, got more"
        )
