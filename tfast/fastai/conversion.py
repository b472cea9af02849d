"""What every converter shares: named PyTorch tensors into Keras variables and back.

A converter lists `Entry`s, one for each variable of the model; the list is read in both
directions, so both are exact inverses by construction.
"""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

CONVOLUTION = (2, 3, 1, 0)  # (out, in, height, width) to (height, width, in, out)
DENSE = (1, 0)  # (out, in) to (in, out)

# What PyTorch and fastai save besides the numbers of the model: a counter that is never read,
# the embedding a second time for its dropout, the decoder tied to it, and the recurrent weights
# as the last training step's dropout left them.
_IGNORED = re.compile(
    r"(^|\.)(num_batches_tracked|encoder_dp\.emb\.weight|1\.decoder\.weight"
    r"|rnns\.\d+\.module\.weight_hh_l0)$"
)
_MOST_PROBLEMS = 20

StateDict = Mapping[str, np.ndarray]
Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One variable and the PyTorch tensors that hold the same numbers.

    Attributes:
        variable: the `keras.Variable`.
        names: the tensor's name; of several, the sum is the variable's value (PyTorch's LSTM
            has two biases), and writing back puts all into the first.
        axes: the axes of the PyTorch tensor in the order that Keras keeps them, or None.
        trailing: how many axes of length 1 the PyTorch tensor has after the others: a dense
            layer is a 1×1 convolution there, say.
        copies: other names of the same tensor (tied weights); those that are in a file must
            agree, and writing back writes them.
        dropped_copies: names of copies that may have been saved with weights dropped.
    """

    variable: keras.Variable
    names: tuple[str, ...]
    axes: tuple[int, ...] | None = None
    trailing: int = 0
    copies: tuple[str, ...] = ()
    dropped_copies: tuple[str, ...] = ()

    def pytorch_shape(self) -> Shape:
        """Shape of each named tensor."""
        shape = tuple(self.variable.shape)
        if self.axes is not None:
            shape = tuple(shape[i] for i in np.argsort(self.axes))
        return shape + (1,) * self.trailing

    def to_keras(self, tensor: np.ndarray) -> np.ndarray:
        """The variable's value for a tensor of `pytorch_shape`."""
        tensor = tensor.reshape(tensor.shape[: tensor.ndim - self.trailing])
        return tensor if self.axes is None else tensor.transpose(self.axes)

    def to_pytorch(self) -> np.ndarray:
        """The variable's value in `pytorch_shape`."""
        value = keras.ops.convert_to_numpy(self.variable)
        if self.axes is not None:
            value = value.transpose(np.argsort(self.axes))
        return np.ascontiguousarray(value.reshape(self.pytorch_shape()))


def ignored_names(state_dict: Iterable[str]) -> list[str]:
    """Names of the tensors that add nothing to the others: counters and copies.

    `*_from_fastai` check that copies agree with their originals, and do not use them otherwise.

    Args:
        state_dict: mapping of names to arrays, or the names alone.

    Returns:
        Sorted list of names.

    Examples:
        >>> ignored_names(["0.1.weight", "0.1.num_batches_tracked", "1.decoder.weight"])
        ['0.1.num_batches_tracked', '1.decoder.weight']
    """
    return sorted(name for name in state_dict if _IGNORED.search(name))


def check_tensors(state_dict: StateDict) -> None:
    """Raises a ValueError unless every tensor holds real numbers, at least one, all finite.

    The sizes of a model are read from shapes, so this comes before any model is made.
    """
    problems = []
    for name, tensor in state_dict.items():
        array = np.asarray(tensor)
        if array.dtype.kind not in "fiub":
            problems.append(f"{name} has dtype {array.dtype}")
        elif array.size == 0:
            problems.append(f"{name} has shape {array.shape}")
        elif array.dtype.kind == "f" and not _is_finite(array):
            problems.append(f"{name} holds numbers that are not finite in float32")
    if problems:
        raise ValueError(
            f"weights must be finite real numbers, at least one each, got {_list(problems)}"
        )


def _is_finite(array: np.ndarray) -> bool:
    largest = np.finfo(np.float32).max
    return bool(np.all(np.abs(array) <= largest))  # of NaN nothing is true


def shape_of(state_dict: StateDict, name: str, num_axes: int) -> Shape:
    """Shape of a tensor that tells how a network is built.

    Raises:
        ValueError: it is missing, or has another number of axes.
    """
    if name not in state_dict:
        raise ValueError(f"missing {name}: it tells how the network is built")
    shape = tuple(np.shape(state_dict[name]))
    if len(shape) != num_axes:
        raise ValueError(f"{name} must have {num_axes} axes, got shape {shape}")
    return shape


def check_amount(expected: Mapping[str, Shape], state_dict: StateDict) -> None:
    """Raises a ValueError where far fewer numbers were given than the model would hold.

    A file of a few bytes can name a layer 3,000, or a tensor whose shape asks for gigabytes.

    Args:
        expected: name and shape of the large tensors of the model that is to be made.
        state_dict: mapping of names to arrays.
    """
    wanted = sum(map(math.prod, expected.values()))
    held = sum(np.size(tensor) for tensor in state_dict.values())
    if wanted <= 2 * held + 1_000_000 and len(expected) <= 2 * len(state_dict) + 20:
        return
    misfits = [
        f"missing {name} {shape}" if name not in state_dict else _misshapen(name, state_dict, shape)
        for name, shape in expected.items()
        if name not in state_dict or np.shape(state_dict[name]) != shape
    ]
    raise ValueError(
        f"weights must fill the network that their names describe, of at least {wanted:,} "
        f"numbers, got {held:,}:{_list(misfits)}"
    )


def assign_entries(entries: Sequence[Entry], state_dict: StateDict) -> None:
    """Puts every tensor of a state dict into its variable, or changes nothing.

    Args:
        entries: an `Entry` for each variable of the model.
        state_dict: mapping of names to arrays in PyTorch's layout.

    Raises:
        ValueError: tensors are missing, left over or of the wrong shape, or copies disagree;
            all of them are named.
    """
    used = {name for name in state_dict if name.rpartition(".")[2] == "num_batches_tracked"}
    values, problems = [], []
    for entry in entries:
        used.update(entry.names, entry.copies, entry.dropped_copies)
        found = _problems_of(entry, state_dict)
        problems += found
        if not found:
            tensors = [np.asarray(state_dict[name]) for name in entry.names]
            values.append((entry, sum(tensors[1:], tensors[0])))
    problems += [f"left over {n} {np.shape(state_dict[n])}" for n in state_dict if n not in used]
    if problems:
        raise ValueError(f"the weights do not fit the model:{_list(problems, most=None)}")
    for entry, value in values:
        entry.variable.assign(entry.to_keras(value))


def _problems_of(entry: Entry, state_dict: StateDict) -> list[str]:
    shape = entry.pytorch_shape()
    missing = [name for name in entry.names if name not in state_dict]
    if missing:
        return [f"missing {name} {shape}" for name in missing]
    wrong = [name for name in entry.names if np.shape(state_dict[name]) != shape]
    if wrong:
        return [_misshapen(name, state_dict, shape) for name in wrong]
    original = np.asarray(state_dict[entry.names[0]])
    return [
        f"{name} is not a copy of {entry.names[0]}"
        for name in (*entry.copies, *entry.dropped_copies)
        if name in state_dict
        and not _agrees(np.asarray(state_dict[name]), original, name in entry.dropped_copies)
    ]


def read_entries(entries: Sequence[Entry]) -> dict[str, np.ndarray]:
    """The state dict that `assign_entries` would read back: name to float array.

    `num_batches_tracked`, which PyTorch counts and with a momentum never reads, is zero.
    """
    state_dict = {}
    for entry in entries:
        value = entry.to_pytorch()
        first, *others = entry.names
        batch_norm, _, kind = first.rpartition(".")
        if kind == "running_var":
            state_dict[f"{batch_norm}.num_batches_tracked"] = np.zeros((), "int64")
        state_dict[first] = value
        for name in others:
            state_dict[name] = np.zeros_like(value)
        for name in entry.copies:
            state_dict[name] = state_dict[first]
    return state_dict


def batch_norm_entries(layer: keras.layers.BatchNormalization, name: str) -> list[Entry]:
    """Entries of a batch norm with scale and offset whose PyTorch twin is called `name`."""
    return [
        Entry(layer.gamma, (f"{name}.weight",)),
        Entry(layer.beta, (f"{name}.bias",)),
        Entry(layer.moving_mean, (f"{name}.running_mean",)),
        Entry(layer.moving_variance, (f"{name}.running_var",)),
    ]


def _misshapen(name: str, state_dict: StateDict, shape: Shape) -> str:
    return f"{name} has shape {np.shape(state_dict[name])}, expected {shape}"


def _list(problems: Sequence[str], *, most: int | None = _MOST_PROBLEMS) -> str:
    more = 0 if most is None else max(len(problems) - most, 0)
    lines = [*problems[:most], *([f"and {more} more"] if more else [])]
    return "".join(f"\n  {line}" for line in lines)


def _agrees(copy: np.ndarray, original: np.ndarray, may_drop: bool) -> bool:
    if copy.shape != original.shape:
        return False
    if may_drop:
        # What dropout left is larger by one common factor, all else is zero.
        left = (copy != 0) & (original != 0)
        if not left.any():
            return True
        factor = np.median(copy[left] / original[left])
        return bool(np.allclose(copy, np.where(left, original * factor, 0), rtol=1e-4, atol=1e-7))
    return bool(np.array_equal(copy, original, equal_nan=True))
