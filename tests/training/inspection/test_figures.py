import numpy as np
import pytest

from tfast.training.inspection import figures
from tfast.training.schedules import OneCycle

HISTORY = {
    "accuracy": [0.2, 0.5, 0.7],
    "loss": [2.0, 1.4, 1.0],
    "val_accuracy": [0.3, 0.5, 0.6],
    "val_loss": [1.9, 1.5, 1.2],
}


def pixels(path):
    from matplotlib.image import imread

    return imread(path)[..., :3]


def test_errors_are_ordered_by_the_probability_of_the_wrong_class():
    probabilities = [[0.1, 0.9, 0.0], [0.6, 0.3, 0.1], [0.0, 0.05, 0.95], [0.4, 0.3, 0.3]]
    assert figures.most_confident_errors([1, 1, 0, 2], probabilities).tolist() == [2, 1, 3]
    assert figures.most_confident_errors([1, 1, 0, 2], probabilities, limit=1).tolist() == [2]
    assert figures.most_confident_errors([1, 0, 2, 0], probabilities).tolist() == []


def test_schedule_is_sampled_from_the_first_step_to_the_last():
    steps, rates = figures.sample_schedule(OneCycle(1e-2, 1000), 1000, points=21)
    assert (steps[0], steps[-1], len(steps)) == (0, 999, 21)
    assert rates.max() <= 1e-2
    assert rates[-1] < rates[0] < rates.max()
    steps, rates = figures.sample_schedule(0.5, 3)
    assert (steps.tolist(), rates.tolist()) == ([0, 1, 2], [0.5, 0.5, 0.5])


def test_curves_hold_every_number_of_the_history(tmp_path):
    figure = figures.plot_curves(HISTORY, schedule=figures.sample_schedule(0.1, 30))
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == ["accuracy", "loss", "learning rate"]
    drawn = [line.get_ydata().tolist() for panel in figure.axes[:2] for line in panel.lines]
    assert drawn == [HISTORY[k] for k in ("accuracy", "val_accuracy", "loss", "val_loss")]
    figure.savefig(tmp_path / "curves.png")
    assert pixels(tmp_path / "curves.png").std() > 0


def test_confusions_show_every_count_and_the_accuracy():
    counts = figures.count_confusions([0, 0, 1, 2, 2], [0, 1, 1, 2, 2], 3)
    panel = figures.plot_confusions(counts, ["cat", "dog", "owl"]).axes[0]
    shown = {t.get_position(): int(t.get_text()) for t in panel.texts if t.get_text()}
    assert shown == {(0, 0): 1, (1, 0): 1, (1, 1): 1, (2, 2): 2}
    assert panel.get_title() == "80.0% of 5 right"
    assert [label.get_text() for label in panel.get_yticklabels()] == ["cat", "dog", "owl"]


def test_confusions_of_a_class_that_never_comes_are_no_division_by_zero():
    figures.plot_confusions(np.zeros((2, 2), int), ["a", "b"])


def test_confusions_of_very_many_classes_are_colours_on_a_page_of_bounded_size(
    monkeypatch,
):
    assert figures.MOST_NAMED == 60
    monkeypatch.setattr(figures, "MOST_NAMED", 12)  # matplotlib takes long over thousands of texts
    many = figures.plot_confusions(np.eye(300, dtype=int), [f"class {i}" for i in range(300)])
    most = figures.plot_confusions(np.eye(12, dtype=int), [f"class {i}" for i in range(12)])
    assert not many.axes[0].texts
    assert not list(many.axes[0].get_xticks())
    assert many.get_size_inches().tolist() == most.get_size_inches().tolist()
    assert [text.get_text() for text in most.axes[0].texts].count("1") == 12


@pytest.mark.parametrize("number", [0, 1, 5])
def test_image_sheet_takes_any_number_and_kind(tmp_path, number):
    kinds = [np.zeros((8, 8)), np.zeros((8, 6, 1)), np.full((4, 4, 3), 255, "uint8")]
    images = [kinds[i % 3] for i in range(number)]
    figure = figures.plot_images(images, [f"image {i}" for i in range(number)])
    titles = [panel.get_title() for panel in figure.axes if panel.get_title()]
    assert titles == [f"image {i}" for i in range(number)]
    figure.savefig(tmp_path / "sheet.png")


@pytest.mark.parametrize("name", ["Ba$$in", "$x_", "a\\$b$", "<$\\frac$>"])
def test_names_are_no_mathematics(tmp_path, name):
    counts, history = np.eye(2, dtype=int), {name: [1.0]}
    drawn = {
        "confusions": figures.plot_confusions(counts, [name, "other"]),
        "curves": figures.plot_curves(history),
        "images": figures.plot_images([np.zeros((2, 2))], [name]),
    }
    for kind, figure in drawn.items():
        figure.savefig(tmp_path / f"{kind}.png")
    labels = drawn["confusions"].axes[0].get_xticklabels()
    assert [label.get_text() for label in labels] == [name, "other"]


def test_counts_of_nothing_are_zeros():
    assert figures.count_confusions([], [], 2).tolist() == [[0, 0], [0, 0]]


def test_the_colours_are_fractions_of_each_true_class():
    panel = figures.plot_confusions([[1, 3], [0, 100]], ["a", "b"]).axes[0]
    expected = np.sqrt([[0.25, 0.75], [0, 1]])
    np.testing.assert_allclose(panel.images[0].get_array(), expected)
