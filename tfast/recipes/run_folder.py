"""The output folder of a run, before anything is read or imported that takes long."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from tfast.files import remove_leftovers
from tfast.recipes.errors import input_errors
from tfast.training.checkpoints.run_lock import run_lock
from tfast.types import PathLike


@contextlib.contextmanager
def hold(output: PathLike) -> Iterator[None]:
    """Keeps other runs out of an output folder.

    Raises:
        InputError: another run is writing there, or it cannot be a folder.

    Examples:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with hold(folder), hold(folder):
        ...     pass
        Traceback (most recent call last):
        tfast.errors.InputError: another run is writing ...
    """
    with contextlib.ExitStack() as stack:
        with input_errors():
            _check_folder(Path(output))
            stack.enter_context(run_lock(output))
        yield


def check_output(output: Path, *, checkpoints: str, resume: bool) -> None:
    """Refuses an output folder that a run cannot use.

    Args:
        output: the folder; it need not exist.
        checkpoints: name of what a run in it has begun with; a `result.json` tells of one too.
        resume: whether a run in it is to be continued.

    Raises:
        ValueError: it is a file or below one, or holds a run that is not to be continued, or a
            model that no run has left.

    Examples:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> check_output(folder, checkpoints="checkpoint.npz", resume=False)
        >>> (folder / "checkpoint.npz").touch()
        >>> check_output(folder, checkpoints="checkpoint.npz", resume=True)
    """
    _check_folder(output)
    begun = any((output / name).exists() for name in (checkpoints, "result.json"))
    if begun and not resume:
        raise ValueError(
            f"output must be a folder without a run, got {output}: resume it, or name another"
        )
    # A run whose models need no checkpoint may be killed when it has left its SavedModel alone.
    models = ("model.keras",) if resume else ("model.keras", "saved_model")
    found = [name for name in models if (output / name).exists()]
    if found and not begun:
        raise ValueError(
            f"output must be a folder without another model, got {output}, which holds "
            f"{' and '.join(found)}: name another"
        )


def remove_all_leftovers(*folders: Path) -> None:
    """Removes what writers of files in these folders left when they were killed in the middle.

    Only for folders that no other run is writing.

    Args:
        *folders: they need not exist; folders within them are not looked at.
    """
    for folder in folders:
        for scratch in folder.glob(".*.*"):
            # As `atomic_write` makes them.
            name = re.fullmatch(r"\.(.+)\.[a-z0-9_]{8}", scratch.name)
            if (
                name
                and scratch.is_dir()
                and {path.name for path in scratch.iterdir()} <= {"new", "old"}
            ):
                remove_leftovers(folder / name[1])


def _check_folder(output: Path) -> None:
    for path in (output, *output.parents):
        if path.exists() and not path.is_dir():
            raise ValueError(f"output must be a folder, got {path}")
