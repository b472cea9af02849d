import numpy as np
import pytest
from golden_weights import golden_json

from tfast.training.inspection.lr_finder import LearningRateCurve


@pytest.mark.parametrize("curve", ["smooth", "noisy", "late"])
def test_suggestions_equal_fastai(curve):
    golden = golden_json("learning_rate_finder.json")[curve]
    found = LearningRateCurve(np.array(golden["rates"]), np.array(golden["losses"]))
    assert found.suggestions == pytest.approx(golden["suggestions"], rel=1e-5)


@pytest.mark.parametrize("losses", [[2.0, 1.0], [1.0, 2.0], [3.0, 2.0, 4.0], [1.0, 2.0, 3.0, 4.0]])
def test_short_curves_have_suggestions_too(losses):
    rates = np.geomspace(1e-3, 1.0, len(losses))
    curve = LearningRateCurve(rates, np.array(losses), skip_start=1, skip_end=5)
    assert all(1e-4 <= rate <= 1 for rate in curve.suggestions.values())


def test_plot_shows_the_curve_and_each_suggestion():
    golden = golden_json("learning_rate_finder.json")["smooth"]
    curve = LearningRateCurve(np.array(golden["rates"]), np.array(golden["losses"]), skip_end=5)
    axes = curve.plot()
    assert axes.get_xscale() == "log"
    assert len(axes.lines[0].get_xdata()) == 95
    labels = [text.get_text().split()[0] for text in axes.get_legend().get_texts()]
    assert labels == list(curve.suggestions)
