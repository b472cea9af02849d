"""Running a model file with onnxruntime or LiteRT."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfast.runtime.errors import FolderError

Run = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def open_model(file: Path, num_threads: int, num_classes: int) -> Run:
    """A function from named inputs to probabilities; threads may call it together.

    Args:
        file: `model.onnx` or `model.tflite`.
        num_threads: how many threads compute.
        num_classes: how many probabilities there must be.

    Returns:
        A function of a mapping of names to arrays that returns float32 `(batch, classes)`.

    Raises:
        FolderError: another name, a file that the runtime does not read, or a model of another
            number of classes.
        ImportError: the package is not installed.
    """
    if file.name not in _OPENERS:
        raise FolderError(f"{file}: this version of tfast reads {' and '.join(_OPENERS)} alone")
    run, found = _OPENERS[file.name](file, num_threads)
    # Some models leave it open.
    if isinstance(found, int) and found not in (-1, num_classes):
        raise FolderError(f"{file} has {found} classes, its folder names {num_classes}")
    return run


def _open_onnx(file: Path, num_threads: int) -> tuple[Run, Any]:
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(f"{file.name} needs `pip install onnxruntime`") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    # Threads that wait would take the processor from whatever else it does.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # it has a class of its own for each reason
        raise FolderError(f"{file} cannot be read by onnxruntime: {_one_line(error)}") from error

    def run(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        [probabilities] = session.run(["probabilities"], dict(inputs))
        return probabilities

    shapes = {output.name: output.shape for output in session.get_outputs()}
    return run, shapes["probabilities"][-1]


def _open_litert(file: Path, num_threads: int) -> tuple[Run, Any]:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ImportError(f"{file.name} needs `pip install ai-edge-litert`") from error
    try:
        interpreter = Interpreter(str(file), num_threads=num_threads)
        runner = interpreter.get_signature_runner("serving_default")
    except (ValueError, RuntimeError) as error:
        raise FolderError(f"{file} cannot be read by LiteRT: {_one_line(error)}") from error
    # An interpreter has one set of tensors: requests wait for each other.
    lock = threading.Lock()

    def run(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        with lock:
            return runner(**inputs)["probabilities"]

    return run, int(runner.get_output_details()["probabilities"]["shape_signature"][-1])


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


_OPENERS = {"model.onnx": _open_onnx, "model.tflite": _open_litert}
