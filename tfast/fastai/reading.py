"""fastai's files, read without running anything in them.

A pickle is a program. `load_weights` leaves `.pth` files to PyTorch's weights-only reader,
and `load_vocabulary` has an unpickler that can make nothing but built-in values and inert
stand-ins; a file that asks for anything else is refused by the name of what it asked for.
"""

import contextlib
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np

_EXPORTED = (
    "{path} holds a whole pickled Learner (`learn.export()`): code, not data, and reading it "
    "would run whatever it contains. Load it where it was made and save its parts instead: "
    "`torch.save(learn.model.state_dict(), 'weights.pth')` and, for texts, "
    "`json.dump(list(learn.dls.vocab), open('vocabulary.json', 'w'))` (a classifier's "
    "vocabulary is two lists: `[list(v) for v in learn.dls.vocab]`)."
)
# What torch says when the weights-only reader meets a class it does not know.
_REFUSED = "Weights only load failed"


class _Inert:
    """Stands in for a class of fastai: keeps the state it is given and does nothing."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __setstate__(self, state):
        self.state = state


class _List(_Inert):
    """Stands in for fastcore's `L` (fastcore.foundation.L)."""


class _CategoryMap(_Inert):
    """Stands in for fastai's `CategoryMap` (fastai.data.transforms.CategoryMap)."""


_STAND_INS = {
    "fastcore.foundation.L": _List,
    "fastai.data.transforms.CategoryMap": _CategoryMap,
}


def load_weights(path):
    """Reads the named tensors of a weights file.

    Args:
        path: `.pth` or `.pt` (zip or the format before PyTorch 1.6; a bare state dict, or what
            fastai's `learn.save()` writes, whose optimizer state is left out), which needs
            torch; or `.safetensors`, which needs safetensors but not torch; or `.npz`.

    Returns:
        dict of name to NumPy array, in the file's order, in PyTorch's layout. bfloat16
        tensors come as float32.

    Raises:
        ValueError: the file is missing, is of no known kind, holds a whole pickled Learner,
            asks for a class that is not plain data, or holds no named tensors.
        ImportError: torch or safetensors is needed and not installed.

    Example:
        >>> import tempfile, pathlib, numpy
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.npz"
        >>> numpy.savez(path, **{"0.weight": numpy.ones(2)})
        >>> load_weights(path)
        {'0.weight': array([1., 1.])}

    Source: `fastai.learner.load_model`, `torch.load(weights_only=True)`.
    """
    path = _existing(path)
    readers = {
        ".pth": _read_torch,
        ".pt": _read_torch,
        ".pkl": _read_torch,
        ".safetensors": _read_safetensors,
        ".npz": _read_npz,
    }
    if path.suffix not in readers:
        raise ValueError(f"{path}: expected one of {', '.join(readers)}, got {path.suffix!r}")
    return readers[path.suffix](path)


def load_vocabulary(path):
    """Reads the words, and for a text classifier the labels, of a vocabulary file.

    fastai pads vocabularies with several `xxfake`; the second is renamed `xxfake1`, the third
    `xxfake2`, and so on, because a lookup table needs distinct words.

    Args:
        path: `.pkl` (a pickled list, `L`, or a classifier's pair of words and
            `CategoryMap`), `.json` (a list, or a pair of lists), or `.txt` (a word a line).

    Returns:
        `(words, labels)`: two lists of str; `labels` is None where the file has none.

    Raises:
        ValueError: the file is missing, is of no known kind, asks for a class that is not
            plain data, or holds something else than words.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "itos.json"
        >>> _ = path.write_text('["xxunk", "xxpad", "film", "xxfake", "xxfake"]')
        >>> load_vocabulary(path)
        (['xxunk', 'xxpad', 'film', 'xxfake', 'xxfake1'], None)

    Source: `fastai.text.data.make_vocab`, `fastai.data.transforms.CategoryMap`.
    """
    path = _existing(path)
    if path.suffix == ".pkl":
        content = _plain(_unpickle(path))
    elif path.suffix == ".json":
        content = _parse_json(path)
    elif path.suffix == ".txt":
        content = path.read_text(encoding="utf-8").splitlines()
    else:
        raise ValueError(f"{path}: expected .pkl, .json or .txt, got {path.suffix!r}")
    if not isinstance(content, list) or not content:
        raise ValueError(f"{path}: expected a list of words, got {type(content).__name__}")
    words, labels = content, None
    if len(content) == 2 and all(isinstance(part, list) for part in content):
        words, labels = content
    for name, values in (("words", words), ("labels", labels or [])):
        for value in values:
            if not isinstance(value, str):
                raise ValueError(f"{path}: expected {name} to be text, got {value!r}")
    return _distinct(words), labels


def _existing(path):
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    return path


def _read_torch(path):
    try:
        import torch
    except ImportError as error:
        raise ImportError(f"{path}: reading it needs torch: pip install 'tfast[fastai]'") from error
    allowed = [(stand_in, name) for name, stand_in in _STAND_INS.items()]
    try:
        with torch.serialization.safe_globals(allowed):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if _is_export(path):
            raise ValueError(_EXPORTED.format(path=path)) from error
        reason = str(error).replace(_REFUSED, "").strip(". \n").splitlines()[0]
        raise ValueError(f"{path}: holds more than plain tensors, not read: {reason}") from error
    except (RuntimeError, EOFError, OSError, KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: not a readable PyTorch file: {error}") from error
    if isinstance(content, dict) and isinstance(content.get("model"), dict):
        content = content["model"]  # learn.save(with_opt=True)
    tensors = content if isinstance(content, dict) else {}
    if not tensors or not all(isinstance(t, torch.Tensor) for t in tensors.values()):
        raise ValueError(f"{path}: expected a mapping of names to tensors")
    return {
        name: (t.float() if t.dtype == torch.bfloat16 else t).numpy() for name, t in tensors.items()
    }


def _read_safetensors(path):
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            f"{path}: reading it needs safetensors: pip install 'tfast[fastai]'"
        ) from error
    try:
        return dict(safetensors.numpy.load_file(path))
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path}: not a readable safetensors file: {error}") from error


def _read_npz(path):
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise ValueError(f"{path}: not a readable .npz file: {error}") from error


def _is_export(path):
    """Whether the pickle inside a PyTorch file asks for fastai's Learner."""
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith("data.pkl"):
                return b"fastai.learner" in archive.read(name)
    return b"fastai.learner" in path.read_bytes()[:65536]


class _VocabularyUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        with contextlib.suppress(KeyError):
            return _STAND_INS[f"{module}.{name}"]
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, identifier):
        raise pickle.UnpicklingError(f"persistent object {identifier!r}")


def _unpickle(path):
    data = path.read_bytes()
    if b"fastai.learner" in data[:65536] or zipfile.is_zipfile(path):
        raise ValueError(_EXPORTED.format(path=path))
    try:
        return _VocabularyUnpickler(io.BytesIO(data)).load()
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path}: holds more than words, not read: {error}") from error
    except Exception as error:  # a damaged pickle raises whatever its last opcode did
        raise ValueError(f"{path}: not a readable pickle: {error}") from error


def _plain(value):
    """Lists and strings of what the unpickler made."""
    if isinstance(value, _Inert):
        state = getattr(value, "state", None)
        return _plain(state["items"] if isinstance(state, dict) and "items" in state else None)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _parse_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not readable JSON: {error}") from error


def _distinct(words):
    taken, result = set(words), []
    seen = set()
    for word in words:
        if word in seen:
            if word != "xxfake":
                raise ValueError(f"the word {word!r} stands twice in the vocabulary")
            word = next(w for n in range(1, len(words)) if (w := f"xxfake{n}") not in taken)
            taken.add(word)
        seen.add(word)
        result.append(word)
    return result
