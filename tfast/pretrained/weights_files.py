"""A single weights file of the user's, told by the names of its tensors."""

import importlib

from tfast.fastai.kinds import kind_of
from tfast.fastai.reading import load_weights
from tfast.pretrained import catalog
from tfast.pretrained.records import Pretrained
from tfast.pretrained.sources import FileSource


def load(source: FileSource) -> Pretrained:
    """Reads it, and hands its tensors to the module for its kind.

    Such a module has a function `from_state_dict(source, state_dict)`.

    Raises:
        ValueError: it is of no known kind, or damaged.
    """
    state_dict = load_weights(source.path(source.file))
    kind = kind_of(state_dict)
    if kind not in catalog.LOADERS_BY_KIND:
        known = ", ".join(catalog.LOADERS_BY_KIND)
        raise ValueError(f"pretrained must be a file of {known}, got {kind}: {source.name}")
    module = importlib.import_module(catalog.LOADERS_BY_KIND[kind])
    loaded: Pretrained = module.from_state_dict(source, state_dict)
    return loaded
