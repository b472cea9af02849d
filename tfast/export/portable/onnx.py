"""ONNX: a function of a model as a file for onnxruntime and many other programs.

    onnx_bytes   a function and its weights as the content of an `.onnx` file
    onnx_runner  such a content as a Python function

Both need the extra `onnx`. Strings and files are not read there: what decodes and tokenises
stays outside.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfast.export.portable.precisions import with_half_weights, with_int8_ranges
from tfast.export.saved_model import check_precision, without_cudnn
from tfast.types import Tensor

_EAGER_SWITCH = threading.Lock()
MISSING = "ONNX files need tf2onnx and onnxruntime: pip install tf2onnx onnxruntime"


def onnx_bytes(
    function: Callable[..., dict[str, Tensor]],
    input_signature: Sequence[tf.TensorSpec],
    *,
    parts: Sequence[keras.Layer],
    precision: str = "float32",
    representative: Iterable[Sequence[np.ndarray]] | None = None,
) -> bytes:
    """Converts a function of a model to ONNX.

    While it traces `function`, whatever `tf.function` another thread calls runs eagerly.

    Args:
        function: takes tensors, returns a dict of tensors; their names are those of the file.
        input_signature: a list of `tf.TensorSpec` with names, one for each argument. A length
            of None (of the batch, say) may change from call to call.
        parts: the Keras models and layers that `function` uses.
        precision: "float32"; "float16", weights stored in half the size; "int8", weights in a
            quarter, and products of integers, by ranges measured on `representative`.
        representative: for "int8", an iterable of lists of arrays, one array for each input,
            a few hundred examples in all. Inputs and outputs stay as they are.

    Returns:
        bytes.

    Raises:
        ValueError: `precision` is unknown, or it is "int8" and `representative` is None, or
            it is not and `representative` is given.
        ImportError: the extra `onnx` is not installed.
    """
    check_precision(precision)
    if precision == "int8" and representative is None:
        raise ValueError("precision 'int8' needs representative examples to measure ranges on")
    if precision != "int8" and representative is not None:
        raise ValueError(f"representative is for precision 'int8'; precision is {precision!r}")
    if precision == "int8":
        onnx_runtime()  # missing, it is missed before the work
    tf2onnx = _onnx_converter()
    with without_cudnn(parts):
        traced = tf.function(function, input_signature=input_signature)
        with _without_inner_functions():
            traced.get_concrete_function()
        model, _ = tf2onnx.convert.from_function(
            traced,
            input_signature,
            # The newest operations that tf2onnx 1.17 knows well are not needed; old readers are.
            opset=17,
            custom_op_handlers={"Erfc": (_one_minus_erf, [])},
        )
    content = model.SerializeToString()
    if precision == "int8":
        names = [spec.name for spec in input_signature]
        examples = (dict(zip(names, arrays, strict=True)) for arrays in representative or ())
        return with_int8_ranges(content, examples)
    return with_half_weights(content) if precision == "float16" else content


@contextlib.contextmanager
def _without_inner_functions() -> Iterator[None]:
    """Traces what has a function of its own as part of the whole.

    Keras runs grouped convolutions by a function that XLA compiles, which no ONNX file holds.
    """
    # The switch is the process's: of two threads, the second must not take True for its own.
    with _EAGER_SWITCH:
        before = tf.config.functions_run_eagerly()
        tf.config.run_functions_eagerly(True)
        try:
            yield
        finally:
            tf.config.run_functions_eagerly(before)


def _one_minus_erf(graph: Any, node: Any, name: str, _: Any) -> None:
    """Rewrites tf2onnx's `node`, an `Erfc`, which it does not know: `gelu` has it."""
    from tf2onnx import utils

    dtype = utils.map_onnx_to_numpy_type(graph.get_dtype(node.input[0]))
    one = graph.make_const(f"{name}_one", np.ones((), dtype))
    erf = graph.make_node("Erf", [node.input[0]])
    node.type = "Sub"
    graph.replace_inputs(node, [one.output[0], erf.output[0]])


def onnx_runner(content: bytes, *, num_threads: int = 0) -> Callable[..., dict]:
    """An ONNX file's content as a function: arrays by name to a dict of arrays.

    Args:
        content: what `onnx_bytes` gave.
        num_threads: how many threads a call may use; 0 leaves it to onnxruntime, which takes one
            a core.

    Raises:
        ImportError: `onnxruntime` is not installed.
    """
    onnxruntime = onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda **inputs: dict(zip(names, session.run(names, inputs), strict=True))


def require_onnx() -> None:
    """Raises an ImportError where `tf2onnx` or `onnxruntime` is not installed."""
    _onnx_converter()
    onnx_runtime()


def onnx_runtime() -> Any:
    """The package that runs ONNX files.

    Raises:
        ImportError: `onnxruntime` is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(MISSING) from error
    return onnxruntime


def _onnx_converter() -> Any:
    try:
        import tf2onnx
    except ImportError as error:
        raise ImportError(MISSING) from error
    return tf2onnx
