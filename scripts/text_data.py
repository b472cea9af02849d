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
import warnings
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

    def split(self, amount, seed):
        """Two parts at random; the first has this share or number of the texts, at least one.

        Raises:
            ValueError: nothing is left for the second part.
        """
        size = max(1, round(amount * len(self)) if amount < 1 else amount)
        if size >= len(self):
            raise ValueError(f"cannot take {size} texts from {len(self)} and leave some")
        order = list(range(len(self)))
        random.Random(seed).shuffle(order)
        return tuple(
            Texts([self.texts[i] for i in part], [self.labels[i] for i in part])
            for part in (sorted(order[:size]), sorted(order[size:]))
        )


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What a text classifier is made from: three `Texts`, and a list of texts without labels."""

    train: Texts
    valid: Texts
    test: Texts
    unlabelled: list

    @property
    def class_names(self):
        """The distinct labels, sorted."""
        return sorted(set(self.train.labels))

    def label_ids(self, texts):
        """A text's label as its place among the class names, for each text."""
        ids = {name: number for number, name in enumerate(self.class_names)}
        unknown = set(texts.labels) - ids.keys()
        if unknown:
            raise ValueError(f"no training text has the label {sorted(unknown)[0]!r}")
        return [ids[label] for label in texts.labels]


def read_corpus(
    data,
    *,
    valid,
    test=None,
    unlabelled=None,
    num_labelled=None,
    num_unlabelled=None,
    text_column="text",
    label_column="label",
    seed=0,
):
    """Reads and splits everything.

    Args:
        data: see `read_labelled`; or the root of aclImdb's layout, with folders `train` and
            `test`, which brings its own test texts and unlabelled texts; or None for
            `docstrings`.
        valid: path of validation texts, or the share or number of texts to split off.
        test: the same for test texts; None for aclImdb's own, or else a share of 0.1.
        unlabelled: path, see `read_unlabelled`; or None.
        num_labelled: how many training texts to use, or None for all.
        num_unlabelled: how many unlabelled texts to use, or None for all.
        text_column: of CSV files.
        label_column: of CSV files.
        seed: of the splits.

    Returns:
        A `Corpus`.

    Raises:
        ValueError: see the other functions; or labels that the training texts do not have.
    """
    if data is None:
        without_labels, labelled = docstrings(400, seed).split(0.4, seed)
        without_labels = without_labels.texts
    else:
        data = Path(data)
        if (data / "train").is_dir():
            unlabelled = unlabelled or next(data.glob("train/unsup"), None)
            if test is None and (data / "test").is_dir():
                test = data / "test"
            data = data / "train"
        columns = {"text_column": text_column, "label_column": label_column}
        labelled = read_labelled(data, **columns)
        without_labels = read_unlabelled(unlabelled, text_column=text_column) if unlabelled else []
    parts = {}
    for name, source in {"test": 0.1 if test is None else test, "valid": valid}.items():
        if isinstance(source, Path):
            parts[name] = read_labelled(source, **columns)
        else:
            parts[name], labelled = labelled.split(source, seed)
    if num_labelled is not None and num_labelled < len(labelled):
        labelled, _ = labelled.split(num_labelled, seed)
    corpus = Corpus(labelled, parts["valid"], parts["test"], without_labels[:num_unlabelled])
    for part in parts.values():
        corpus.label_ids(part)  # for its check
    return corpus


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
        folder = Path(spec.origin).parent if spec else Path()
        files = folder.rglob("*.py") if spec else []
    # Not the whole path: a library may stand in the home of a "tester".
    return sorted(file for file in files if "test" not in str(file.relative_to(folder)))


def _file_docstrings(file, most=5, min_length=100, max_length=1000):
    """The first docstrings of a source file, which is read but not run."""
    try:
        with warnings.catch_warnings():  # old escapes and the like: not this project's affair
            warnings.simplefilter("ignore")
            nodes = ast.walk(ast.parse(file.read_bytes()))
    except (SyntaxError, ValueError):  # a template, or meant for another Python
        return []
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
