"""Files and folders that are written whole or not at all."""

import contextlib
import glob
import shutil
import tempfile
from pathlib import Path


@contextlib.contextmanager
def written_whole(path, *, overwrite=True):
    """Gives a temporary path beside `path` that takes its place when the block ends well.

    Whoever reads `path` sees the old content or the new, never a part: the rename is one
    step of the file system. When the block raises, the temporary is removed and `path` is
    as it was. Works for a file and for a folder, whichever the block creates.

    Args:
        path: where the result shall stand. Missing parent folders are created.
        overwrite: whether an existing `path` may be replaced.

    Yields:
        A `pathlib.Path` with the name's own ending that does not exist yet.

    Raises:
        ValueError: `path` exists and `overwrite` is False (before the block runs).

    Example:
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with written_whole(folder / "result.json") as temporary:
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
    workshop = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        temporary = workshop / path.name
        yield temporary
        if path.is_dir():
            # A folder cannot be renamed onto one that is not empty: step the old one aside.
            path.rename(workshop / "old")
        temporary.replace(path)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def remove_leftovers(path):
    """Removes what writers of `path` left beside it when they were killed in the middle.

    Only for a path that no other process is writing.

    Args:
        path: what was to be written with `written_whole`.
    """
    path = Path(path)
    for workshop in path.parent.glob(f".{glob.escape(path.name)}.*"):
        shutil.rmtree(workshop, ignore_errors=True)
