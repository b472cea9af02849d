"""The models and the training tools on Keras's JAX backend, TensorFlow not importable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_jax_backend_without_tensorflow():
    pytest.importorskip("jax", reason="needs the extra `jax`")
    folder = Path(__file__).parent / "jax_backend"
    # --confcutdir: the conftest.py of this folder, which imports TensorFlow, stays out.
    command = [sys.executable, "-m", "pytest", "-q", f"--confcutdir={folder}", str(folder)]
    result = subprocess.run(
        command,
        env=os.environ | {"KERAS_BACKEND": "jax"},
        cwd=folder.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
    assert "passed" in result.stdout
