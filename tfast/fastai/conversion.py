"""What every converter shares: named PyTorch tensors into Keras variables and back.

A converter lists `Entry`s, one for each variable of the model; the list is read in both
directions, so both are exact inverses by construction.
"""

import dataclasses

import keras
import numpy as np

CONVOLUTION = (2, 3, 1, 0)  # (out, in, height, width) to (height, width, in, out)
DENSE = (1, 0)  # (out, in) to (in, out)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One variable and the PyTorch tensors that hold the same numbers.

    Attributes:
        variable: the `keras.Variable`.
        names: the tensor's name; of several, the sum is the variable's value (PyTorch's LSTM
            has two biases), and writing back puts all into the first.
        axes: the axes of the PyTorch tensor in the order that Keras keeps them, or None.
        trailing: how many axes of length 1 the PyTorch tensor has behind the others: a dense
            layer is a 1×1 convolution there, say.
        copies: other names under which the same tensor stands (tied weights); those that are
            there must agree, and writing back writes them.
        dropped_copies: names of copies that may have been saved with weights dropped.
    """

    variable: keras.Variable
    names: tuple[str, ...]
    axes: tuple[int, ...] | None = None
    trailing: int = 0
    copies: tuple[str, ...] = ()
    dropped_copies: tuple[str, ...] = ()

    def pytorch_shape(self):
        """Shape of each named tensor."""
        shape = tuple(self.variable.shape)
        if self.axes is not None:
            shape = tuple(shape[i] for i in np.argsort(self.axes))
        return shape + (1,) * self.trailing

    def to_keras(self, tensor):
        """The variable's value for a tensor of `pytorch_shape`."""
        tensor = tensor.reshape(tensor.shape[: tensor.ndim - self.trailing])
        return tensor if self.axes is None else tensor.transpose(self.axes)

    def to_pytorch(self):
        """The variable's value in `pytorch_shape`."""
        value = keras.ops.convert_to_numpy(self.variable)
        if self.axes is not None:
            value = value.transpose(np.argsort(self.axes))
        return np.ascontiguousarray(value.reshape(self.pytorch_shape()))


def assign_entries(entries, state_dict):
    """Puts every tensor of a state dict where it belongs, or changes nothing.

    Args:
        entries: list of `Entry`, one for each variable of the model.
        state_dict: mapping of names to arrays in PyTorch's layout.

    Returns:
        Sorted list of the names that said nothing new: `num_batches_tracked` and copies.

    Raises:
        ValueError: tensors are missing, left over or of the wrong shape, or copies disagree;
            all of them are named.
    """
    said_nothing, problems = set(), []
    for name in state_dict:
        if name.rpartition(".")[2] == "num_batches_tracked":
            said_nothing.add(name)
    values = []
    for entry in entries:
        missing = [name for name in entry.names if name not in state_dict]
        if missing:
            problems += [f"missing {name} {entry.pytorch_shape()}" for name in missing]
            continue
        tensors = [np.asarray(state_dict[name]) for name in entry.names]
        wrong = [t for t in tensors if t.shape != entry.pytorch_shape()]
        if wrong:
            problems.append(
                f"{entry.names[0]} has shape {wrong[0].shape}, expected {entry.pytorch_shape()}"
            )
            continue
        values.append((entry, sum(tensors[1:], tensors[0])))
        for name in (*entry.copies, *entry.dropped_copies):
            if name in state_dict:
                said_nothing.add(name)
                may_drop = name in entry.dropped_copies
                if not _agrees(np.asarray(state_dict[name]), tensors[0], may_drop):
                    problems.append(f"{name} is not a copy of {entry.names[0]}")
    used = {name for entry in entries for name in entry.names} | said_nothing
    problems += [f"left over {n} {np.shape(state_dict[n])}" for n in state_dict if n not in used]
    if problems:
        raise ValueError("the weights do not fit the model:\n  " + "\n  ".join(problems))
    for entry, value in values:
        entry.variable.assign(entry.to_keras(value))
    return sorted(said_nothing)


def read_entries(entries):
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


def batch_norm_entries(layer, name):
    """Entries of a batch norm with scale and offset whose PyTorch twin is called `name`."""
    return [
        Entry(layer.gamma, (f"{name}.weight",)),
        Entry(layer.beta, (f"{name}.bias",)),
        Entry(layer.moving_mean, (f"{name}.running_mean",)),
        Entry(layer.moving_variance, (f"{name}.running_var",)),
    ]


def _agrees(copy, original, may_drop):
    if copy.shape != original.shape:
        return False
    if may_drop:
        # What dropout left is larger by one common factor, the rest is zero.
        left = (copy != 0) & (original != 0)
        if not left.any():
            return True
        factor = np.median(copy[left] / original[left])
        return np.allclose(copy, np.where(left, original * factor, 0), rtol=1e-4, atol=1e-7)
    return np.array_equal(copy, original)
