"""tensorflow-addons itself, in a process of its own, beside LayerwiseLearningRates."""

from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def test_trajectories_are_those_of_live_addons(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")  # of the other process: not what a shell had
    monkeypatch.syspath_prepend(SCRIPTS)
    import compare_addons

    if compare_addons.why_not():
        pytest.skip(compare_addons.why_not())
    with compare_addons.Addons() as addons:
        differences = compare_addons.largest_differences(addons)
    assert differences.keys() == {"Adam", "SGD"}
    assert max(differences.values()) < 1e-5
