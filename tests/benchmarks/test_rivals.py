import sys
from pathlib import Path

import pytest

WORKER = """
import os
from rivals import serve

print("this goes to standard error")
serve("a worker", {"double": lambda number: 2 * number, "end": lambda: os._exit(1)})
"""


@pytest.fixture
def rivals(benchmarks, tmp_path, monkeypatch):
    module = benchmarks("rivals")
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "worker.py").write_text(WORKER)
    (tmp_path / "workers" / "broken.py").write_text("raise SystemExit(3)")
    (tmp_path / "rivals.py").write_text(Path(module.__file__).read_text())
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    return module


def test_worker_answers_and_reports_its_memory(rivals, capsys):
    with rivals.rival(sys.executable, "worker.py") as worker:
        assert worker.ask("double", number=21) == 42
        assert worker.work("double", number=4)() == 8
        assert worker.peak_mib > 1
    assert capsys.readouterr().out == "a worker\n"
    assert worker._process.poll() == 0


def test_worker_that_ends_is_an_error_and_not_a_wait(rivals):
    with (
        rivals.rival(sys.executable, "worker.py") as worker,
        pytest.raises(RuntimeError, match="ended"),
    ):
        worker.ask("end")


def test_worker_that_does_not_start_is_named(rivals):
    with pytest.raises(RuntimeError, match=r"broken\.py does not run"):
        rivals.Rival(sys.executable, "broken.py")


def test_without_python_there_is_no_rival(rivals, capsys):
    with rivals.rival(None, "worker.py", missing="left out") as worker:
        assert worker is None
    assert capsys.readouterr().out == "left out\n"
