"""Repositories of the Hugging Face hub: read from its cache on disk, or fetched by its package.

The environment counts as it is when a function is called: HF_HUB_CACHE, HF_HOME, HF_HUB_OFFLINE,
HF_ENDPOINT. (The package itself reads them when it is imported.)

Source: the cache of huggingface_hub 1 and 2: `models--OWNER--NAME/refs/main` holds a commit,
`snapshots/COMMIT/` the files, as links to `blobs/`, which are called by their SHA-256 or, small
ones, by their hash in git.
"""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfast.pretrained.checksums import sha256_of

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_REVISION = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*")
_TRUE = ("1", "ON", "YES", "TRUE")


def cache_folder() -> Path:
    """Where the hub's cache is."""
    given = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if given:
        return Path(given).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    general = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(general).expanduser() / "huggingface" / "hub"


def endpoint() -> str:
    """The address of the hub, without a slash at its end."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids the network."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    return any(os.environ.get(name, "").upper() in _TRUE for name in names)


def check_repository(repository: str, revision: str) -> None:
    """Raises a ValueError for a name that is none, or would lead out of the cache."""
    for name, value, form in (
        ("repository", repository, _REPOSITORY),
        ("revision", revision, _REVISION),
    ):
        if not form.fullmatch(value) or ".." in value or "--" in value.replace("/", ""):
            wanted = "owner/name" if name == "repository" else "a branch, tag or commit"
            raise ValueError(f"{name} must be {wanted} on the hub, got {value!r}")


def address_of(repository: str, revision: str, file: str) -> str:
    """Where a browser finds a file of a repository."""
    return f"{endpoint()}/{repository}/resolve/{revision}/{file}"


def cached_snapshot(repository: str, revision: str = "main") -> Path | None:
    """The folder with the files of a repository that the cache holds, or None.

    Args:
        repository: owner and name.
        revision: branch, tag or commit.

    Returns:
        `.../snapshots/COMMIT`. Not all files of the repository need be there.

    Raises:
        ValueError: a name that is none.

    Examples:
        >>> cached_snapshot("nobody/nothing") is None
        True
        >>> cached_snapshot("../elsewhere")
        Traceback (most recent call last):
        ValueError: repository must be owner/name on the hub, got '../elsewhere'
    """
    check_repository(repository, revision)
    folder = cache_folder() / f"models--{repository.replace('/', '--')}"
    reference = folder / "refs" / revision
    commit = reference.read_text().strip() if reference.is_file() else revision
    if not re.fullmatch(r"[\w.-]+", commit) or commit in (".", ".."):
        return None
    snapshot = folder / "snapshots" / commit
    return snapshot if snapshot.is_dir() else None


def check_blob(path: Path) -> str:
    """SHA-256 of a file of the cache, which must be what the cache calls it.

    Raises:
        ValueError: it was changed or damaged.
    """
    found, name = sha256_of(path), path.resolve().name
    if path.resolve().parent.name == "blobs":
        content = found
        if re.fullmatch(r"[0-9a-f]{40}", name):
            data = path.read_bytes()
            content = hashlib.sha1(
                b"blob %d\0" % len(data) + data, usedforsecurity=False
            ).hexdigest()
        if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", name) and name != content:
            raise ValueError(
                f"{path} is damaged: the hub calls it {name}, its content gives {content}. "
                f"Remove {path.resolve()} to fetch it again"
            )
    return found


def fetch(repository: str, revision: str, file: str) -> Path | None:
    """Fetches a file into the hub's cache.

    Returns:
        Where it is; None where the repository has no such file.

    Raises:
        ValueError: it cannot be fetched; the message says why.
        ImportError: huggingface_hub is not installed.
    """
    address = address_of(repository, revision, file)
    if is_offline():
        raise ValueError(f"{address} must be fetched, got HF_HUB_OFFLINE, which forbids it")
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError as error:
        raise ImportError(
            f"{address}: fetching it needs pip install huggingface_hub safetensors"
        ) from error
    hf_hub_download: Callable[..., Any] = huggingface_hub.hf_hub_download
    try:
        return Path(
            hf_hub_download(
                repository,
                file,
                revision=revision,
                cache_dir=cache_folder(),
                endpoint=endpoint(),
            )
        )
    except errors.LocalEntryNotFoundError as error:
        raise ValueError(f"{address} cannot be reached: {_one_line(error)}") from error
    except errors.EntryNotFoundError:
        return None
    except errors.RepositoryNotFoundError as error:
        raise ValueError(f"{address}: no such repository, or a private one") from error
    except Exception as error:  # of the package, of one of three HTTP libraries, or of the disk
        raise ValueError(f"{address} cannot be fetched: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
