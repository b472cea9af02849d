"""One file that holds a run at a step: named arrays and a few facts, read without pickle.

Orbax, which Keras's `OrbaxCheckpoint` uses, holds neither the states of callbacks and seed
generators nor the step inside an epoch, writes a folder of many files, and needs JAX; this is
one file that is there whole or not at all.
"""

import dataclasses
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfast.files import atomic_write
from tfast.types import PathLike

FORMAT = "tfast checkpoint 1"


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A run at a step.

    Attributes:
        step: steps done, over all epochs.
        stopped: whether a callback ended the training, maybe inside an epoch.
        finished: whether the training ended, by itself or by a callback.
        settings: what the run was given, and what `resumable_fit` adds: a dict that JSON holds.
        environment: see `describe_environment`.
        epochs_done: their numbers, from 0.
        history: a list of numbers for each thing measured, one for each epoch.
        not_saved: attributes of callbacks that changed and are not here, by the callback's class.
        arrays: NumPy arrays of model, optimizer, metrics and callbacks by name; bfloat16 and
            float8 ones too.
    """

    step: int = 0
    stopped: bool = False
    finished: bool = False
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    environment: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    epochs_done: list[int] = dataclasses.field(default_factory=list)
    history: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    not_saved: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict, repr=False)

    def facts(self) -> dict[str, Any]:
        """Everything but the arrays, by name."""
        names = [field.name for field in dataclasses.fields(self) if field.name != "arrays"]
        return {name: getattr(self, name) for name in names}


def write_checkpoint(path: PathLike, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint as one `.npz` file that takes the place of an older one at once.

    Examples:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.npz"
        >>> write_checkpoint(path, Checkpoint(step=7, arrays={"weight": np.float32([1, 2])}))
        >>> found = read_checkpoint(path)
        >>> found.step, found.arrays["weight"].tolist()
        (7, [1.0, 2.0])
    """
    arrays = checkpoint.arrays
    dtypes = {name: array.dtype.name for name, array in arrays.items()}
    header = json.dumps({"format": FORMAT, "dtypes": dtypes, "facts": checkpoint.facts()})
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        stored: dict[str, Any] = {f"array:{k}": _storable(v) for k, v in arrays.items()}
        np.savez(file, header=np.asarray(header), **stored)


def read_checkpoint(path: PathLike, *, with_arrays: bool = True) -> Checkpoint:
    """Reads what `write_checkpoint` wrote.

    Args:
        path: the file.
        with_arrays: whether to read the arrays too, which takes longer.

    Raises:
        ValueError: the file is damaged, or is no checkpoint of this kind.
        FileNotFoundError: there is none.
    """
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            header = json.loads(str(stored["header"]))
            if header["format"] != FORMAT:
                raise ValueError(f"its format is {header['format']!r}")
            arrays = {
                # A view, which turns the unsigned integers back into bfloat16.
                name: stored[f"array:{name}"].view(np.dtype(dtype))
                for name, dtype in header["dtypes"].items()
                if with_arrays
            }
            return Checkpoint(**header["facts"], arrays=arrays)
    except FileNotFoundError:
        raise
    # What NumPy, zipfile and json raise over the damages that a file can have.
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(_not_a_checkpoint(path, error)) from error
    except (zipfile.BadZipFile, zlib.error, struct.error, ArithmeticError) as error:
        raise ValueError(_not_a_checkpoint(path, error)) from error
    # Headers that name arrays of terabytes, JSON a thousand lists deep, compressions of our time.
    except (MemoryError, RecursionError, NotImplementedError, RuntimeError) as error:
        raise ValueError(_not_a_checkpoint(path, error)) from error


def _not_a_checkpoint(path: PathLike, error: Exception) -> str:
    return (
        f"checkpoint={path} is damaged or is no tfast checkpoint ({error}); "
        "remove it to start again, or name another file"
    )


def _storable(array: np.ndarray) -> np.ndarray:
    """NumPy's files know no bfloat16: such numbers are stored as the integers of their bits."""
    return array if array.dtype.kind != "V" else array.view(f"u{array.dtype.itemsize}")
