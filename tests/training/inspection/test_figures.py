import builtins
import csv
import json

import numpy as np
import pytest

from tfast.training.inspection import figures as report
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


def test_history_is_a_line_for_each_epoch(tmp_path):
    report.write_history(tmp_path / "history.csv", HISTORY)
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [float(row["val_loss"]) for row in rows] == HISTORY["val_loss"]


def test_history_of_no_epochs_and_no_rows_are_files_too(tmp_path):
    report.write_history(tmp_path / "history.csv", {})
    assert (tmp_path / "history.csv").exists()


def test_result_says_on_what_it_depends(tmp_path):
    report.write_result(tmp_path / "result.json", {"accuracy": 0.5, "seed": 1})
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["accuracy"] == 0.5
    assert {"keras", "tensorflow", "TF_ENABLE_ONEDNN_OPTS"} <= result["environment"].keys()


def test_a_result_that_cannot_be_written_leaves_the_old_one(tmp_path):
    report.write_result(tmp_path / "result.json", {"accuracy": 0.5})
    with pytest.raises(TypeError):
        report.write_result(tmp_path / "result.json", {"accuracy": object()})
    assert json.loads((tmp_path / "result.json").read_text())["accuracy"] == 0.5


def test_errors_are_ordered_by_the_probability_of_the_wrong_class():
    probabilities = [[0.1, 0.9, 0.0], [0.6, 0.3, 0.1], [0.0, 0.05, 0.95], [0.4, 0.3, 0.3]]
    assert report.most_confident_errors([1, 1, 0, 2], probabilities).tolist() == [2, 1, 3]
    assert report.most_confident_errors([1, 1, 0, 2], probabilities, limit=1).tolist() == [2]
    assert report.most_confident_errors([1, 0, 2, 0], probabilities).tolist() == []


def test_schedule_is_sampled_from_the_first_step_to_the_last():
    steps, rates = report.sample_schedule(OneCycle(1e-2, 1000), 1000, points=21)
    assert (steps[0], steps[-1], len(steps)) == (0, 999, 21)
    assert rates.max() <= 1e-2
    assert rates[-1] < rates[0] < rates.max()
    steps, rates = report.sample_schedule(0.5, 3)
    assert (steps.tolist(), rates.tolist()) == ([0, 1, 2], [0.5, 0.5, 0.5])


def test_curves_hold_every_number_of_the_history(tmp_path):
    figure = report.plot_curves(HISTORY, schedule=report.sample_schedule(0.1, 30))
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == ["accuracy", "loss", "learning rate"]
    drawn = [line.get_ydata().tolist() for panel in figure.axes[:2] for line in panel.lines]
    assert drawn == [HISTORY[k] for k in ("accuracy", "val_accuracy", "loss", "val_loss")]
    report.write_figure(tmp_path / "curves.png", figure)
    assert pixels(tmp_path / "curves.png").std() > 0


def test_confusions_show_every_count_and_the_accuracy():
    counts = report.count_confusions([0, 0, 1, 2, 2], [0, 1, 1, 2, 2], 3)
    panel = report.plot_confusions(counts, ["cat", "dog", "owl"]).axes[0]
    shown = {text.get_position(): int(text.get_text()) for text in panel.texts}
    assert shown == {(0, 0): 1, (1, 0): 1, (1, 1): 1, (2, 2): 2}
    assert panel.get_title() == "80.0% of 5 right"
    assert [label.get_text() for label in panel.get_yticklabels()] == ["cat", "dog", "owl"]


def test_confusions_of_a_class_that_never_comes_are_no_division_by_zero():
    report.plot_confusions(np.zeros((2, 2), int), ["a", "b"])


def test_confusions_of_very_many_classes_are_colours_on_a_page_of_bounded_size():
    many = report.plot_confusions(np.eye(300, dtype=int), [f"class {i}" for i in range(300)])
    most = report.plot_confusions(np.eye(60, dtype=int), [f"class {i}" for i in range(60)])
    assert not many.axes[0].texts
    assert len(many.axes[0].get_xticks()) < 60
    assert many.get_size_inches().tolist() == most.get_size_inches().tolist()
    assert len(most.axes[0].texts) == 60


@pytest.mark.parametrize("number", [0, 1, 5])
def test_picture_sheet_takes_any_number_and_kind(tmp_path, number):
    kinds = [np.zeros((8, 8)), np.zeros((8, 6, 1)), np.full((4, 4, 3), 255, "uint8")]
    pictures = [kinds[i % 3] for i in range(number)]
    figure = report.plot_pictures(pictures, [f"picture {i}" for i in range(number)])
    titles = [panel.get_title() for panel in figure.axes if panel.get_title()]
    assert titles == [f"picture {i}" for i in range(number)]
    report.write_figure(tmp_path / "sheet.png", figure)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install 'tfast\[plots\]'"):
        report.plot_curves(HISTORY)
