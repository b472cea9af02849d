"""Opening a portable folder."""

from typing import Any

from tfast.arguments import whole_number
from tfast.runtime.errors import FolderError
from tfast.runtime.folder import PortableFolder
from tfast.runtime.text_classifier import TextClassifier
from tfast.types import PathLike


def load(directory: PathLike, *, num_threads: int = 1, most_pixels: int | None = None) -> Any:
    """Reads a folder that `export_portable_text_classifier` or `..._image_classifier` wrote.

    Every file is compared with its SHA-256 first.

    Args:
        directory: the folder.
        num_threads: how many threads compute one batch. Where several threads of a server call
            `classify`, one is best.
        most_pixels: images of more are refused before they are decoded. None, and the most:
            178,956,970, as in Pillow and in the SavedModel.

    Returns:
        A `TextClassifier` or `ImageClassifier` with `class_names`, `classify(inputs)`, and
        `check()`, which classifies the folder's five examples and compares the answers with those
        of the Keras model.

    Raises:
        FolderError: the folder is incomplete, damaged, newer than this version of tfast reads, or
            needs TensorFlow to split texts.
        ImportError: onnxruntime, ai-edge-litert or Pillow is missing; it says which.
        ValueError: an argument out of range.
    """
    num_threads = whole_number("num_threads", num_threads)
    if most_pixels is not None:
        most_pixels = whole_number("most_pixels", most_pixels)
    folder = PortableFolder(directory)
    try:
        return _make_classifier(folder, num_threads, most_pixels)
    except (FolderError, ImportError):
        raise
    except Exception as error:  # digests can be right of files that are none of ours
        reason = " ".join(str(error).split())[:200]
        raise FolderError(
            f"{folder.directory} is damaged: {type(error).__name__}: {reason}"
        ) from error


def _make_classifier(folder: PortableFolder, num_threads: int, most_pixels: int | None) -> Any:
    kind = folder.description["kind"]
    if kind == "text":
        return TextClassifier(folder, num_threads=num_threads)
    if kind == "image":
        try:
            # Not at the top: texts need no Pillow.
            from tfast.runtime.image_classifier import ImageClassifier
        except ImportError as error:
            raise ImportError("image classifiers need `pip install pillow`") from error
        return ImageClassifier(folder, num_threads=num_threads, most_pixels=most_pixels)
    raise FolderError(f"{folder.directory} holds a classifier of another kind: {kind!r}")
