"""The models and the training tools on Keras's other backends, TensorFlow not importable."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backend_without_tensorflow(backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"needs {backend}")
    folder = Path(__file__).parent / f"{backend}_backend"
    # --confcutdir: the conftest.py of this folder, which imports TensorFlow, stays out.
    command = [sys.executable, "-m", "pytest", "-q", f"--confcutdir={folder}", str(folder)]
    result = subprocess.run(
        command,
        env=os.environ | {"KERAS_BACKEND": backend},
        cwd=folder.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
    assert "passed" in result.stdout
