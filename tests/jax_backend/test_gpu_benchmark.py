"""`scripts/benchmarks/gpu.py` at a size that says nothing about speed: where no GPU is, it runs."""

from pathlib import Path

import keras
import pytest


@pytest.mark.parametrize(
    ("part", "precisions"),
    [
        ("images", ["float32", "float16"]),
        # Most of it is compiling.
        pytest.param("texts", ["bfloat16", "float32"], marks=pytest.mark.slow),
    ],
)
def test_each_precision_is_timed_and_the_device_named(monkeypatch, capsys, part, precisions):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "scripts" / "benchmarks")
    import gpu

    gpu.main([part, "--tiny", "--rounds", "1", "--precisions", *precisions])
    written = capsys.readouterr().out
    assert "backend jax, device cpu: cpu" in written
    lines = [line for line in written.splitlines() if " ms a step " in line]
    assert [line.split()[0].removeprefix("mixed_") for line in lines] == precisions
    assert f" 1.00 times {precisions[0]}; " in lines[0]
    assert all("TFLOP/s" in line for line in lines)
    assert keras.config.dtype_policy().name == "float32"


def test_a_convolution_counts_each_weight_at_each_pixel(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "scripts" / "benchmarks")
    import gpu

    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, strides=2)])
    assert gpu.forward_operations(model) == 2 * (3 * 3 * 3 * 4) * (3 * 3)
