"""One set of rules for a folder that holds a folder for each class, of images or of texts.

What counts:

- Each folder directly within is a class, and every file below it is an example, in folders
  within folders too. Links to files and folders are followed.
- Hidden files and folders (names with a dot in front, so macOS's `._x` too) and what systems
  leave beside the data (`__MACOSX`, `Thumbs.db`, `desktop.ini` ...) are not looked at.
- Endings are compared without regard to case.

What is refused is what would train something else than was meant: fewer than two classes, a
class without a file, folders that are splits (`train`, `valid`), one folder around all classes.

    read_class_folders  classes, files and labels of a folder
    files_below         the files of a folder without classes, by the same rules
"""

import dataclasses
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tfast.types import PathLike

# What systems and programs leave in folders; compared in lower case.
NOT_DATA = frozenset(
    [
        *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin"),
        *("system volume information", "@eadir", "lost+found", "icon\r"),
    ]
)
# The last word of a folder's name, if it says that the folder is a split of the data.
SPLITS = {
    **dict.fromkeys(["train", "training", "trn"], "training"),
    **dict.fromkeys(["valid", "validation", "val", "dev", "eval", "evaluation"], "validation"),
    **dict.fromkeys(["test", "testing", "tst", "holdout"], "test"),
}
# Words in a split's name that say nothing: "training_set", "test images".
_FILLERS = ("set", "data", "dataset", "split", "images", "texts", "files")
# How many files a message names.
MOST_NAMED = 10


@dataclasses.dataclass(frozen=True)
class ClassFolders:
    """The examples of a folder of class folders, sorted by class and path.

    Attributes:
        class_names: names of the classes in the order of their numbers.
        file_paths: the path of each example.
        labels: the class number of each example.
        left_out: paths of files that were not taken: beside the class folders, or with another
            ending.
    """

    class_names: tuple[str, ...]
    file_paths: tuple[str, ...]
    labels: tuple[int, ...]
    left_out: tuple[str, ...]


def read_class_folders(
    directory: PathLike,
    *,
    endings: Sequence[str] | None = None,
    class_names: Iterable[str] | None = None,
    not_classes: Sequence[str] = (),
) -> ClassFolders:
    """Lists the classes and files of a folder that holds a folder for each class.

    Files that are left out are named in a warning.

    Args:
        directory: the folder.
        endings: endings of the files to take, such as `(".txt",)`; None takes every file.
        class_names: names of the classes in the order of their numbers, so that several
            folders agree. They may include ones that have no folder or no file here, and names
            such as "train" that would be taken for a split. Default: the folders' names, sorted.
        not_classes: names of folders that are no classes, such as `("unsup",)`.

    Returns:
        A `ClassFolders`.

    Raises:
        ValueError: `directory` is no folder, or not of the form above; the message says which
            folder to give instead where one is seen. `class_names` repeats a name or lacks a
            folder's.
        OSError: a folder cannot be read.

    Examples:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("cat/1.TXT", "dog/young/2.txt", "dog/._2.txt", "unsup/3.txt"):
        ...     (folder / name).parent.mkdir(parents=True, exist_ok=True)
        ...     (folder / name).touch()
        >>> texts = read_class_folders(folder, endings=(".txt",), not_classes=("unsup",))
        >>> texts.class_names, texts.labels
        (('cat', 'dog'), (0, 1))
        >>> [pathlib.Path(path).name for path in texts.file_paths]
        ['1.TXT', '2.txt']
    """
    directory = _existing_folder(directory)
    folders = [name for name in _folder_names(directory) if name not in not_classes]
    names = folders if class_names is None else list(class_names)
    if class_names is None or not set(folders) <= set(names):
        _refuse_other_layouts(directory, folders)
    _check_class_names(directory, names, folders)

    file_paths: list[str] = []
    labels: list[int] = []
    left_out = [entry.path for entry in _entries(directory) if not entry.is_dir()]
    for label, name in enumerate(names):
        if name not in folders:
            continue
        taken, others = files_below(directory / name, endings)
        if not taken and class_names is None:
            wanted = "files" if endings is None else f"{' or '.join(endings)} files"
            raise ValueError(
                f"directory {directory} must hold {wanted} of each class, got none in the "
                f"folder {name!r}; remove or fill it"
            )
        file_paths += taken
        labels += [label] * len(taken)
        left_out += others
    if not file_paths:
        raise ValueError(f"directory {directory} must hold files of its classes, got none")
    if left_out:
        where = "beside the class folders" if endings is None else "elsewhere or of other endings"
        warnings.warn(f"{directory}: left out files {where}: {_some(left_out)}", stacklevel=2)
    return ClassFolders(tuple(names), tuple(file_paths), tuple(labels), tuple(left_out))


def files_below(
    directory: PathLike, endings: Sequence[str] | None = None
) -> tuple[list[str], list[str]]:
    """The files of a folder and of the folders within, by the rules of this module.

    Args:
        directory: the folder.
        endings: endings of the files to take, with their dot; None takes every file.

    Returns:
        Two sorted lists of paths: the files to take, and those of other endings.

    Raises:
        ValueError: `directory` is no folder.
        OSError: a folder cannot be read.

    Examples:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("a.TXT", ".b.txt", "Thumbs.db", "notes.md"):
        ...     (folder / name).touch()
        >>> taken, others = files_below(folder, (".txt",))
        >>> [pathlib.Path(path).name for path in taken + others]
        ['a.TXT', 'notes.md']
    """
    wanted = None if endings is None else tuple(ending.lower() for ending in endings)
    taken: list[str] = []
    others: list[str] = []
    for path in sorted(_walk(_existing_folder(directory), ())):
        (taken if wanted is None or path.lower().endswith(wanted) else others).append(path)
    return taken, others


def _existing_folder(directory: PathLike) -> Path:
    directory = Path(directory)
    if not directory.is_dir():
        raise ValueError(f"directory must be a folder, got {directory}")
    return directory


def _entries(directory: PathLike) -> Iterator[os.DirEntry[str]]:
    """What is in a folder, without hidden entries and NOT_DATA."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.name.lower() not in NOT_DATA:
                yield entry


def _folder_names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in _entries(directory) if entry.is_dir())


def _walk(directory: PathLike, above: tuple[str, ...]) -> Iterator[str]:
    # Links are followed, but not to a folder that holds them: that would never end.
    here = os.path.realpath(directory)
    if here in above:
        return
    for entry in _entries(directory):
        if entry.is_dir():
            yield from _walk(entry.path, (*above, here))
        elif entry.is_file() or entry.is_symlink():  # a broken link fails when it is read
            yield entry.path


def _refuse_other_layouts(directory: Path, folders: list[str]) -> None:
    """Refuses splits and a folder around all classes, and says which folder to give."""
    splits = _splits(directory, folders)
    if splits:
        raise ValueError(
            f"directory {directory} must hold a folder for each class, got splits of the data: "
            f"{', '.join(splits)}; give the folder of one split, such as {directory / splits[0]} "
            "(where these are classes, give them other names)"
        )
    if len(folders) == 1 and (inner := _folder_names(directory / folders[0])):
        inside = directory / folders[0]
        splits = _splits(inside, inner)
        raise ValueError(
            f"directory {directory} must hold a folder for each class, got the single folder "
            f"{folders[0]!r}, which holds {_some(inner)}; give "
            f"{inside / splits[0] if splits else inside}"
        )


def _splits(directory: Path, folders: list[str]) -> list[str]:
    """Which folders are splits: those of two kinds, or one that holds classes of its own."""
    kinds = {name: kind for name in folders if (kind := _split_kind(name))}
    if len(set(kinds.values())) > 1:
        return sorted(kinds, key=lambda name: list(SPLITS.values()).index(kinds[name]))
    return [name for name in kinds if len(_folder_names(directory / name)) > 1]


def _split_kind(name: str) -> str | None:
    words = [word for word in re.split(r"[\W_\d]+", name.lower()) if word not in ("", *_FILLERS)]
    return SPLITS.get(words[-1]) if words else None


def _check_class_names(directory: Path, names: list[str], folders: list[str]) -> None:
    if len(set(names)) < len(names):
        raise ValueError(f"class_names must be distinct, got {names}")
    unknown = sorted(set(folders) - set(names))
    if unknown:
        raise ValueError(
            f"class_names must name every folder of {directory}, got {names} without "
            f"{_some(unknown)}"
        )
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "no folders"
        raise ValueError(
            f"directory {directory} must hold a folder for each of two or more classes, got {found}"
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
