"""Texts from CSV files, from folders, and from the documentation of what is installed."""

import ast
import csv
import dataclasses
import gzip
import importlib.util
import itertools
import random
import re
import sysconfig
from pathlib import Path

# A review can be longer than the 131,072 characters that the csv module takes by itself.
csv.field_size_limit(2**30)

# The first are there wherever this project is.
LIBRARIES = ("python", "numpy", "keras", "tensorflow", "pandas", "sklearn", "matplotlib", "scipy")


@dataclasses.dataclass(frozen=True)
class Texts:
    """Texts with their labels, in the same order; labels are strings."""

    texts: list
    labels: list

    def __len__(self):
        return len(self.texts)

    def split(self, fraction, seed):
        """Two parts at random; the first has this share of the texts, at least one."""
        order = list(range(len(self)))
        random.Random(seed).shuffle(order)
        size = max(1, round(fraction * len(self)))
        return tuple(
            Texts([self.texts[i] for i in part], [self.labels[i] for i in part])
            for part in (sorted(order[:size]), sorted(order[size:]))
        )


def read_labelled(path, *, text_column="text", label_column="label"):
    """Texts and labels from a CSV file (`.gz` too), or from a folder with one folder a class.

    Args:
        path: a file whose first line names the columns, or a folder. A class's folder holds
            a text in each `.txt` file. A folder named `unsup`, the unlabelled texts of
            aclImdb, is no class.
        text_column: name of a CSV file's column.
        label_column: name of a CSV file's column.

    Raises:
        ValueError: nothing there, no such column, or fewer than two classes.
    """
    path = Path(path)
    if path.is_dir():
        folders = [f for f in sorted(path.iterdir()) if f.is_dir() and f.name != "unsup"]
        pairs = [(text, folder.name) for folder in folders for text in _read_folder(folder)]
    else:
        pairs = _read_csv(path, text_column, label_column)
    if len({label for _, label in pairs}) < 2:
        raise ValueError(f"{path} has {len(pairs)} labelled texts; expected two classes at least")
    texts, labels = zip(*pairs, strict=True)
    return Texts(list(texts), list(labels))


def read_unlabelled(path, *, text_column="text"):
    """A list of texts from a CSV file, a folder of `.txt` files, or a plain text file.

    In a plain text file blank lines stand between the texts.

    Raises:
        ValueError: nothing there, or no such column.
    """
    path = Path(path)
    if path.is_dir():
        texts = _read_folder(path)
    elif ".csv" in path.suffixes:
        texts = [text for (text,) in _read_csv(path, text_column)]
    else:
        texts = _paragraphs(_read(path))
    if not texts:
        raise ValueError(f"{path} has no texts")
    return texts


def docstrings(num_texts, seed=0):
    """Docstrings of the installed libraries, labelled with the library's name.

    Args:
        num_texts: at most so many of each library, from source files drawn at random.
        seed: what is drawn depends on it.

    Returns:
        `Texts`.
    """
    pairs = []
    for library in LIBRARIES:
        files = _source_files(library)
        random.Random(seed).shuffle(files)
        candidates = itertools.chain.from_iterable(map(_file_docstrings, files))
        pairs += [(text, library) for text in _first_distinct(candidates, num_texts)]
    texts, labels = zip(*pairs, strict=True)
    return Texts(list(texts), list(labels))


def _first_distinct(texts, most):
    found = {}  # a dict keeps the order, a set does not
    for text in texts:
        found[text] = None
        if len(found) == most:
            break
    return list(found)


def _source_files(library):
    if library == "python":
        folder = Path(sysconfig.get_paths()["stdlib"])
        files = [*folder.glob("*.py"), *folder.glob("[a-z]*/*.py")]
    else:
        spec = importlib.util.find_spec(library)
        files = Path(spec.origin).parent.rglob("*.py") if spec else []
    return sorted(file for file in files if "test" not in str(file))


def _file_docstrings(file, most=5, min_length=100, max_length=1000):
    """The first docstrings of a source file, which is read but not run."""
    nodes = ast.walk(ast.parse(file.read_bytes()))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    texts = (ast.get_docstring(node) or "" for node in nodes if isinstance(node, documented))
    return [text[:max_length] for text in texts if len(text) >= min_length][:most]


def _read(file):
    return file.read_text(encoding="utf-8", errors="replace")


def _read_folder(folder):
    return [_read(file) for file in sorted(folder.glob("*.txt"))]


def _paragraphs(text):
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def _read_csv(path, *columns):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path} has no column {missing[0]!r}; it has {reader.fieldnames}")
        return [tuple(row[name] or "" for name in columns) for row in reader]
