"""Weights files, read without running anything in them: `.pth` too, which are pickles."""

import contextlib
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np

from tfast.fastai.stand_ins import EXPORTED, LEARNER, STAND_INS


def load_weights(path):
    """Reads the named tensors of a weights file.

    Args:
        path: `.pth` or `.pt` (zip or the format before PyTorch 1.6; a bare state dict, or what
            fastai's `learn.save()` writes, whose optimizer state is left out), which needs
            torch; or `.safetensors`, which needs safetensors but not torch; or `.npz`.

    Returns:
        dict of name to NumPy array, in the file's order, in PyTorch's layout. float16 and
        bfloat16 tensors come as float32.

    Raises:
        ValueError: the file is missing, damaged or of no known kind, holds a whole pickled
            Learner, asks for a class that is not plain data (it is named), or holds something
            else than named tensors.
        ImportError: torch or safetensors is needed and not installed.

    Example:
        >>> import tempfile, pathlib, numpy
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.npz"
        >>> numpy.savez(path, **{"0.weight": numpy.ones(2)})
        >>> load_weights(path)
        {'0.weight': array([1., 1.])}

    Source: `fastai.learner.load_model`, `torch.load(weights_only=True)`.
    """
    path = existing(path)
    if path.suffix not in _READERS:
        raise ValueError(f"{path}: expected one of {', '.join(_READERS)}, got {path.suffix!r}")
    try:
        weights = _READERS[path.suffix](path)
    except ImportError as error:
        raise ImportError(
            f"{path}: reading it needs {error.name}: pip install 'tfast[fastai]'"
        ) from error
    except pickle.UnpicklingError as error:
        raise ValueError(_refusal(path, str(error))) from error
    except Exception as error:  # a damaged file raises whatever its last bytes make happen
        raise ValueError(f"{path}: not a readable {path.suffix} file: {error}") from error
    tensors = weights.items() if isinstance(weights, dict) else ()
    if not tensors or not all(isinstance(n, str) and isinstance(t, np.ndarray) for n, t in tensors):
        raise ValueError(f"{path}: expected a mapping of names to tensors")
    return {name: _widened(tensor) for name, tensor in tensors}


def existing(path):
    """`path` as a `Path`; raises ValueError where there is no such file."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    return path


def _read_torch(path):
    import torch

    allowed = [(stand_in, name) for name, stand_in in STAND_INS.items()]
    with torch.serialization.safe_globals(allowed):
        content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict):
        return content
    if isinstance(content.get("model"), dict):
        content = content["model"]  # learn.save(with_opt=True)
    return {
        name: _as_array(value) if isinstance(value, torch.Tensor) else value
        for name, value in content.items()
    }


def _as_array(tensor):
    """A tensor as NumPy has it, which has no bfloat16."""
    tensor = tensor.detach()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def _read_safetensors(path):
    import safetensors.numpy

    return safetensors.numpy.load_file(path)


def _read_npz(path):
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


_READERS = {
    ".pth": _read_torch,
    ".pt": _read_torch,
    ".pkl": _read_torch,
    ".safetensors": _read_safetensors,
    ".npz": _read_npz,
}


def _widened(tensor):
    half = tensor.dtype.name in ("float16", "bfloat16")
    return tensor.astype("float32") if half else tensor


def _refusal(path, message):
    """Why the weights-only reader refused, without its advice to read the file all the same."""
    if _is_export(path):
        return EXPORTED.format(path=path)
    asked_for = re.search(r"GLOBAL (\S+)", message)
    if asked_for is None:
        return f"{path}: not a readable {path.suffix} file: damaged, or no pickle of PyTorch's"
    return f"{path}: holds more than plain tensors, not read: it asks for {asked_for[1]}"


def _is_export(path):
    """Whether the pickle inside a PyTorch file asks for fastai's Learner."""
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith("data.pkl"):
                return LEARNER in archive.read(name)
    return LEARNER in path.read_bytes()[:65536]
