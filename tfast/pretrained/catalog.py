"""The names that `load` knows, and which module reads what. Imports nothing of TensorFlow.

A module that reads weights has a function `load(source)` that takes a
`tfast.pretrained.sources.Source` and returns a `tfast.pretrained.records.Pretrained`. Names come
from lists of `Entry`; for a folder, a repository or a file that is in none of them, the files
tell.
"""

from pathlib import Path

from tfast.pretrained.bundled import BUNDLED_ENTRIES
from tfast.pretrained.entries import Entry as Entry
from tfast.pretrained.image_entries import IMAGE_ENTRIES
from tfast.pretrained.text_entries import TEXT_ENTRIES

ENTRIES: dict[str, Entry] = {
    entry.name: entry for entry in (*BUNDLED_ENTRIES, *IMAGE_ENTRIES, *TEXT_ENTRIES)
}

# Of a folder or repository: the first of these files that it holds names the module.
LOADERS_BY_FILE: dict[str, str] = {
    "pretrained.json": "tfast.pretrained.published",
    "config.json": "tfast.pretrained.timm_images",
}
# Of a single file: by the end of its name.
LOADERS_BY_ENDING: dict[str, str] = {
    **dict.fromkeys((".tgz", ".tar.gz", ".tar", ".zip"), "tfast.pretrained.text_archives"),
    **dict.fromkeys(
        (".pth", ".pt", ".bin", ".safetensors", ".npz"), "tfast.pretrained.weights_files"
    ),
}
# Of one that tfast saved, which a recipe reads in its own way.
OWN_LOADERS_BY_ENDING: dict[str, str] = {".keras": "tfast.pretrained.keras_files"}
# Of a state dict: by what `tfast.fastai.kind_of` says of it.
LOADERS_BY_KIND: dict[str, str] = {
    "xresnet": "tfast.pretrained.fastai_images",
    "image_classifier": "tfast.pretrained.fastai_images",
    "language_model": "tfast.pretrained.text_files",
    "text_classifier": "tfast.pretrained.text_files",
}


def is_published(name: str) -> bool:
    """Whether a name means published weights, not a path.

    Examples:
        >>> is_published("timm/resnet50d.ra2_in1k"), is_published("models/trained.keras")
        (True, False)
    """
    return name in ENTRIES or repository_of(name) is not None


def repository_of(name: str) -> str | None:
    """Owner and name on the hub; timm's are known to be there, whether listed or not."""
    if name.startswith("hf://"):
        return name.removeprefix("hf://")
    return name if name.startswith("timm/") and not Path(name).exists() else None
