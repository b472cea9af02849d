"""Files of `torch.save`, read without PyTorch and without running anything in them.

There are two kinds: since PyTorch 1.6 a zip archive of a pickle and a file for each storage,
before that several pickles and then all storages. In both the pickle makes tensors by calling
PyTorch's functions; here it gets `STAND_INS` and the four functions below, and nothing else.

Source: PyTorch 2.13 `torch.serialization`, `torch._utils._rebuild_tensor_v2`.
"""

import collections
import functools
import io
import math
import mmap
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NoReturn, TypeAlias, cast

import numpy as np

from tfast.fastai.stand_ins import STAND_INS, Inert

Readable: TypeAlias = io.BytesIO | mmap.mmap
# The first object of a file of before 1.6, and the second.
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_DTYPES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
# Values in the arguments and optimizer states that training scripts save beside the weights.
_INERT = {
    *("_codecs.encode", "torch.Size", "torch.device", "collections.Counter", "builtins.set"),
    *("torch.float16", "torch.bfloat16", "torch.float32", "torch.float64", "torch.int64"),
}


class _Sealed:
    """What a pickle can make, but never change."""

    def __setstate__(self, state: Any) -> NoReturn:
        raise pickle.UnpicklingError(f"a state for {type(self).__name__}")


class Tensor(_Sealed):
    """A tensor whose storage may not have been read yet.

    Attributes:
        dtype: of the numbers.
        storage: what it is a view of.
        offset: its first number.
        shape: its axes.
        strides: how many numbers further the next one is on each axis.
    """

    def __init__(self, storage: Any, offset: Any, shape: Any, strides: Any) -> None:
        if not isinstance(storage, _Storage):
            raise pickle.UnpicklingError(f"a tensor of {type(storage).__name__}")
        self.storage, self.offset = storage, _index(offset)
        self.shape = tuple(map(_index, shape))
        self.strides = tuple(map(_index, strides))
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        if 0 not in self.shape and last >= storage.length:
            raise ValueError(f"a tensor ends at {last} in a storage of {storage.length}")

    def num_bytes(self) -> int:
        """Of all its numbers, however few there are of them in the storage."""
        return math.prod(self.shape) * self.storage.dtype.itemsize

    def to_array(self) -> np.ndarray:
        """The array, a view of the storage."""
        numbers = self.storage.numbers()[self.offset :]
        strides = [stride * numbers.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(numbers, self.shape, strides)


class _Storage(_Sealed):
    """Numbers in one piece, of which tensors are views."""

    def __init__(self, kind: str, length: int) -> None:
        import ml_dtypes  # noqa: F401 -- makes bfloat16 known to NumPy; Keras requires it

        self.dtype, self.length = np.dtype(_DTYPES[kind]), length
        self.content: bytearray | None = None
        self.order = "<"

    def numbers(self) -> np.ndarray:
        """Its numbers, `(length,)`."""
        if self.content is None or len(self.content) != self.length * self.dtype.itemsize:
            raise ValueError("a storage is missing or cut off")
        # Not newbyteorder of the whole type: bfloat16 has none.
        bits = np.frombuffer(self.content, f"{self.order}u{self.dtype.itemsize}")
        native = bits if bits.dtype.isnative else bits.astype(f"=u{self.dtype.itemsize}")
        return native.view(self.dtype)


def read_torch_file(path: Path) -> Any:
    """What `torch.save` was given, with a `Tensor` for each tensor.

    Args:
        path: the file.

    Returns:
        The object: of dictionaries, lists and plain values. A parameter is its tensor.

    Raises:
        pickle.UnpicklingError: it asks for something that is not plain data: "GLOBAL name".
        Exception: a damaged file raises whatever its last bytes make happen.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return _read_zip(archive)
    # Not the file itself, which makes room for whatever length a pickle names.
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return _read_old(content)


def _read_zip(archive: zipfile.ZipFile) -> Any:
    names = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
    if len(names) != 1:
        raise ValueError(f"holds {len(names)} files data.pkl, not one")
    root = names[0].removesuffix("data.pkl")
    is_big = f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") == b"big"
    content, storages = _load(io.BytesIO(archive.read(names[0])))
    for key, storage in storages.items():
        storage.content = bytearray(archive.read(f"{root}data/{key}"))
        storage.order = ">" if is_big else "<"
    return content


def _read_old(file: Readable) -> Any:
    if _load(file)[0] != _MAGIC or _load(file)[0] != _PROTOCOL:
        raise pickle.UnpicklingError("no pickle of PyTorch's")
    order = "<" if _load(file)[0].get("little_endian", True) else ">"
    content, storages = _load(file)
    for key in _load(file)[0]:
        storage = storages[str(key)]
        (length,) = struct.unpack(f"{order}q", file.read(8))
        if length != storage.length:
            raise ValueError(f"a storage of {length} numbers instead of {storage.length}")
        storage.content = bytearray(file.read(length * storage.dtype.itemsize))
        storage.order = order
    return content


def _load(file: Readable) -> tuple[Any, dict[str, _Storage]]:
    begin = file.tell()
    check_memo(file)
    file.seek(begin)
    unpickler = _Unpickler(file)
    return unpickler.load(), unpickler.storages


def check_memo(file: Readable) -> None:
    """Refuses a number in a pickle's memo that has not come yet: an array up to it would be made.

    Args:
        file: at the begin of a pickle; it is left at its end.

    Raises:
        ValueError: such a number, or no pickle.
    """
    begin = file.tell()
    for opcode, argument, position in pickletools.genops(cast("IO[bytes]", file)):
        is_put = opcode.name in ("PUT", "BINPUT", "LONG_BINPUT")
        if is_put and isinstance(argument, int) and argument > (position or 0) - begin:
            raise ValueError(f"memo number {argument} at byte {position}")


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Readable) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full == "collections.OrderedDict":
            return collections.OrderedDict
        if module == "torch" and name in _DTYPES:
            return _StorageKind(name)
        if full in _FUNCTIONS:
            # A new object each time: a pickle may set attributes of what it gets.
            return functools.partial(_FUNCTIONS[full])
        stand_in = STAND_INS.get(full, Inert if full in _INERT else None)
        if stand_in is None:
            raise pickle.UnpicklingError(f"GLOBAL {full}")
        return stand_in

    def persistent_load(self, identifier: Any) -> _Storage:
        kind, storage_kind, key, _, length, *views = identifier
        if kind != "storage" or not isinstance(storage_kind, _StorageKind) or any(views):
            raise pickle.UnpicklingError(f"persistent object {identifier!r:.80}")
        if str(key) not in self.storages:
            self.storages[str(key)] = _Storage(storage_kind.name, _index(length))
        return self.storages[str(key)]


class _StorageKind(_Sealed):
    def __init__(self, name: str) -> None:
        self.name = name


def _index(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**62:
        raise ValueError(f"a size must be a whole number of at least 0, got {value!r:.80}")
    return value


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    return Tensor(storage, offset, shape, strides)


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
}
