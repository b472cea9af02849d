import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.export.portable.litert import litert_bytes, litert_runner

SIGNATURE = [tf.TensorSpec((None, 64), name="numbers")]


@pytest.fixture(scope="module")
def layer():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(128)])
    return model, lambda numbers: {"sums": model(numbers)}


def content_of(layer, **options):
    model, function = layer
    return litert_bytes(function, SIGNATURE, parts=[model], **options)


@pytest.mark.parametrize(
    ("precision", "tolerance", "bytes_of_a_weight"),
    [("float32", 1e-5, 4), ("float16", 1e-2, 2), ("int8", 0.1, 1)],
)
def test_a_file_gives_what_the_function_gives(layer, precision, tolerance, bytes_of_a_weight):
    pytest.importorskip("ai_edge_litert")
    content = content_of(layer, precision=precision)
    assert 64 * 128 * bytes_of_a_weight < len(content) < 64 * 128 * bytes_of_a_weight + 6000
    numbers = np.random.RandomState(0).normal(size=(3, 64)).astype("float32")
    found = litert_runner(content, num_threads=2)(numbers=numbers)["sums"]
    np.testing.assert_allclose(found, layer[1](numbers)["sums"], rtol=0, atol=tolerance)


def test_ranges_are_for_int8_alone(layer):
    with pytest.raises(ValueError, match="representative is for precision 'int8'"):
        content_of(layer, representative=[[np.ones((1, 64), "float32")]])
    with pytest.raises(ValueError, match=r"precision must be one of .*, got 'int4'"):
        content_of(layer, precision="int4")


def test_a_missing_runtime_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ImportError, match="pip install ai-edge-litert"):
        litert_runner(b"")
