"""One run at a time: a lock that a killed process cannot leave closed."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tfast.types import PathLike

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment] # looked at before it is used


@contextlib.contextmanager
def run_lock(path: PathLike) -> Iterator[None]:
    """Holds a file or folder for one run: another that wants it is refused.

    The system's `flock`, on a hidden file beside `path`, and not a file that says by being
    there that a run goes on: the system gives a lock up when its process ends, however it ends,
    while such a file would stay after a kill and refuse its own run. Threads, processes and
    containers on one machine see the lock, and other machines where the file system passes it
    on (NFS does). On Windows nothing is locked.

    Args:
        path: what the run writes. It need not exist; missing parent folders are created.

    Raises:
        ValueError: another run holds it.

    Examples:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with run_lock(folder):
        ...     with run_lock(folder):
        ...         pass
        Traceback (most recent call last):
        ValueError: another run is writing ...: wait until it ends, or name another path
    """
    path = Path(os.path.realpath(path))  # two names of one folder are one
    if fcntl is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    file_path = path.parent / f".{path.name}.lock"
    try:
        file = _locked(file_path, path)
    except OSError as error:
        error.filename = os.fspath(path)
        if not path.is_dir() or not os.access(path, os.W_OK):
            raise
        # A container's folder for outputs may lie in one that cannot be written.
        file_path = path / ".lock"
        file = _locked(file_path, path)
    with file:
        try:
            yield
        finally:
            file_path.unlink(missing_ok=True)


def _locked(file_path: Path, path: Path) -> BinaryIO:
    """The open lock file. Whoever had it before may have removed it meanwhile: then again."""
    while True:
        file = file_path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), file_path.stat()):
                return file
        except BlockingIOError:
            file.close()
            raise ValueError(
                f"another run is writing {path}: wait until it ends, or name another path"
            ) from None
        except FileNotFoundError:
            pass
        file.close()
