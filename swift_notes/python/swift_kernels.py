"""tfast's mixup and its rule for repeated characters, computed in Swift.

    SwiftKernels            both through ctypes, on NumPy's own memory
    load_mixup_operation    mixup as an operation of TensorFlow

Build the libraries first: `swift build -c release --package-path swift_notes`. They are then in
`swift_notes/.build/release`. A trap in Swift ends the whole process, Python with it: so types
and shapes are checked here, before Swift sees them.
"""

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

_DONE, _BAD_PARTNER = 0, 2  # KernelStatus in TfastKernels/Mixup.swift


class SwiftKernels:
    """The entry points of `libTfastKernels.so`.

    ctypes gives back Python's lock while Swift computes, so that threads of `tf.data` run side
    by side.

    Args:
        folder: where the library is, `swift_notes/.build/release` after a build.

    Raises:
        ValueError: the folder has no such library.
    """

    def __init__(self, folder: str | Path) -> None:
        library = ctypes.CDLL(str(_library_file(folder, "TfastKernels")))
        pointer, size = ctypes.c_void_p, ctypes.c_ssize_t
        self._blends = {
            np.dtype(np.float32): library.tfast_blend_float32,
            np.dtype(np.float64): library.tfast_blend_float64,
        }
        for blend in self._blends.values():
            blend.argtypes = [pointer, pointer, pointer, pointer, size, size]
            blend.restype = ctypes.c_int32
        self._mark, self._room = (
            library.tfast_mark_character_runs,
            library.tfast_mark_character_runs_room,
        )
        self._mark.argtypes = [pointer, pointer, size, pointer, size, pointer]
        self._mark.restype = ctypes.c_int32
        self._room.argtypes, self._room.restype = [size], size

    def blend(self, examples: np.ndarray, partners: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Blends each example with its partner: `weight * own + (1 - weight) * partner's`.

        Args:
            examples: float32 or float64 `(batch, ...)`, contiguous.
            partners: int32 `(batch,)`, positions in the batch.
            weights: float32 `(batch,)`.

        Returns:
            An array of the shape and dtype of `examples`.

        Raises:
            ValueError: an argument has another type, shape or layout, or a partner is no
                position in the batch.
        """
        _require(isinstance(examples, np.ndarray), "examples", "an array", examples)
        blend = self._blends.get(examples.dtype)
        _require(blend is not None, "examples", "float32 or float64", examples.dtype)
        _require(examples.ndim >= 1, "examples", "an array with a batch axis", examples.shape)
        _require(
            examples.flags.c_contiguous, "examples", "contiguous", f"strides {examples.strides}"
        )
        batch = len(examples)
        _require_vector("partners", partners, np.int32, batch)
        _require_vector("weights", weights, np.float32, batch)
        blended = np.empty_like(examples)
        size = examples.size // batch if batch else 0
        addresses = [array.ctypes.data for array in (examples, partners, weights, blended)]
        status = blend(*addresses, batch, size)
        _require(status != _BAD_PARTNER, "partners", f"from 0 to {batch - 1}", partners)
        assert status == _DONE, status
        return blended

    def mark_character_runs(self, texts: Sequence[bytes] | np.ndarray) -> np.ndarray:
        """Rule `replace_rep`: a character three times or more becomes " xxrep count character ".

        Args:
            texts: bytes of UTF-8, `(batch,)`, as TensorFlow hands string tensors to Python.
                Swift reads them where they are.

        Returns:
            An object array `(batch,)` of bytes.

        Raises:
            ValueError: a text is not of type bytes.
        """
        texts = list(texts)
        for text in texts:
            _require(isinstance(text, bytes), "texts", "bytes", type(text).__name__)
        count = len(texts)
        lengths = np.fromiter(map(len, texts), np.intp, count)
        ends = np.empty(count, np.intp)
        output = np.empty(self._room(int(lengths.sum())), np.uint8)
        pointers = (ctypes.c_char_p * count)(*texts)
        status = self._mark(
            pointers, lengths.ctypes.data, count, output.ctypes.data, output.size, ends.ctypes.data
        )
        assert status == _DONE, status
        marked = np.empty(count, object)
        starts = [0, *ends[:-1].tolist()]
        for i, (start, end) in enumerate(zip(starts, ends.tolist(), strict=False)):
            marked[i] = output[start:end].tobytes()
        return marked

    def blend_tensors(
        self, examples: "tf.Tensor", partners: "tf.Tensor", weights: "tf.Tensor"
    ) -> "tf.Tensor":
        """`blend` inside a graph, say in `Dataset.map`: see there.

        Runs where Python is; a graph with it cannot be exported.
        """
        import tensorflow as tf

        inputs = [examples, tf.cast(partners, tf.int32), tf.cast(weights, tf.float32)]
        blended = tf.numpy_function(self.blend, inputs, examples.dtype)
        blended.set_shape(examples.shape)
        return blended

    def mark_tensors(self, texts: "tf.Tensor") -> "tf.Tensor":
        """`mark_character_runs` inside a graph: string tensor `(batch,)` to the same."""
        import tensorflow as tf

        marked = tf.numpy_function(self.mark_character_runs, [texts], tf.string)
        marked.set_shape(texts.shape)
        return marked


def load_mixup_operation(folder: str | Path) -> Callable[..., "tf.Tensor"]:
    """Registers TensorFlow's operation TfastMixup, whose kernel is Swift.

    The operation runs in `tf.function` and `tf.data` without Python. It has no gradient, and XLA
    cannot compile it.

    Args:
        folder: where `libTfastMixupOperation.so` is.

    Returns:
        A function of `examples` (float32 `(batch, ...)`, up to 8 axes), `partners` (int32
        `(batch,)`) and `weights` (float32 `(batch,)`) to the blended examples. TensorFlow raises
        `InvalidArgumentError` where a shape is another or a partner is no position in the batch.

    Raises:
        ValueError: the folder has no such library.
    """
    import tensorflow as tf

    return tf.load_op_library(str(_library_file(folder, "TfastMixupOperation"))).tfast_mixup


def _library_file(folder, name):
    file = Path(folder) / f"lib{name}.so"
    _require(file.is_file(), "folder", f"one with {file.name}", folder)
    return file.resolve()


def _require_vector(name, array, dtype, length):
    is_array = isinstance(array, np.ndarray) and array.dtype == dtype
    found = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
    _require(is_array, name, f"an array of {np.dtype(dtype)}", found)
    _require(array.shape == (length,), name, f"of shape ({length},)", array.shape)
    _require(array.flags.c_contiguous, name, "contiguous", f"strides {array.strides}")


def _require(condition, name, what, found):
    if not condition:
        raise ValueError(f"{name} must be {what}, got {found}")
