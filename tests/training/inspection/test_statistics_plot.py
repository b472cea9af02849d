import types

import numpy as np
import pytest

from tfast.training.inspection.statistics import TrainingStatistics
from tfast.training.inspection.statistics_plot import plot_statistics


def measured(names, steps=(1, 3)):
    series = {name: [0.5] * len(steps) for name in names}
    return types.SimpleNamespace(
        steps=list(steps),
        histograms={name: [np.full(4, 0.25)] * len(steps) for name in names},
        histogram_range=(-1, 1),
        standard_deviations=series,
        near_zero_shares=series,
        gradient_ratios=series,
    )


def test_figure_has_a_panel_for_each_layer_and_three_for_all(tmp_path):
    figure = plot_statistics(measured(["dense", "relu", "head"]))
    titles = [panel.get_title() for panel in figure.axes]
    assert titles[:3] == ["dense", "relu", "head"]
    assert titles[-3:] == ["standard deviation", "fraction near zero", "gradient / weight"]
    figure.savefig(tmp_path / "statistics.png")


def test_many_layers_and_names_that_look_like_mathematics_are_drawn(tmp_path):
    for names in (["de$$nse"], [f"layer $x_{i}$" for i in range(11)]):
        plot_statistics(measured(names)).savefig(tmp_path / f"{len(names)}.png")


def test_nothing_measured_is_refused():
    with pytest.raises(ValueError, match="nothing was measured"):
        TrainingStatistics(["dense"], (np.ones((1, 1)), np.ones((1, 1)))).plot()
