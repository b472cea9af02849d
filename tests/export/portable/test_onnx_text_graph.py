import sys

import numpy as np
import pytest
from small_text_models import check_core, classifier, probabilities_of, some_documents

from tfast.export.portable.onnx import onnx_runner
from tfast.export.portable.onnx_text_graph import onnx_text_core_bytes
from tfast.text.models.forward_backward import ForwardBackwardClassifier


@pytest.fixture(scope="module")
def model():
    return classifier(1)


@pytest.fixture
def documents():
    return some_documents()


def test_an_onnx_core_reads_forward_and_backward(model, documents):
    pytest.importorskip("onnxruntime")
    both = ForwardBackwardClassifier(model, classifier(2))
    run = onnx_runner(onnx_text_core_bytes(both))
    expected = probabilities_of(both, documents)
    np.testing.assert_allclose(run(**documents)["probabilities"], expected, atol=1e-5)


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_what_an_int8_core_needs_is_named(missing, model, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match="pip install tf2onnx onnxruntime"):
        onnx_text_core_bytes(model, precision="int8")


@pytest.mark.parametrize(
    ("precision", "tolerance", "bytes_of_a_weight"),
    [("float32", 1e-5, 4), ("float16", 5e-3, 2), ("int8", 0.1, 1)],
)
def test_any_number_of_documents_of_any_length_is_read(
    model, precision, tolerance, bytes_of_a_weight
):
    pytest.importorskip("onnxruntime")
    check_core(
        "onnx",
        model,
        precision=precision,
        tolerance=tolerance,
        bytes_of_a_weight=bytes_of_a_weight,
    )
