import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "scripts" / "benchmarks"


@pytest.fixture
def benchmarks(monkeypatch):
    """A function that imports a module of scripts/benchmarks by its name."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module
