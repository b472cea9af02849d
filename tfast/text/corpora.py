"""The texts of a classifier: for training, validation and test, and texts without labels.

What reads one file or folder, `tfast.text.texts`, can be imported from here too.
"""

import dataclasses
import functools
import numbers
import os
from pathlib import Path
from typing import TypeGuard

from tfast import arguments
from tfast.data.folders import NOT_DATA
from tfast.text.library_docstrings import library_docstrings
from tfast.text.texts import UNLABELLED_FOLDER, Texts, read_texts, read_unlabelled
from tfast.types import PathLike

__all__ = ["Corpus", "Texts", "read_corpus", "read_texts", "read_unlabelled"]


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What a text classifier is made from.

    Attributes:
        train: labelled texts.
        valid: labelled texts.
        test: labelled texts.
        unlabelled: texts without labels; there may be none.
    """

    train: Texts
    valid: Texts
    test: Texts
    unlabelled: Texts

    def __post_init__(self) -> None:
        for part in (self.valid, self.test):
            self.label_ids(part)  # for its check

    @property
    def class_names(self) -> tuple[str, ...]:
        """The distinct labels of the training texts, sorted."""
        return self.train.class_names

    def label_ids(self, texts: Texts) -> list[int]:
        """For each text the number of its label among the class names.

        Raises:
            ValueError: the texts have no labels, or one that no training text has.
        """
        if texts.labels is None:
            raise ValueError("texts must have labels, got None")
        ids = {name: number for number, name in enumerate(self.class_names)}
        unknown = set(texts.labels) - ids.keys()
        if unknown:
            raise ValueError(f"no training text has the label {sorted(unknown)[0]!r}")
        return [ids[label] for label in texts.labels]


def read_corpus(
    data: PathLike | None,
    *,
    valid: PathLike | float,
    test: PathLike | float | None = None,
    unlabelled: PathLike | None = None,
    num_labelled: int | None = None,
    num_unlabelled: int | None = None,
    text_column: str = "text",
    label_column: str = "label",
    encoding: str = "utf-8",
    seed: int = 0,
) -> Corpus:
    """Reads and splits everything that a text classifier is made from.

    Args:
        data: see `read_texts`; or the root of aclImdb's layout, with folders `train` and `test`,
            which brings its own test texts and unlabelled texts; or None for the documentation
            of installed libraries, two fifths of it without labels.
        valid: path of validation texts, or what to split off, see `Texts.split`.
        test: the same for test texts; None for aclImdb's own, or else 0.1.
        unlabelled: path, see `read_unlabelled`; or None. Texts of it that are among the labelled
            ones too are left out: what learned from them without labels would know them better
            than texts to come, and be judged too well.
        num_labelled: how many texts of `data` to use beside the test texts, see `Texts.sample`;
            None for all. A fraction of validation texts is of these, a number or a path of them
            comes to these.
        num_unlabelled: how many of the others to use, the first ones; None for all.
        text_column: of tables.
        label_column: of tables.
        encoding: of files without a byte-order mark.
        seed: of the splits.

    Returns:
        A `Corpus`.

    Raises:
        ValueError: see the other functions; or labels that the training texts do not have.
        OSError: a path cannot be read.
    """
    read = functools.partial(
        read_texts, text_column=text_column, label_column=label_column, encoding=encoding
    )

    def split_off(texts: Texts, name: str, source: PathLike | float) -> tuple[Texts, Texts]:
        if isinstance(source, str | os.PathLike):
            return texts, read(source)
        try:
            return texts.split(source, seed=seed)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def sample(texts: Texts) -> Texts:
        if num_labelled is None or num_labelled >= len(texts):
            return texts
        least = max(1, len(texts.class_names))
        number = arguments.whole_number("num_labelled", num_labelled, minimum=least)
        return texts.sample(number, seed=seed)

    if data is None:
        labelled, without_labels = _read_docstrings(seed)
    else:
        if any(path.is_dir() for path in Path(data).glob("train/*")):
            data, test, unlabelled = _find_parts(Path(data), valid, test, unlabelled)
        labelled, without_labels = read(data), Texts(())
    if unlabelled is not None:
        without_labels = read_unlabelled(unlabelled, text_column=text_column, encoding=encoding)
    labelled, test_texts = split_off(labelled, "test", 0.1 if test is None else test)
    if not _is_path(valid) and not isinstance(valid, numbers.Integral):
        labelled = sample(labelled)  # a fraction is of the texts that are used
    labelled, valid_texts = split_off(labelled, "valid", valid)
    labelled = sample(labelled)
    known = {*labelled.texts, *valid_texts.texts, *test_texts.texts}
    others = [text for text in without_labels.texts if text not in known]
    if num_unlabelled is not None:
        others = others[: arguments.whole_number("num_unlabelled", num_unlabelled, minimum=0)]
    return Corpus(train=labelled, valid=valid_texts, test=test_texts, unlabelled=Texts(others))


def _read_docstrings(seed: int) -> tuple[Texts, Texts]:
    labelled, others = Texts(*library_docstrings(400, seed=seed)).split(0.4, seed=seed)
    return labelled, Texts(others.texts)


def _find_parts(
    root: Path,
    valid: PathLike | float,
    test: PathLike | float | None,
    unlabelled: PathLike | None,
) -> tuple[Path, PathLike | float | None, PathLike | None]:
    """The training, test and unlabelled texts of aclImdb's layout, whose root is given."""
    given = [Path(path).resolve() for path in (valid, test, unlabelled) if _is_path(path)]
    folders = [path for path in sorted(root.iterdir()) if path.is_dir() and path.name[0] != "."]
    others = [
        path.name
        for path in folders
        if path.name not in ("train", "test", UNLABELLED_FOLDER)
        and path.name.lower() not in NOT_DATA
        and path.resolve() not in given
    ]
    if others:
        raise ValueError(
            f"data must hold nothing but train, test and {UNLABELLED_FOLDER} besides the folders "
            f"given as valid or test, got {root} with {', '.join(others)}"
        )
    if test is None and (root / "test").is_dir():
        test = root / "test"
    if unlabelled is None:
        here = [root / "train" / UNLABELLED_FOLDER, root / UNLABELLED_FOLDER]
        unlabelled = next((path for path in here if path.is_dir()), None)
    return root / "train", test, unlabelled


def _is_path(value: object) -> TypeGuard[PathLike]:
    return isinstance(value, str | os.PathLike)
