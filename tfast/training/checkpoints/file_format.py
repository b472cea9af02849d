"""One file of named arrays and a few facts about them, written whole, read without pickle."""

import json
import zipfile
import zlib
from pathlib import Path

import numpy as np

from tfast.files import atomic_write

FORMAT = "tfast checkpoint 1"


def write_checkpoint(path, arrays, facts):
    """Writes arrays and facts as one `.npz` file that takes the place of an older one at once.

    Args:
        path: the file.
        arrays: mapping of a name to a NumPy array; bfloat16 and float8 ones too.
        facts: a dict that JSON can hold.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.npz"
        >>> write_checkpoint(path, {"weight": np.float32([1, 2])}, {"step": 7})
        >>> arrays, facts = read_checkpoint(path)
        >>> arrays["weight"].tolist(), facts
        ([1.0, 2.0], {'step': 7})
    """
    dtypes = {name: array.dtype.name for name, array in arrays.items()}
    header = json.dumps({"format": FORMAT, "dtypes": dtypes, "facts": facts})
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, header=header, **{f"array:{k}": _storable(v) for k, v in arrays.items()})


def read_checkpoint(path):
    """Reads what `write_checkpoint` wrote.

    Returns:
        The arrays, a dict, and the facts, a dict.

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
            }
    except FileNotFoundError:
        raise
    # What NumPy, zipfile and json raise over the damages that a file can have.
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(_not_a_checkpoint(path, error)) from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ValueError(_not_a_checkpoint(path, error)) from error
    return arrays, header["facts"]


def _not_a_checkpoint(path, error):
    return (
        f"checkpoint={path} is damaged or is no tfast checkpoint ({error}); "
        "remove it to start anew, or name another file"
    )


def _storable(array):
    """NumPy's files know no bfloat16: such numbers are stored as the integers of their bits."""
    return array if array.dtype.kind != "V" else array.view(f"u{array.dtype.itemsize}")
