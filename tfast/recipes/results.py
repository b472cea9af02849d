"""What a run leaves for people to look at: one short JSON file, tables and figures."""

import csv
import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from tfast.files import atomic_write
from tfast.training.checkpoints.run_description import describe_environment
from tfast.types import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_model(path: PathLike, model: keras.Model) -> None:
    """Writes a model as a `.keras` file."""
    with atomic_write(path) as temporary:
        model.save(temporary)


def write_json(path: PathLike, content: Mapping[str, Any]) -> None:
    """Writes a dict as JSON for people to read."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_result(path: PathLike, result: Mapping[str, Any]) -> None:
    """Writes a run's numbers, with the versions and switches they depend on, as JSON.

    Args:
        path: the file.
        result: what the run reached: accuracy, seconds, seed and so on.
    """
    write_json(path, {**result, "environment": describe_environment()})


def write_history(path: PathLike, history: Mapping[str, Sequence[float]]) -> None:
    """Writes one line an epoch.

    Args:
        path: the CSV file. Its columns are `epoch`, counted from 1, and those of the history.
        history: `History.history`, lists with a number for each epoch.
    """
    epochs = zip(*history.values(), strict=True)
    rows = [
        {"epoch": epoch, **dict(zip(history, values, strict=True))}
        for epoch, values in enumerate(epochs, start=1)
    ]
    write_rows(path, rows)


def write_rows(path: PathLike, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes dicts with the same keys as a CSV file: a list of examples, say.

    Examples:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "errors.csv"
        >>> write_rows(path, [{"text": 'so "good", really', "predicted": "neg"}])
        >>> print(path.read_text().strip())
        text,predicted
        "so ""good"", really",neg
    """
    rows = list(rows)
    with (
        atomic_write(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def write_figures(figures: Mapping[Path, Callable[[], "Figure"]]) -> None:
    """Draws and writes figures. One that fails is a warning: it must not cost the run.

    Args:
        figures: for each path the function that draws its figure.

    Warns:
        UserWarning: a figure could not be drawn or written.
    """
    for path, draw in figures.items():
        try:
            figure = draw()
            with atomic_write(path) as temporary:
                figure.savefig(temporary, dpi=120)
        # Whatever matplotlib raises: over a font, a class name or a size.
        except Exception as error:
            reason = " ".join(str(error).split())
            warnings.warn(f"{path} was not drawn: {type(error).__name__}: {reason}", stacklevel=2)
