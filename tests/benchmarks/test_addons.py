"""tensorflow-addons itself, in a process of its own, next to LayerwiseLearningRates."""

import sys

import pytest


def test_trajectories_are_those_of_live_addons(monkeypatch, benchmarks):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")  # of the other process: not what a shell had
    addons = benchmarks("addons")
    if addons.why_not():
        pytest.skip(addons.why_not())
    with benchmarks("rivals").rival(sys.executable, addons.WORKER) as process:
        differences = addons.largest_differences(process)
    assert differences.keys() == {"Adam", "SGD"}
    assert max(differences.values()) < 1e-5
