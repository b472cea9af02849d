"""One function that loads public weights by name."""

import importlib
import os
from collections.abc import Mapping

from tfast.pretrained import catalog
from tfast.pretrained.records import Pretrained
from tfast.pretrained.sources import FileSource, FolderSource, Source, open_source
from tfast.types import PathLike


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
        name: one that `tfast pretrained` lists, such as "timm/resnet50d.ra2_in1k";
            "hf://owner/name"; a folder; or a file.
        download: whether to fetch what is missing.
        sha256: the hash that the weights must have, in hexadecimal; or file name to hash.
        revision: of a repository on the hub: branch, tag or commit.

    Returns:
        A `Pretrained`.

    Raises:
        ValueError: the name means nothing, files are missing (the message says which ones to fetch
            and where to lay them), are not what they were at their first use, or hold something
            else than the model.
        ImportError: a package is needed that is not installed; the message says which.

    Examples:
        >>> load("timm/resnet0d.nobody")
        Traceback (most recent call last):
        ValueError: timm/resnet0d.nobody must be fetched first, got no config.json ...
    """
    name = os.fspath(name)
    source = open_source(name, catalog.ENTRIES, download=download, revision=revision, sha256=sha256)
    source = _only_weights(source)
    loader = importlib.import_module(_loader_for(source))
    loaded: Pretrained = loader.load(source)
    return loaded


def _only_weights(source: Source) -> Source:
    """The one weights file of a folder that holds none of the files that name a module."""
    if type(source) is not FolderSource or any(map(source.find, catalog.LOADERS_BY_FILE)):
        return source
    endings = tuple(catalog.LOADERS_BY_ENDING)
    files = sorted(p for p in source.folder.iterdir() if p.name.lower().endswith(endings))
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
        for ending, loader in catalog.LOADERS_BY_ENDING.items():
            if source.file.lower().endswith(ending):
                return loader
        endings = ", ".join(catalog.LOADERS_BY_ENDING)
        raise ValueError(f"pretrained must be a file that ends in {endings}, got {source.name}")
    path = source.path(*catalog.LOADERS_BY_FILE)
    return catalog.LOADERS_BY_FILE[path.name]
