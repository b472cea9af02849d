"""Files and folders that are written whole or not at all."""

import contextlib
import glob
import os
import shutil
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

    Args:
        path: where to write. Missing parent folders are created.
        overwrite: whether an existing `path` may be replaced.

    Yields:
        A `pathlib.Path` with the name's own ending that does not exist yet.

    Raises:
        ValueError: `path` exists and `overwrite` is False (before the block runs).
        FileNotFoundError: the block wrote nothing; `path` is as it was.

    Examples:
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with atomic_write(folder / "result.json") as temporary:
        ...     _ = temporary.write_text("{}")
        >>> [p.name for p in folder.iterdir()]
        ['result.json']
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise ValueError(f"{path} exists; choose another path or ask to overwrite it")
    path.parent.mkdir(parents=True, exist_ok=True)
    # A folder of its own on the same file system: the name inside keeps its ending, which
    # Keras and matplotlib look at.
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        temporary = scratch / "new" / path.name
        temporary.parent.mkdir()
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"nothing was written to take the place of {path}")
        if path.is_dir():
            # A folder cannot be renamed onto one that is not empty: step the old one aside.
            _old_copy(scratch, path).parent.mkdir()
            path.rename(_old_copy(scratch, path))
        temporary.replace(path)
    finally:
        _remove_scratch(scratch, path)


def remove_leftovers(path: PathLike) -> None:
    """Removes what writers of `path` left next to it when they were killed in the middle.

    Where one was killed between stepping the old folder aside and putting the new one in its
    place, the old one is put back. Only for a path that no other process is writing.

    Args:
        path: what was to be written with `atomic_write`.
    """
    path = Path(path)
    # As `tempfile` names them, eight characters at the end: `.a.keras.12345678` is not of `a`.
    for scratch in path.parent.glob(f".{glob.escape(path.name)}." + 8 * "[a-z0-9_]"):
        _remove_scratch(scratch, path)


def _old_copy(scratch: Path, path: Path) -> Path:
    return scratch / "old" / path.name


def _remove_scratch(scratch: Path, path: Path) -> None:
    """Removes it, but never the only copy of what was at `path`."""
    old = _old_copy(scratch, path)
    if os.path.lexists(old) and not os.path.lexists(path):
        old.rename(path)
    shutil.rmtree(scratch, ignore_errors=True)
