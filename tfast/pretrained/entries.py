"""One line of the catalogue of weights."""

import dataclasses
from collections.abc import Mapping
from typing import Literal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """Weights that `load` knows by name.

    One of `repository`, `addresses` and `bundled` says where they are.

    Attributes:
        name: such as "timm/resnet50d.ra2_in1k".
        kind: "image" or "text".
        loader: the module whose `load(source)` reads them.
        files: names of all that is needed.
        repository: owner and name on the Hugging Face hub.
        addresses: file name to URL.
        folder: where in `KERAS_HOME/tfast` files from `addresses` are kept, where several names
            share them; None: under the name.
        bundled: folder in `tfast/pretrained/weights`, of files that the package itself has.
        sha256: file name to the hash that the file must have, where it is recorded.
        num_bytes: of all files together; None where nobody has recorded it.
        licence: as the publisher gives it; None where none was found.
        expected_accuracy: see `Provenance`.
        result: what the publisher measured, in words for people.
    """

    name: str
    kind: Literal["image", "text"]
    loader: str
    files: tuple[str, ...]
    repository: str | None = None
    addresses: Mapping[str, str] = dataclasses.field(default_factory=dict)
    folder: str | None = None
    bundled: str | None = None
    sha256: Mapping[str, str] = dataclasses.field(default_factory=dict)
    num_bytes: int | None = None
    licence: str | None = None
    expected_accuracy: float | None = None
    result: str = ""
