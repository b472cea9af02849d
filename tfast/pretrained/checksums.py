"""Which bytes a file held when it was first used, and whether it still holds them.

The whole file counts: who checks only its beginning does not see a change after that.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from tfast.files import atomic_write


def sha256_of(path: Path) -> str:
    """SHA-256 of a whole file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_given(name: str, found: str, given: str | None) -> None:
    """Compares with the hash that the user gave.

    Raises:
        ValueError: it is another.

    Examples:
        >>> check_given("a.pth", "00ff", "00FF")
        >>> check_given("a.pth", "00ff", "0000")
        Traceback (most recent call last):
        ValueError: sha256 must be that of a.pth, which is 00ff, got 0000
    """
    if given is not None and given.lower() != found:
        raise ValueError(f"sha256 must be that of {name}, which is {found}, got {given}")


def check_recorded(path: Path, found: str, recorded: str | None) -> None:
    """Compares with the hash that the catalogue records, where it does.

    Raises:
        ValueError: it is another.

    Examples:
        >>> check_recorded(Path("a.npz"), "00ff", None)
        >>> check_recorded(Path("a.npz"), "00ff", "0000")
        Traceback (most recent call last):
        ValueError: a.npz must have the SHA-256 0000, got 00ff: it is damaged
    """
    if recorded not in (None, found):
        raise ValueError(f"{path} must have the SHA-256 {recorded}, got {found}: it is damaged")


def check_remembered(path: Path, found: str) -> None:
    """Compares a file with what is remembered of it; without a memory, remembers.

    Args:
        path: the file. The memory lies beside it.
        found: its SHA-256.

    Raises:
        ValueError: it is another file than at its first use.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "a.txt")
        >>> _ = path.write_text("one")
        >>> check_remembered(path, sha256_of(path))
        >>> _ = path.write_text("two")
        >>> check_remembered(path, sha256_of(path))
        Traceback (most recent call last):
        ValueError: ...a.txt is not the file that was first used: ...
    """
    memory = _memory_of(path)
    try:
        known = json.loads(memory.read_text())
        length, sha256 = int(known["length"]), str(known["sha256"])
    except FileNotFoundError:
        remember(path, found)
        return
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"{memory} is damaged: remove it to trust {path.name} again") from None
    if (length, sha256) != (path.stat().st_size, found):
        raise ValueError(
            f"{path} is not the file that was first used: {path.stat().st_size:,} bytes of "
            f"SHA-256 {found}, then {length:,} bytes of {sha256}. Remove it to fetch it again, or "
            f"{memory.name} to trust it"
        )


def remember(path: Path, sha256: str, **more: str) -> None:
    """Writes length and SHA-256 of a file beside it, where that can be written."""
    content: Mapping[str, int | str] = {
        "length": path.stat().st_size,
        "sha256": sha256,
        **more,
    }
    with contextlib.suppress(OSError), atomic_write(_memory_of(path)) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")


def remembered(path: Path) -> str | None:
    """The SHA-256 of a file when it was first used, or None: it may no longer be there."""
    try:
        return str(json.loads(_memory_of(path).read_text())["sha256"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _memory_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.first_use.json")
