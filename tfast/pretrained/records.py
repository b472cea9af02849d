"""What `load` gives: a model with all that its weights need to be used rightly."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from tfast.text import TextTokenizer, Vocabulary
    from tfast.text.gram_vectors import GramVectors
    from tfast.vision import ImagePreprocessing


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where weights come from, and which they are.

    Attributes:
        source: an address, a path, or the name that was given.
        revision: of a repository, its commit; or None.
        sha256: file name to SHA-256 in hexadecimal, of the whole of each file that was read.
        licence: as its publisher gives it, such as "apache-2.0"; None where none was found.
        expected_accuracy: what its publisher measured, in [0, 1], as `Pretrained` prepares inputs;
            or None.
        notes: what else is to be known, such as what was read in which way.

    Examples:
        >>> Provenance("somewhere", None, {"a.pth": "00ff"}, None, 0.77).to_dict()["sha256"]
        {'a.pth': '00ff'}
    """

    source: str
    revision: str | None
    sha256: Mapping[str, str]
    licence: str | None
    expected_accuracy: float | None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return values | {"sha256": dict(self.sha256), "notes": list(self.notes)}


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """A trained model, and what belongs to it. What a kind of model does not have is None.

    Attributes:
        name: what `load` was given.
        model: the model, not compiled.
        provenance: where it comes from.
        preprocessing: images: how pixels become inputs at `image_size`.
        image_size: images: height and width at which it was trained.
        test_preprocessing: images: the same for `test_image_size`.
        test_image_size: images: a larger size, at which its publisher found it more accurate.
        tokenizer: texts: from raw strings to tokens.
        vocabulary: texts: from tokens to ids.
        class_names: the classes in order; None where they were not published.
        reverse: texts: whether the model reads documents from their end.
        topic_vectors: texts: of the words of `vocabulary` and of pairs of them, see
            `tfast.text.topic_vectors`.
    """

    name: str
    model: "keras.Model"
    provenance: Provenance
    preprocessing: "ImagePreprocessing | None" = None
    image_size: tuple[int, int] | None = None
    test_preprocessing: "ImagePreprocessing | None" = None
    test_image_size: tuple[int, int] | None = None
    tokenizer: "TextTokenizer | None" = None
    vocabulary: "Vocabulary | None" = None
    class_names: tuple[str, ...] | None = None
    reverse: bool = False
    topic_vectors: "GramVectors | None" = None
