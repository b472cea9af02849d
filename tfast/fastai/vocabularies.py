"""A model's words and labels: read from files, and put in the order of our vocabularies."""

import io
import itertools
import json
import pickle
import reprlib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfast.fastai.conversion import StateDict, check_tensors
from tfast.fastai.reading import existing
from tfast.fastai.stand_ins import EXPORTED, LEARNER, STAND_INS, plain
from tfast.fastai.torch_files import check_memo
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.ulmfit import transfer_rows
from tfast.text.vocabulary import read_words
from tfast.types import PathLike

# Tensors with one row for each word: the table, its copies, the decoder's bias.
_ROWS = ("encoder.weight", "encoder_dp.emb.weight", "decoder.weight", "decoder.bias")


def load_vocabulary(path: PathLike) -> tuple[list[str], list[str] | None]:
    r"""Reads the words, and for a text classifier the labels, of a vocabulary file.

    fastai pads vocabularies with several `xxfake`; the second is renamed `xxfake1`, the third
    `xxfake2`, and so on, because a lookup table needs distinct words.

    Args:
        path: `.pkl` (a pickled list, `L`, or a classifier's pair of words and
            `CategoryMap`), `.json` (a list, or a pair of lists), or `.txt` (a word a line; one
            that `Vocabulary.load` takes, with our special tokens first, has its escapes). Text
            is UTF-8, with or without a byte-order mark.

    Returns:
        `(words, labels)`: two lists of str; `labels` is None where the file has none. Labels
        that are whole numbers or truth values are given as text: "0", "True".

    Raises:
        ValueError: the file is missing, damaged or of no known kind, asks for a class that is
            not plain data, or holds something else than words.

    Examples:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "itos.json"
        >>> _ = path.write_text('["xxunk", "xxpad", "film", "xxfake", "xxfake"]')
        >>> load_vocabulary(path)
        (['xxunk', 'xxpad', 'film', 'xxfake', 'xxfake1'], None)

    Source: `fastai.text.data.make_vocab`, `fastai.data.transforms.CategoryMap`.
    """
    words, labels = _read_list(path), None
    if len(words) == 2 and all(isinstance(part, list) for part in words):
        words, labels = words
        labels = [_label(path, value) for value in labels]
    return _distinct(path, [_text(path, word) for word in words]), labels


def load_labels(path: PathLike) -> list[str]:
    """Reads the labels of an image classifier, `learn.dls.vocab`.

    Args:
        path: `.pkl` (a pickled `CategoryMap` or list), `.json` (a list), or `.txt` (a label a
            line).

    Returns:
        list of str, in the model's order; numbers are given as text, as by `load_vocabulary`.

    Raises:
        ValueError: as `load_vocabulary`.

    Examples:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "labels.json"
        >>> _ = path.write_text("[0, 1]")
        >>> load_labels(path)
        ['0', '1']
    """
    return [_label(path, value) for value in _read_list(path)]


def with_special_tokens_first(
    state_dict: StateDict, words: Sequence[str]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Rows and words of a fastai text model, reordered for `tfast.text.vocabulary.Vocabulary`.

    fastai 2 puts the special tokens in our order; the vocabulary of fast.ai's `wt103-fwd` is
    older and has another. A special token that it does not have gets the mean row, as a word
    that is new to a language model does.

    Args:
        state_dict: mapping of names to arrays.
        words: list of str, distinct: a row's word.

    Returns:
        A new dict and a new list, for which the model computes what it did.

    Raises:
        ValueError: a tensor has another number of rows than there are words.

    Examples:
        >>> import numpy as np
        >>> words = ["film", *reversed(SPECIAL_TOKENS)]
        >>> state = {"1.decoder.bias": np.arange(10.0)}
        >>> state, words = with_special_tokens_first(state, words)
        >>> words[:2], words[-1], state["1.decoder.bias"].tolist()[-1]
        (['xxunk', 'xxpad'], 'film', 0.0)
    """
    check_tensors(state_dict)
    ours = [*SPECIAL_TOKENS, *(word for word in words if word not in SPECIAL_TOKENS)]
    reordered = dict(state_dict)
    for name, rows in state_dict.items():
        if name.endswith(_ROWS):
            if np.shape(rows)[:1] != (len(words),):
                raise ValueError(
                    f"words must be as many as the rows of {name}, {np.shape(rows)[:1]}, "
                    f"got {len(words)}"
                )
            reordered[name] = transfer_rows(rows, words, ours)
    return reordered, ours


def _read_list(path: PathLike) -> list[Any]:
    path = existing(path)
    readers = {".pkl": _unpickle, ".json": _parse_json, ".txt": _read_lines}
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise ValueError(f"{path}: expected .pkl, .json or .txt, got {path.suffix!r}")
    content = readers[suffix](path)
    if not isinstance(content, list) or not content:
        what = "an empty one" if content == [] else type(content).__name__
        raise ValueError(f"{path}: expected a list of words, got {what}")
    return content


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        stand_in = STAND_INS.get(f"{module}.{name}")
        if stand_in is None:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return stand_in

    def persistent_load(self, identifier: Any) -> Any:
        raise pickle.UnpicklingError(f"persistent object {identifier!r:.80}")


def _unpickle(path: Path) -> Any:
    data = path.read_bytes()
    if LEARNER in data[:65536] or zipfile.is_zipfile(path):
        raise ValueError(EXPORTED.format(path=path))
    try:
        check_memo(io.BytesIO(data))
        return plain(_Unpickler(io.BytesIO(data)).load())
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path}: holds more than words, not read: {error}") from error
    except RecursionError as error:
        raise ValueError(f"{path}: expected a list of words, got lists in lists") from error
    except Exception as error:  # a damaged pickle raises whatever its last opcode did
        raise ValueError(f"{path}: not a readable pickle: {error}") from error


def _parse_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError(f"{path}: expected a list of words, got lists in lists") from error
    except ValueError as error:
        raise ValueError(f"{path}: not readable JSON: {error}") from error


def _read_lines(path: Path) -> list[str]:
    try:
        return list(read_words(path))
    except ValueError:
        pass  # no file of ours: nothing in it is an escape
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except ValueError as error:
        raise ValueError(f"{path}: not readable text: {error}") from error
    # Not splitlines(): a word may hold U+2028 and other characters that it takes for ends.
    return text.removesuffix("\n").split("\n")


def _label(path: PathLike, value: Any) -> str:
    if not isinstance(value, (str, int)):  # bool is an int
        # reprlib: what a pickle holds may be longer than memory when it is written out.
        got = reprlib.repr(value)[:80]
        raise ValueError(f"{path}: expected labels to be text or whole numbers, got {got}")
    return _text(path, str(value))


def _text(path: PathLike, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{path}: expected words to be text, got {reprlib.repr(value)[:80]}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{path}: expected words to be valid Unicode, got {value!r}") from error
    return value


def _distinct(path: PathLike, words: Sequence[str]) -> list[str]:
    taken, seen = set(words), set()
    fillers = (filler for n in itertools.count(1) if (filler := f"xxfake{n}") not in taken)
    result = []
    for word in words:
        if word in seen:
            if word != "xxfake":
                raise ValueError(f"{path}: words must be distinct, got {word!r} twice")
            word = next(fillers)
        seen.add(word)
        result.append(word)
    return result
