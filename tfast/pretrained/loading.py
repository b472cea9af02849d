"""One function that loads public weights by name."""

import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from tfast.pretrained import catalog
from tfast.pretrained.bundled import BundledSource
from tfast.pretrained.records import Pretrained
from tfast.pretrained.remote_sources import HubSource, WebSource
from tfast.pretrained.sources import FileSource, FolderSource, Source, is_weights
from tfast.types import PathLike

_LOADERS = catalog.LOADERS_BY_ENDING | catalog.OWN_LOADERS_BY_ENDING


def load(
    name: PathLike,
    *,
    download: bool = False,
    sha256: str | Mapping[str, str] | None = None,
    revision: str = "main",
) -> Pretrained:
    """Loads a trained model with its preprocessing or tokenizer, and says where it comes from.

    Nothing is fetched unless `download` says so. Files of the Hugging Face hub are found in its
    cache, which needs neither its package nor a network; others in `KERAS_HOME/tfast`. No file is
    run: pickles are read as plain data or refused.

    Args:
        name: one that `tfast pretrained` lists, such as "tfast/english", which the package
            brings along, or "timm/resnet50d.ra2_in1k"; "hf://owner/name"; a folder; or a file.
        download: whether to fetch what is missing.
        sha256: the hash that the weights (their file or archive) must have, in hexadecimal; or
            file name to hash, of any of the files that are read.
        revision: of a repository on the hub: branch, tag or commit. Files of it that were laid
            by hand in `KERAS_HOME/tfast` are used for "main" alone.

    Returns:
        A `Pretrained`.

    Raises:
        ValueError: the name means nothing, files are missing (the message says which ones to fetch
            and where to lay them), are not what they were at their first use, or hold something
            else than the model; a hash is of another file, or of one that is not read.
        ImportError: a package is needed that is not installed; the message says which.

    Examples:
        >>> load("timm/resnet0d.nobody")
        Traceback (most recent call last):
        ValueError: timm/resnet0d.nobody must be fetched first, got no ...
    """
    name = os.fspath(name)
    source = open_source(name, download=download, revision=revision, sha256=sha256)
    source = _only_weights(source)
    loader = importlib.import_module(_loader_for(source))
    loaded: Pretrained = loader.load(source)
    source.check_all_given()
    return loaded


def open_source(
    name: str,
    *,
    download: bool = False,
    revision: str = "main",
    sha256: str | Mapping[str, str] | None = None,
) -> Source:
    """The source that a name means.

    Args:
        name: one of the catalogue, `hf://owner/name`, or the path of a folder or a file.
        download: whether what is missing is fetched.
        revision: of a repository on the hub: branch, tag or commit.
        sha256: a hash that the weights must have (their file or archive), or file name to hash;
            `Source.check_all_given` says which names were not met.

    Returns:
        The source; nothing has been read.

    Raises:
        ValueError: the name means nothing.
    """
    given = _checked_hashes(sha256)
    entry = catalog.ENTRIES.get(name)
    if entry is not None and entry.bundled is not None:
        return BundledSource(entry, given)
    if entry is not None and entry.repository is None:
        return WebSource(entry, given, download=download)
    repository = entry.repository if entry else catalog.repository_of(name)
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
        "pretrained must be a file, a folder, hf://OWNER/NAME or a name that `tfast pretrained` "
        f"lists, got {name}"
    )


def _checked_hashes(sha256: str | Mapping[str, str] | None) -> dict[str, str]:
    given = {"": sha256} if isinstance(sha256, str) else dict(sha256 or {})
    for value in given.values():
        if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", value):
            raise ValueError(f"sha256 must be 64 hexadecimal digits, got {value!r}")
    return given


def _only_weights(source: Source) -> Source:
    """The one weights file of a folder that holds none of the files that name a module."""
    if type(source) is not FolderSource or any(map(source.is_here, catalog.LOADERS_BY_FILE)):
        return source
    files = sorted(path for path in source.folder.iterdir() if is_weights(path.name))
    if len(files) != 1:
        known = ", ".join(catalog.LOADERS_BY_FILE)
        got = ", ".join(file.name for file in files) or "none"
        raise ValueError(
            f"pretrained must be a folder with {known} or one file of weights, got {got} in "
            f"{source.name}"
        )
    return FileSource(files[0], source.given)


def _loader_for(source: Source) -> str:
    """The module that reads what a source holds."""
    if source.entry is not None:
        return source.entry.loader
    if isinstance(source, FileSource):
        for ending, loader in _LOADERS.items():
            if source.file.lower().endswith(ending):
                return loader
        endings = ", ".join(_LOADERS)
        raise ValueError(f"pretrained must be a file that ends in {endings}, got {source.name}")
    # What is here tells, before anything is asked for that may not exist.
    here = [name for name in catalog.LOADERS_BY_FILE if source.is_here(name)]
    name = here[0] if here else source.path(*catalog.LOADERS_BY_FILE).name
    return catalog.LOADERS_BY_FILE[name]
