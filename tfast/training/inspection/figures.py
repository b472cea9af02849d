"""What there is to look at after a run: curves, confusions, the most confident errors.

Names of classes, metrics and layers are drawn as they are: matplotlib takes what is between
two dollar signs for mathematics, and fails where it is none.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from tfast.types import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Classes up to which a matrix of confusions has room for names and counts.
MOST_NAMED = 60
BLUE, ORANGE, GREY = "#2563ab", "#e07b22", "#5f6670"


def most_confident_errors(
    true_ids: ArrayLike, probabilities: ArrayLike, *, limit: int = 16
) -> np.ndarray:
    """Finds the examples that a classifier was most sure about, and wrong.

    Args:
        true_ids: integers `(examples,)`.
        probabilities: floats `(examples, classes)`.
        limit: how many to give at most.

    Returns:
        Indices of wrong examples, an integer array; the highest probability of a wrong class
        first, equals in their order.

    Examples:
        >>> most_confident_errors([0, 0, 1], [[0.4, 0.6], [0.9, 0.1], [0.8, 0.2]]).tolist()
        [2, 0]
    """
    true_ids, probabilities = np.asarray(true_ids), np.asarray(probabilities)
    predicted_ids = probabilities.argmax(axis=-1)
    wrong = np.flatnonzero(predicted_ids != true_ids)
    sureness = probabilities[wrong, predicted_ids[wrong]]
    return wrong[np.argsort(-sureness, kind="stable")][:limit]


def count_confusions(true_ids: ArrayLike, predicted_ids: ArrayLike, num_classes: int) -> np.ndarray:
    """Counts how often each class was taken for each.

    Returns:
        Integers `(classes, classes)`: a row for each true class, a column for each prediction.

    Examples:
        >>> count_confusions([0, 0, 1], [0, 1, 1], 2).tolist()
        [[1, 1], [0, 1]]
    """
    if not np.size(true_ids):  # scikit-learn wants at least one
        return np.zeros((num_classes, num_classes), "int64")
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(true_ids, predicted_ids, labels=range(num_classes))


def sample_schedule(
    learning_rate: float | Callable[[int], Tensor], num_steps: int, *, points: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """The learning rate over a run, for its curve.

    Args:
        learning_rate: a number, or a function of the step such as a `LearningRateSchedule`.
        num_steps: steps of the run.
        points: how many to look at, at most.

    Returns:
        Steps, an integer array, and the rates there, a float array.
    """
    steps = np.unique(np.linspace(0, max(num_steps - 1, 0), points).astype("int64"))
    if not callable(learning_rate):
        return steps, np.full(len(steps), learning_rate, "float64")
    return steps, np.array([float(learning_rate(int(step))) for step in steps])


def plot_curves(
    history: Mapping[str, Sequence[float]],
    *,
    schedule: tuple[np.ndarray, np.ndarray] | None = None,
) -> "Figure":
    """Draws a panel for each number of the history, training and validation, and the schedule.

    Args:
        history: `History.history`.
        schedule: steps and rates, see `sample_schedule`.

    Returns:
        A matplotlib `Figure`.
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


def plot_confusions(counts: ArrayLike, class_names: Sequence[str]) -> "Figure":
    """Draws the matrix of `count_confusions`, coloured by the fraction of each true class.

    Args:
        counts: integers `(classes, classes)`.
        class_names: a string for each class.

    Returns:
        A matplotlib `Figure`, larger where there are more classes. Above `MOST_NAMED` classes
        it grows no more and has colours alone, without counts and names.
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    counts = np.asarray(counts)
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    named = len(counts) <= MOST_NAMED
    side = 2.4 + max(0.45 * min(len(counts), MOST_NAMED), 1.5)
    figure = new_figure((side + 0.4, side))
    panel = figure.subplots()
    # The root brings out rare mistakes beside a diagonal near 1.
    display = ConfusionMatrixDisplay(np.sqrt(fractions))
    display.plot(
        ax=panel, cmap="Blues", colorbar=False, include_values=named, im_kw={"vmin": 0, "vmax": 1}
    )
    texts = () if display.text_ is None else display.text_.ravel()
    for text, count in zip(texts, counts.ravel(), strict=False):
        text.set(text=f"{count}" if count else "", fontsize=9 if count < 1000 else 7)
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    decorate(panel, f"{accuracy:.1%} of {counts.sum():,} right", "predicted", frame=True)
    panel.set_ylabel("true")
    names = class_names if named else ()
    rotation = 90 if max(map(len, names), default=0) > 4 else 0
    panel.set_xticks(range(len(names)), names, rotation=rotation, parse_math=False)
    panel.set_yticks(range(len(names)), names, parse_math=False)
    panel.tick_params(length=0)
    return figure


def plot_images(
    images: Sequence[ArrayLike], captions: Sequence[str], *, columns: int = 4
) -> "Figure":
    """Draws images in rows, each with a caption.

    Args:
        images: arrays `(height, width)` or `(height, width, channels)`, uint8 or floats from 0
            to 1. Sizes may differ.
        captions: a string for each.
        columns: images in a row.

    Returns:
        A matplotlib `Figure`; with a word instead of images where there are none.
    """
    rows = max(1, -(-len(images) // columns))
    figure = new_figure((2.3 * columns, 2.6 * rows))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels:
        panel.axis("off")
    for panel, values, caption in zip(panels, images, captions, strict=False):
        image = np.asarray(values)
        if image.ndim == 3 and image.shape[-1] == 1:
            image = image[..., 0]
        # The range matters to grey images only: matplotlib would stretch their contrast.
        panel.imshow(image, cmap="gray", vmin=0, vmax=255 if image.dtype == "uint8" else 1)
        panel.set_title(caption, fontsize=9, parse_math=False)
    if not len(images):
        figure.text(0.5, 0.5, "none", ha="center", color=GREY)
    return figure


def new_figure(size: tuple[float, float]) -> "Figure":
    """An empty matplotlib `Figure` of a size in inches."""
    # Not pyplot: it keeps every figure, and picks a window system.
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def decorate(panel: "Axes", title: str, x_label: str, *, frame: bool = False) -> None:
    """Gives a panel its title, its axis and the looks that all have."""
    panel.set_title(title, fontsize=11, parse_math=False)
    panel.set_xlabel(x_label)
    if not frame:
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
