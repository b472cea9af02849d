"""The output folder of a run, before anything is read or imported that takes long."""

import importlib.util
from pathlib import Path


def check_output(output: Path, *, checkpoints: str, resume: bool) -> None:
    """Refuses an output folder that a run cannot use.

    Args:
        output: the folder; it need not exist.
        checkpoints: name of what a run in it has begun with.
        resume: whether a run in it is to be continued.

    Raises:
        ValueError: it is a file or below one, or holds a run that is not to be continued.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> check_output(folder, checkpoints="checkpoint.npz", resume=False)
        >>> (folder / "checkpoint.npz").touch()
        >>> check_output(folder, checkpoints="checkpoint.npz", resume=True)
    """
    for path in (output, *output.parents):
        if path.exists() and not path.is_dir():
            raise ValueError(f"output must be a folder, got {path}")
    if (output / checkpoints).exists() and not resume:
        raise ValueError(
            f"output must be a folder without a run, got {output}: resume it, or name another"
        )


def require_package(name: str) -> None:
    """Refuses to begin without a package that would be missing later.

    Raises:
        ValueError: it is not installed.
    """
    if importlib.util.find_spec(name) is None:
        distribution = {"sklearn": "scikit-learn"}.get(name, name)
        raise ValueError(f"{distribution} is not installed: pip install {distribution}")
