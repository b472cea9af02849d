"""The figure of `TrainingStatistics`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfast.training.inspection.figures import decorate, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tfast.training.inspection.statistics import TrainingStatistics

COLUMNS = 4


def plot_statistics(statistics: "TrainingStatistics") -> "Figure":
    """Draws the histograms over time, a panel for each layer, and curves for all below.

    Args:
        statistics: a `TrainingStatistics` that has measured something.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: nothing was measured yet.
    """
    if not statistics.steps:
        raise ValueError("nothing was measured yet: no fit has run with these statistics")
    names = list(statistics.histograms)
    rows = -(-len(names) // COLUMNS)
    figure = new_figure((4 * COLUMNS, 2.4 * rows + 4))
    above, below = figure.subfigures(2, 1, height_ratios=[2.4 * rows, 4], squeeze=False).ravel()
    panels = above.subplots(rows, COLUMNS, squeeze=False, sharey=True).ravel()
    for panel in panels[len(names) :]:
        panel.axis("off")
    for panel, name in zip(panels, names, strict=False):
        _draw_histogram(panel, name, statistics)
    curves = below.subplots(1, 3)
    _draw_curves(curves[0], "standard deviation", statistics, statistics.standard_deviations)
    _draw_curves(curves[1], "fraction near zero", statistics, statistics.near_zero_shares)
    _draw_curves(curves[2], "gradient / weight", statistics, statistics.gradient_ratios)
    curves[1].set_ylim(-0.03, 1.03)
    curves[2].set_yscale("log")
    return figure


def _draw_histogram(panel: "Axes", name: str, statistics: "TrainingStatistics") -> None:
    fractions = np.stack(statistics.histograms[name], axis=1)  # (bins, steps)
    steps = statistics.steps
    # The logarithm brings out the few large ones beside the many near zero.
    panel.imshow(
        np.log1p(1e4 * fractions),
        aspect="auto",
        origin="lower",
        cmap="turbo",
        interpolation="nearest",
        extent=(steps[0], steps[-1] + 1, *statistics.histogram_range),
    )
    panel.set_title(name, fontsize=9, parse_math=False)
    panel.tick_params(labelsize=8)


def _draw_curves(
    panel: "Axes",
    title: str,
    statistics: "TrainingStatistics",
    values_of: Mapping[str, Sequence[float]],
) -> None:
    from matplotlib import colormaps

    colors = colormaps["viridis"](np.linspace(0, 0.9, len(values_of)))
    for (name, values), color in zip(values_of.items(), colors, strict=True):
        panel.plot(statistics.steps, values, color=color, label=name, linewidth=1.2)
    decorate(panel, title, "step")
    if len(values_of) <= 10:
        for text in panel.legend(fontsize=7, frameon=False).get_texts():
            text.set_parse_math(False)
    else:
        panel.text(
            1,
            1,
            "dark: near the input",
            ha="right",
            va="bottom",
            fontsize=8,
            transform=panel.transAxes,
        )
