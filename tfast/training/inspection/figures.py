"""What a run leaves for people to look at: pictures, tables and one short JSON file."""

import csv
import json

import numpy as np

from tfast.files import atomic_write
from tfast.training.checkpoints.run_description import describe_environment

# Classes up to which a matrix of confusions has room for names and counts.
MOST_NAMED = 60
BLUE, ORANGE, GREY = "#2563ab", "#e07b22", "#5f6670"


def write_result(path, result):
    """Writes a run's numbers, with the versions and switches they depend on, as JSON.

    Args:
        path: the file.
        result: a dict of what the run reached: accuracy, seconds, seed and so on.
    """
    content = result | {"environment": describe_environment()}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_history(path, history):
    """Writes one line an epoch.

    Args:
        path: the CSV file. Its columns are `epoch`, counted from 1, and those of the history.
        history: `History.history`, a dict of lists with a number for each epoch.
    """
    epochs = zip(*history.values(), strict=True)
    rows = [
        {"epoch": epoch} | dict(zip(history, values, strict=True))
        for epoch, values in enumerate(epochs, start=1)
    ]
    write_rows(path, rows)


def write_rows(path, rows):
    """Writes dicts with the same keys as a CSV file: a listing of examples, say.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "errors.csv"
        >>> write_rows(path, [{"text": 'so "good", really', "predicted": "neg"}])
        >>> print(path.read_text().strip())
        text,predicted
        "so ""good"", really",neg
    """
    with (
        atomic_write(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def write_figure(path, figure):
    """Writes a matplotlib figure as the kind of picture that the path's ending names."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120)


def most_confident_errors(true_ids, probabilities, *, limit=16):
    """Finds the examples that a classifier was most sure about, and wrong.

    Args:
        true_ids: integers `(examples,)`.
        probabilities: floats `(examples, classes)`.
        limit: how many to give at most.

    Returns:
        Indices of wrong examples, an integer array; the highest probability of a wrong class
        first, equals in their order.

    Example:
        >>> most_confident_errors([0, 0, 1], [[0.4, 0.6], [0.9, 0.1], [0.8, 0.2]]).tolist()
        [2, 0]
    """
    true_ids, probabilities = np.asarray(true_ids), np.asarray(probabilities)
    predicted_ids = probabilities.argmax(axis=-1)
    wrong = np.flatnonzero(predicted_ids != true_ids)
    sureness = probabilities[wrong, predicted_ids[wrong]]
    return wrong[np.argsort(-sureness, kind="stable")][:limit]


def count_confusions(true_ids, predicted_ids, num_classes):
    """Counts how often each class was taken for each.

    Returns:
        Integers `(classes, classes)`: a row for each true class, a column for each prediction.

    Example:
        >>> count_confusions([0, 0, 1], [0, 1, 1], 2).tolist()
        [[1, 1], [0, 1]]
    """
    counts = np.zeros((num_classes, num_classes), "int64")
    np.add.at(counts, (np.asarray(true_ids), np.asarray(predicted_ids)), 1)
    return counts


def sample_schedule(learning_rate, num_steps, *, points=200):
    """The learning rate over a run, for its curve.

    Args:
        learning_rate: a number, or a function of the step such as a `LearningRateSchedule`.
        num_steps: steps of the run.
        points: how many to look at, at most.

    Returns:
        Steps, an integer array, and the rates there, a float array.
    """
    steps = np.unique(np.linspace(0, max(num_steps - 1, 0), points).astype("int64"))
    function = learning_rate if callable(learning_rate) else lambda step: learning_rate
    return steps, np.array([float(function(int(step))) for step in steps])


def plot_curves(history, *, schedule=None):
    """Draws a panel for each number of the history, training and validation, and the schedule.

    Args:
        history: `History.history`.
        schedule: steps and rates, see `sample_schedule`.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ImportError: matplotlib is not installed.
    """
    names = [name for name in history if not name.startswith("val_") and name != "learning_rate"]
    num_panels = len(names) + (schedule is not None)
    figure = new_figure((4.4 * num_panels, 3.6))
    panels = figure.subplots(1, num_panels, squeeze=False)[0]
    for name, panel in zip(names, panels, strict=False):
        for key, label, color in ((name, "training", BLUE), (f"val_{name}", "validation", ORANGE)):
            if key in history:
                epochs = range(1, len(history[key]) + 1)
                panel.plot(epochs, history[key], "o-", color=color, label=label, markersize=4)
        panel.legend(frameon=False)
        decorate(panel, name.replace("_", " "), "epoch")
        panel.xaxis.get_major_locator().set_params(integer=True)
    if schedule is not None:
        panels[-1].plot(*schedule, color=GREY)
        panels[-1].set_ylim(bottom=0)
        panels[-1].ticklabel_format(axis="y", scilimits=(-2, 3))
        decorate(panels[-1], "learning rate", "step")
    return figure


def plot_confusions(counts, class_names):
    """Draws the matrix of `count_confusions`, coloured by the share of each true class.

    Args:
        counts: integers `(classes, classes)`.
        class_names: a string for each class.

    Returns:
        A matplotlib `Figure`, larger where there are more classes. Above `MOST_NAMED` classes
        it grows no more and has colours alone, without counts and names.

    Raises:
        ImportError: matplotlib is not installed.
    """
    counts = np.asarray(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    named = len(counts) <= MOST_NAMED
    side = 2.4 + max(0.45 * min(len(counts), MOST_NAMED), 1.5)
    figure = new_figure((side + 0.4, side))
    panel = figure.subplots()
    # The root brings out rare mistakes beside a diagonal near 1.
    panel.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count and named:
            color = "white" if shares[row, column] > 0.3 else "black"
            size = 9 if count < 1000 else 7
            panel.text(column, row, count, ha="center", va="center", color=color, fontsize=size)
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    panel.set_title(f"{accuracy:.1%} of {counts.sum():,} right", fontsize=11)
    panel.set_xlabel("predicted")
    panel.set_ylabel("true")
    if named:
        rotation = 90 if max(map(len, class_names), default=0) > 4 else 0
        panel.set_xticks(range(len(counts)), class_names, rotation=rotation)
        panel.set_yticks(range(len(counts)), class_names)
    panel.tick_params(length=0)
    return figure


def plot_pictures(pictures, captions, *, columns=4):
    """Draws pictures in rows, each with a caption.

    Args:
        pictures: list of arrays `(height, width)` or `(height, width, channels)`, uint8 or
            floats from 0 to 1. Sizes may differ.
        captions: a string for each.
        columns: how many stand beside each other.

    Returns:
        A matplotlib `Figure`; with a word instead of pictures where there are none.

    Raises:
        ImportError: matplotlib is not installed.
    """
    rows = max(1, -(-len(pictures) // columns))
    figure = new_figure((2.3 * columns, 2.6 * rows))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels:
        panel.axis("off")
    for panel, picture, caption in zip(panels, pictures, captions, strict=False):
        picture = np.asarray(picture)
        if picture.ndim == 3 and picture.shape[-1] == 1:
            picture = picture[..., 0]
        # The range matters to grey pictures only: matplotlib would stretch their contrast.
        panel.imshow(picture, cmap="gray", vmin=0, vmax=255 if picture.dtype == "uint8" else 1)
        panel.set_title(caption, fontsize=9)
    if not len(pictures):
        figure.text(0.5, 0.5, "none", ha="center", color=GREY)
    return figure


def new_figure(size):
    """An empty matplotlib `Figure` of a size in inches; ImportError without matplotlib."""
    try:
        # Not pyplot: it keeps every figure, and picks a window system.
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "pictures need matplotlib: pip install 'tfast[plots]'", name="matplotlib"
        ) from error
    return Figure(figsize=size, layout="constrained")


def decorate(panel, title, x_label):
    """Gives a panel its title, its axis and the looks that all have."""
    panel.set_title(title, fontsize=11)
    panel.set_xlabel(x_label)
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
