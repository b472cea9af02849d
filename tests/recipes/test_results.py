import csv
import json

import keras
import pytest

from tfast.recipes import results


def test_result_has_the_environment(tmp_path):
    results.write_result(tmp_path / "result.json", {"accuracy": 0.5})
    read = json.loads((tmp_path / "result.json").read_text())
    assert read["accuracy"] == 0.5
    assert {"python", "keras", "TF_ENABLE_ONEDNN_OPTS"} <= read["environment"].keys()


def test_history_has_a_line_for_each_epoch(tmp_path):
    results.write_history(tmp_path / "h.csv", {"loss": [2.0, 1.0], "val_loss": [3.0, 2.5]})
    lines = (tmp_path / "h.csv").read_text().split()
    assert lines == ["epoch,loss,val_loss", "1,2.0,3.0", "2,1.0,2.5"]


def test_rows_survive_line_breaks_and_quotes(tmp_path):
    rows = [{"text": 'a "b"\nc, d', "label": "é"}]
    results.write_rows(tmp_path / "rows.csv", rows)
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == rows
    results.write_rows(tmp_path / "none.csv", [])
    assert (tmp_path / "none.csv").read_text() == "\n"


def test_a_model_loads_again(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    results.write_model(tmp_path / "model.keras", model)
    assert keras.saving.load_model(tmp_path / "model.keras").count_params() == 2


def test_a_figure_that_fails_is_a_warning_and_the_next_one_is_drawn(tmp_path):
    from matplotlib.figure import Figure

    def fail():
        raise RuntimeError("no such\nfont")

    drawn = {tmp_path / "a.png": fail, tmp_path / "b.png": lambda: Figure()}
    with pytest.warns(UserWarning, match=r"a.png was not drawn: RuntimeError: no such font"):
        results.write_figures(drawn)
    assert [path.name for path in tmp_path.iterdir()] == ["b.png"]
