"""Texts with or without labels, read from files and folders, and split at random."""

import collections
import dataclasses
import os
import random
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tfast import arguments
from tfast.data.folders import files_below, read_class_folders
from tfast.data.splitting import split_by_class
from tfast.text.text_files import (
    PLAIN_TEXT,
    TABLES,
    iterate_paragraphs,
    iterate_rows,
    kind_of_file,
    read_text,
)
from tfast.types import PathLike

# Endings of the files of a folder that are texts.
TEXT_ENDINGS = (".txt", ".txt.gz")
# Of aclImdb: the folder of unlabelled texts beside the classes.
UNLABELLED_FOLDER = "unsup"


@dataclasses.dataclass(frozen=True)
class Texts:
    """Texts with their labels, in the same order.

    Args:
        texts: strings.
        labels: a string for each text, or None for texts without labels.

    Raises:
        ValueError: there are not as many labels as texts.

    Examples:
        >>> texts = Texts(["fine", "dull", "great", "poor"], ["good", "bad", "good", "bad"])
        >>> training, validation = texts.split(0.5, seed=0)
        >>> len(training), len(validation), validation.class_names
        (2, 2, ('bad', 'good'))
    """

    texts: Sequence[str]
    labels: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for name in ("texts", "labels"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise ValueError(f"{name} must be a sequence of strings, got {value[:40]!r}")
            if value is not None:
                object.__setattr__(self, name, tuple(value))
        if self.labels is not None and len(self.labels) != len(self.texts):
            raise ValueError(
                f"labels must be as many as texts, {len(self.texts)}, got {len(self.labels)}"
            )

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The distinct labels, sorted; none where the texts have no labels."""
        return tuple(sorted(set(self.labels or ())))

    def split(self, amount: float, *, seed: int) -> tuple["Texts", "Texts"]:
        """Training and validation texts at random, class by class, each in the order they have.

        Args:
            amount: how many become validation texts: a fraction of each class, or a whole
                number.
            seed: an integer.

        Returns:
            The texts that remain for training, and the validation texts. Both have at least one
            text of each class; a class of one text has it for training, with a warning.

        Raises:
            ValueError: `amount` is neither, or leaves a class of two or more texts without one.
        """
        labels = ("",) * len(self) if self.labels is None else self.labels
        validation, training = split_by_class(labels, amount, seed=seed)
        return self._select(training), self._select(validation)

    def sample(self, number: int, *, seed: int) -> "Texts":
        """A smaller number of texts at random, class by class, in the order they have.

        What a smaller number gives is part of what a larger one gives.

        Args:
            number: how many texts; at least one of each class is among them.
            seed: an integer.

        Returns:
            `Texts`.

        Raises:
            ValueError: `number` is below the number of classes or above that of the texts.
        """
        number = arguments.whole_number("number", number, minimum=max(1, len(self.class_names)))
        if number > len(self):
            raise ValueError(f"number must be at most the {len(self)} texts, got {number}")
        members = collections.defaultdict(list)
        for index in range(len(self)):
            members["" if self.labels is None else self.labels[index]].append(index)
        ranked = []
        for name, indices in members.items():
            random.Random(f"{seed} {name}").shuffle(indices)
            # Each class is spread evenly over 0 to 1, so that any beginning has its part of it.
            ranked += [(rank / len(indices), name, i) for rank, i in enumerate(indices)]
        return self._select(sorted(index for _, _, index in sorted(ranked)[:number]))

    def _select(self, indices: Iterable[int]) -> "Texts":
        indices = list(indices)
        labels = None if self.labels is None else [self.labels[i] for i in indices]
        return Texts([self.texts[i] for i in indices], labels)


def read_texts(
    path: PathLike,
    *,
    text_column: str = "text",
    label_column: str = "label",
    encoding: str = "utf-8",
) -> Texts:
    r"""Labelled texts from a table, or from a folder with a folder for each class.

    Args:
        path: a `.csv`, `.tsv` or `.jsonl` file (see `tfast.text.text_files.iterate_rows`), or such
            a file followed by `.gz`; or a folder by the rules of `tfast.data.folders`. A class's
            folder holds a text in each `.txt` (or `.txt.gz`) file. A folder named `unsup`, the
            unlabelled texts of aclImdb, is no class.
        text_column: name of a table's column.
        label_column: name of a table's column. White space around a label does not count.
        encoding: of the files; a byte-order mark has precedence.

    Returns:
        `Texts`, in the order of the file, or sorted by class and path.

    Raises:
        ValueError: a file of another kind or encoding, a row that does not fit the columns or
            has an empty label (the message has its line), or fewer than two classes.
        OSError: the path cannot be read.

    Examples:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "films.tsv")
        >>> _ = path.write_text("text\tlabel\nlong, slow\tbad\na joy\tgood\n")
        >>> read_texts(path)
        Texts(texts=('long, slow', 'a joy'), labels=('bad', 'good'))
    """
    if Path(path).is_dir():
        found = read_class_folders(path, endings=TEXT_ENDINGS, not_classes=(UNLABELLED_FOLDER,))
        texts = [read_text(file, encoding=encoding) for file in found.file_paths]
        return Texts(texts, [found.class_names[label] for label in found.labels])
    if kind_of_file(path) == PLAIN_TEXT:
        raise ValueError(
            f"path must be a folder of classes or a table with labels ({', '.join(TABLES)}), "
            f"got {os.fspath(path)}"
        )
    texts, labels = [], []
    for line, (text, label) in iterate_rows(path, [text_column, label_column], encoding=encoding):
        if not label.strip():
            raise ValueError(f"{os.fspath(path)}, line {line}: the label is empty")
        texts.append(text)
        labels.append(label.strip())
    if len(set(labels)) < 2:
        found_labels = f"only {labels[0]!r}" if labels else "no texts"
        raise ValueError(
            f"{os.fspath(path)} must have texts of two or more classes, got {found_labels}"
        )
    return Texts(texts, labels)


def read_unlabelled(path: PathLike, *, text_column: str = "text", encoding: str = "utf-8") -> Texts:
    """Texts without labels from a table, a folder of text files, or a plain text file.

    Args:
        path: see `iterate_unlabelled`.
        text_column: name of a table's column.
        encoding: of the files; a byte-order mark has precedence.

    Returns:
        `Texts` whose labels are None.

    Raises:
        ValueError: see `iterate_unlabelled`; or there are no texts.
        OSError: the path cannot be read.
    """
    texts = list(iterate_unlabelled(path, text_column=text_column, encoding=encoding))
    if not texts:
        raise ValueError(f"{os.fspath(path)} must have texts, got none")
    return Texts(texts)


def iterate_unlabelled(
    path: PathLike, *, text_column: str = "text", encoding: str = "utf-8"
) -> Iterator[str]:
    r"""Texts without labels, one by one: only the one at hand is in memory.

    In a plain text file empty lines separate the texts. Of a table every column but the texts'
    is ignored.

    Args:
        path: a `.csv`, `.tsv`, `.jsonl` or `.txt` file, or such a file followed by `.gz`, `.bz2`
            or `.xz`; or a folder, whose `.txt` (and `.txt.gz`) files are read, those of inner
            folders too.
        text_column: name of a table's column.
        encoding: of the files; a byte-order mark has precedence.

    Yields:
        Strings.

    Raises:
        ValueError: a file of another kind or encoding, or a row that does not fit the columns
            (the message has its line).
        OSError: the path cannot be read.

    Examples:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "films.csv")
        >>> _ = path.write_text("title,text\nRan,long and great\n")
        >>> list(iterate_unlabelled(path))
        ['long and great']
    """
    if Path(path).is_dir():
        for file in _files_of_folder(path):
            yield read_text(file, encoding=encoding)
    elif kind_of_file(path) == PLAIN_TEXT:
        yield from iterate_paragraphs(path, encoding=encoding)
    else:
        for _, (text,) in iterate_rows(path, [text_column], encoding=encoding):
            yield text


def _files_of_folder(directory: PathLike) -> list[str]:
    taken, others = files_below(directory, TEXT_ENDINGS)
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        warnings.warn(
            f"{os.fspath(directory)}: left out files that do not end with "
            f"{' or '.join(TEXT_ENDINGS)}: {others[0]}{more}",
            stacklevel=4,
        )
    return taken
