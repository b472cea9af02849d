import concurrent.futures
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfast.export.portable.onnx import onnx_bytes, onnx_runner


def test_exports_in_threads_leave_no_function_eager():
    pytest.importorskip("tf2onnx")
    signature = [tf.TensorSpec((None, 2), name="numbers")]

    def convert(_):
        return onnx_bytes(lambda x: {"sums": x + 1}, signature, parts=[])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(convert, range(8)))
    assert not tf.config.functions_run_eagerly()


def test_erfc_of_half_precision_becomes_onnx():
    pytest.importorskip("tf2onnx")
    signature = [tf.TensorSpec((None,), tf.float32, name="numbers")]
    content = onnx_bytes(
        lambda x: {"erfc": tf.math.erfc(tf.cast(x, "float16"))}, signature, parts=[]
    )
    numbers = np.float32([-1, 0, 0.5, 2])
    outputs = onnx_runner(content)(numbers=numbers)["erfc"]
    np.testing.assert_allclose(outputs, tf.math.erfc(numbers), atol=1e-3)


def test_onnx_asks_for_examples_where_it_measures():
    signature = [tf.TensorSpec((None, 2), name="numbers")]
    for precision, examples in (("int8", None), ("float16", [[np.ones(2)]])):
        options = {"precision": precision, "representative": examples}
        with pytest.raises(ValueError, match="representative"):
            onnx_bytes(lambda x: {"sums": x}, signature, parts=[], **options)


def test_a_missing_runtime_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match="pip install tf2onnx onnxruntime"):
        onnx_runner(b"")
