"""Files and folders that are written whole or not at all."""

import contextlib
import errno
import glob
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tfast.types import PathLike


@contextlib.contextmanager
def atomic_write(path: PathLike, *, overwrite: bool = True) -> Iterator[Path]:
    """Gives a temporary path next to `path` that replaces it when the block ends without an error.

    Whoever reads `path` sees the old content or the new, never a part. When the block raises,
    the temporary is removed and `path` is as it was. Works for a file and for a folder,
    whichever the block creates.

    A file takes its place in one step of the file system. A folder cannot: between two renames
    there is none at `path`. A process that is killed just then leaves the old one hidden
    next to `path`, and `remove_leftovers` puts it back.

    The new content is on the disk (`fsync`) before it takes the old one's place: a power cut
    leaves no empty file.

    Args:
        path: where to write. Missing parent folders are created. Where it is a link, what it
            leads to is written, and the link stays.
        overwrite: whether an existing `path` may be replaced.

    Yields:
        A `pathlib.Path` with the name's own ending that does not exist yet.

    Raises:
        ValueError: `path` exists and `overwrite` is False (before the block runs); or it is a
            folder and the block wrote a file, or the other way round.
        FileNotFoundError: the block wrote nothing; `path` is as it was.
        OSError: a full disk, a folder that cannot be written and the like; it names `path`.

    Examples:
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with atomic_write(folder / "result.json") as temporary:
        ...     _ = temporary.write_text("{}")
        >>> [p.name for p in folder.iterdir()]
        ['result.json']
    """
    refuse_existing(path, overwrite=overwrite)
    name, path = os.fspath(path), _behind_links(path)
    with _errors_that_name(name, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # A folder of its own on the same file system: the name inside keeps its ending, which
        # Keras and matplotlib look at.
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            temporary = scratch / "new" / path.name
            temporary.parent.mkdir()
            yield temporary
            if not temporary.exists():
                raise FileNotFoundError(f"nothing was written to take the place of {name}")
            kind, new_kind = _kind(path), _kind(temporary)
            if kind not in (None, new_kind):
                raise ValueError(f"{name} is a {kind}, which no {new_kind} may replace")
            _flush_tree(temporary)
            if path.is_dir():
                # A folder cannot be renamed onto one that is not empty: step the old one aside.
                _old_copy(scratch, path).parent.mkdir()
                path.rename(_old_copy(scratch, path))
            temporary.replace(path)
            _flush(path.parent)
        finally:
            _remove_scratch(scratch, path)


def refuse_existing(path: PathLike, *, overwrite: bool) -> None:
    """Says before the work that `atomic_write` would refuse its result.

    Raises:
        ValueError: `path` exists and `overwrite` is False.
    """
    if Path(path).exists() and not overwrite:
        raise ValueError(f"{os.fspath(path)} exists; choose another path or ask to overwrite it")


def remove_leftovers(path: PathLike) -> None:
    """Removes what writers of `path` left next to it when they were killed in the middle.

    Where one was killed between stepping the old folder aside and putting the new one in its
    place, the old one is put back. Only for a path that no other process is writing.

    Args:
        path: what was to be written with `atomic_write`.
    """
    path = _behind_links(path)
    # As `tempfile` names them, eight characters at the end: `.a.keras.12345678` is not of `a`.
    for scratch in path.parent.glob(f".{glob.escape(path.name)}." + 8 * "[a-z0-9_]"):
        _remove_scratch(scratch, path)


def system_error(error: Exception) -> OSError | None:
    """The OSError that an error of TensorFlow tells of: a full disk, a missing file and the like.

    TensorFlow reads and writes files itself, and has classes of its own for what the system says
    of them, with the reason among much else. None for any other error.

    Examples:
        >>> system_error(ValueError("cats/1.png; No such file or directory")) is None
        True
    """
    if not type(error).__module__.startswith("tensorflow."):
        return None
    for number in errno.errorcode:
        reason = os.strerror(number)
        found = re.search(rf"(?:\}}\}} )?([^\n{{}}]+); {re.escape(reason)}", str(error))
        if found:
            # After what the steps of a dataset put before it.
            return OSError(number, reason, found[1].rpartition(": ")[2].strip())
    return None


def _kind(path: Path) -> str | None:
    """Looked at once: another writer may take it away in between."""
    try:
        return "folder" if stat.S_ISDIR(path.stat().st_mode) else "file"
    except FileNotFoundError:
        return None


def _behind_links(path: PathLike) -> Path:
    """A name may be a link to another file system, where nothing can be renamed to."""
    return Path(os.path.realpath(path))


@contextlib.contextmanager
def _errors_that_name(name: str, path: Path) -> Iterator[None]:
    """Lets an error of the system name the path: it names the temporary file, or none at all."""
    try:
        yield
    except Exception as error:
        from_system = error if isinstance(error, OSError) else system_error(error)
        if from_system is None or from_system.errno is None:
            raise
        scratch = str(path.parent / f".{path.name}.")
        if from_system.filename is None or os.fspath(from_system.filename).startswith(scratch):
            raise OSError(from_system.errno, os.strerror(from_system.errno), name) from error
        raise


def _flush_tree(path: Path) -> None:
    """Has the system write a file, or a folder with all that is in it, to the disk."""
    for folder, _, files in os.walk(path):
        for name in files:
            if not Path(folder, name).is_symlink():
                _flush(Path(folder, name))
        _flush(Path(folder))
    if path.is_file():
        _flush(path)


def _flush(path: Path) -> None:
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":
        return  # Windows opens no folder
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems do not know it; a full disk may show here.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _old_copy(scratch: Path, path: Path) -> Path:
    return scratch / "old" / path.name


def _remove_scratch(scratch: Path, path: Path) -> None:
    """Removes it, but never the only copy of what was at `path`."""
    old = _old_copy(scratch, path)
    while os.path.lexists(old) and not os.path.lexists(path):
        try:
            old.rename(path)
        except OSError as error:
            # Another writer's copy took the place since it was looked at: that one counts.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    shutil.rmtree(scratch, ignore_errors=True)
