"""Weights files, read without running anything in them: `.pth` too, which are pickles."""

import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfast.fastai.stand_ins import EXPORTED, LEARNER
from tfast.fastai.torch_files import Tensor, read_torch_file
from tfast.types import PathLike

# Where training scripts keep the state dict of their model.
_WRAPPERS = ("model", "state_dict", "model_state_dict")
# Put before each name by nn.DataParallel, torch.compile and Lightning.
_PREFIXES = ("module.", "_orig_mod.", "model.")
_READ = "expected a file of torch.save (.pth, .pt, .bin ...), .safetensors or .npz"
# A file of a few bytes can name tensors of gigabytes: views of one number, or packed zeros.
_MOST_UNPACKED = 16
_SMALL = 2**24


def load_weights(path: PathLike) -> dict[str, np.ndarray]:
    """Reads the named tensors of a weights file.

    The kind of file is told by its content. Names are given as the model itself has them:
    without the `module.` of `nn.DataParallel` and the `_orig_mod.` of `torch.compile`.

    Args:
        path: what `torch.save` wrote: `.pth`, `.pt`, `.bin` and the like (zip, or the format
            before PyTorch 1.6), of a bare state dict, of what fastai's `learn.save()` and
            `learn.save_encoder()` write, or of a training script's dictionary with `"model"`,
            `"state_dict"` or `"model_state_dict"`; optimizer state is left out. It is read
            without PyTorch. Or `.safetensors`, needs safetensors; or `.npz`.

    Returns:
        dict of name to NumPy array, in the file's order, in PyTorch's layout. float16 and
        bfloat16 tensors come as float32.

    Raises:
        ValueError: the file is missing, damaged or of no known kind, holds a whole pickled
            Learner, asks for a class that is not plain data (it is named), or holds something
            else than named tensors.
        ImportError: safetensors is needed and not installed.

    Examples:
        >>> import tempfile, pathlib, numpy
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.npz"
        >>> numpy.savez(path, **{"0.weight": numpy.ones(2)})
        >>> load_weights(path)
        {'0.weight': array([1., 1.])}

    Source: `fastai.learner.load_model`, `torch.load(weights_only=True)`.
    """
    path = existing(path)
    read = _reader(path)
    try:
        weights = read(path)
    except ImportError as error:
        raise ImportError(f"{path}: reading it needs pip install safetensors") from error
    except pickle.UnpicklingError as error:
        raise ValueError(_refusal(path, str(error))) from error
    except _NotTensorsError as error:
        raise ValueError(f"{path}: expected a mapping of names to tensors, got {error}") from error
    except Exception as error:  # a damaged file raises whatever its last bytes make happen
        raise ValueError(f"{path}: not a readable weights file: {_first_line(error)}") from error
    return {name: _widened(tensor) for name, tensor in _without_prefixes(weights).items()}


def existing(path: PathLike) -> Path:
    """`path` as a `Path`; raises ValueError where there is no such file."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    return path


class _NotTensorsError(Exception):
    """Something else than a mapping of names to tensors; the message says what."""


def _reader(path: Path) -> Callable[[Path], dict[str, np.ndarray]]:
    """The function that reads a file, by how its content begins."""
    with path.open("rb") as file:
        begin = file.read(512)
    if begin.startswith(b"PK"):
        return _read_torch if not _is_npz(path) else _read_npz
    for magic, description in _OTHER_FILES.items():
        if begin.startswith(magic):
            raise ValueError(f"{path}: {_READ}, got {description}")
    if begin[257:262] == b"ustar":
        raise ValueError(f"{path}: {_READ}, got an archive: unpack it, and give the file in it")
    # The length of a JSON object, and the object.
    if begin[8:9] == b"{" or path.suffix.lower() == ".safetensors":
        return _read_safetensors
    if begin.startswith(b"\x80") or path.suffix.lower() in _TORCH_SUFFIXES:
        return _read_torch
    raise ValueError(f"{path}: {_READ}, got {path.suffix or 'something else'!r}")


_TORCH_SUFFIXES = (".pth", ".pt", ".bin", ".pkl", ".ckpt", ".h5")
_OTHER_FILES = {
    b"\x89HDF": "an HDF5 file, as Keras 2 writes weights",
    b"\x1f\x8b": "a packed file: unpack it, and give the file in it",
    b"\xfd7zXZ": "a packed file: unpack it, and give the file in it",
    b"version https://git-lfs": "the address of a file that Git LFS has not fetched",
    b"<": "a web page",
}


def _is_npz(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except Exception as error:  # zip versions that are not there yet, offsets out of range ...
        raise ValueError(f"{path}: not a readable weights file: {_first_line(error)}") from error
    _check_bytes(sum(member.file_size for member in members), path)
    names = {member.filename for member in members}
    if "model.weights.h5" in names:
        raise ValueError(f"{path}: a Keras model, not fastai's: use tfast.load_model")
    return not any(name.endswith("data.pkl") for name in names)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return _checked(dict(arrays))


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    import ml_dtypes  # noqa: F401 -- makes bfloat16 known to NumPy; Keras requires it
    import safetensors.numpy

    return _checked(safetensors.numpy.load_file(path))


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    content = read_torch_file(path)
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    tensors = _checked(content, Tensor)
    _check_bytes(sum(tensor.num_bytes() for tensor in tensors.values()), path)
    return {name: tensor.to_array() for name, tensor in tensors.items()}


def _checked(content: Any, kind: type = np.ndarray) -> dict[str, Any]:
    """`content`, if it is named tensors and nothing else."""
    if not isinstance(content, Mapping):
        raise _NotTensorsError(type(content).__name__)
    if not content:
        raise _NotTensorsError("an empty one")
    for name, value in content.items():
        if not isinstance(name, str):
            raise _NotTensorsError(f"the name {name!r:.80}")
        if not isinstance(value, kind):
            raise _NotTensorsError(f"{type(value).__name__} for {name!r:.80}")
    return dict(content)


def _check_bytes(num_bytes: int, path: Path) -> None:
    """Raises a ValueError for tensors that are far larger than their file."""
    limit = _MOST_UNPACKED * path.stat().st_size + _SMALL
    if num_bytes > limit:
        raise ValueError(
            f"{path}: names tensors of {num_bytes:,} bytes, more than a file of "
            f"{path.stat().st_size:,} can hold"
        )


def _without_prefixes(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    def is_shared(prefix: str) -> bool:
        return all(name.startswith(prefix) for name in weights)

    while found := next(filter(is_shared, _PREFIXES), None):
        weights = {name.removeprefix(found): tensor for name, tensor in weights.items()}
    # torch.compile of a part of the model puts it inside of the names.
    return {name.replace("._orig_mod.", "."): tensor for name, tensor in weights.items()}


def _widened(tensor: np.ndarray) -> np.ndarray:
    half = tensor.dtype.name in ("float16", "bfloat16")
    return tensor.astype("float32") if half else tensor


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def _refusal(path: Path, message: str) -> str:
    """Why the weights-only reader refused, without its advice to read the file all the same."""
    if _is_export(path):
        return EXPORTED.format(path=path)
    asked_for = re.search(r"GLOBAL (\S+)", message)
    if asked_for is None:
        return f"{path}: not a readable weights file: damaged, or no pickle of PyTorch's"
    return f"{path}: holds more than plain tensors, not read: it asks for {asked_for[1]}"


def _is_export(path: Path) -> bool:
    """Whether the pickle inside a PyTorch file asks for fastai's Learner."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return LEARNER in file.read(65536)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith("data.pkl"):
                with archive.open(name) as member:
                    return LEARNER in member.read(2**24)
    return False
