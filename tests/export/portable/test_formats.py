import sys

import pytest

from tfast.export.portable.formats import FORMATS, TOLERANCES, check_format


def test_the_tolerance_is_that_of_the_precision_unless_it_is_given():
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    for precision, tolerance in TOLERANCES.items():
        assert check_format("onnx", precision, None) == (FORMATS["onnx"], tolerance)
    assert check_format("onnx", "int8", 0.5)[1] == 0.5


def test_unknown_formats_and_precisions_are_refused():
    with pytest.raises(ValueError, match="file_format must be one of 'onnx', 'litert', got 'tf'"):
        check_format("tf", "int8", None)
    with pytest.raises(ValueError, match=r"precision must be one of .*, got 'int4'"):
        check_format("onnx", "int4", None)
    for tolerance in (float("nan"), -1, "a"):
        with pytest.raises(ValueError, match=r"tolerance must be a number in \[0, 1\]"):
            check_format("onnx", "int8", tolerance)


@pytest.mark.parametrize(
    ("file_format", "module"),
    [
        *(("onnx", "tf2onnx"), ("onnx", "onnxruntime")),
        ("litert", "ai_edge_litert.interpreter"),
    ],
)
def test_a_missing_package_is_named_at_once(monkeypatch, file_format, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match="pip install"):
        check_format(file_format, "float32", None)
