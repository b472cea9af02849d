import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.export.portable.onnx import onnx_bytes, onnx_runner
from tfast.export.portable.precisions import with_half_weights, with_int8_ranges, with_int8_weights

WEIGHTS = 64 * 128
NUMBERS = np.random.RandomState(0).normal(size=(50, 64)).astype("float32")


@pytest.fixture(scope="module")
def content():
    pytest.importorskip("tf2onnx")
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(128)])
    signature = [tf.TensorSpec((None, 64), name="numbers")]
    return onnx_bytes(lambda numbers: {"sums": model(numbers)}, signature, parts=[model])


def sums(content):
    return onnx_runner(content)(numbers=NUMBERS)["sums"]


@pytest.mark.parametrize(
    ("change", "tolerance", "bytes_of_a_weight"),
    [
        (with_half_weights, 1e-2, 2),
        (lambda content: with_int8_weights(content, ["MatMul"]), 0.1, 1),
        (lambda content: with_int8_ranges(content, [{"numbers": NUMBERS}]), 0.1, 1),
    ],
)
def test_weights_are_smaller_and_sums_nearly_the_same(
    content, change, tolerance, bytes_of_a_weight
):
    assert len(content) > 4 * WEIGHTS
    smaller = change(content)
    assert WEIGHTS * bytes_of_a_weight < len(smaller) < WEIGHTS * bytes_of_a_weight + 4000
    difference = abs(sums(smaller) - sums(content)).max()
    assert 0 < difference < tolerance
