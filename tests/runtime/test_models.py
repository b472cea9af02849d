import sys

import pytest

from tfast.runtime.errors import FolderError
from tfast.runtime.models import open_model


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("model.onnx", "onnxruntime", "onnxruntime"),
        ("model.tflite", "ai_edge_litert.interpreter", "ai-edge-litert"),
    ],
)
def test_a_missing_runtime_is_named(name, module, package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=f"{name} needs `pip install {package}`"):
        open_model(tmp_path / name, 1, 2)


@pytest.mark.parametrize(
    ("name", "module"), [("model.onnx", "onnxruntime"), ("model.tflite", "ai_edge_litert")]
)
def test_a_file_that_is_no_model_is_refused_in_one_line(name, module, tmp_path):
    pytest.importorskip(module)
    (tmp_path / name).write_bytes(b"no model")
    with pytest.raises(FolderError, match=f"{name} cannot be read by") as caught:
        open_model(tmp_path / name, 1, 2)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FolderError, match=r"reads model.onnx and model.tflite alone"):
        open_model(tmp_path / "model.pt", 1, 2)
