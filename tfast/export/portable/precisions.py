"""ONNX files of fewer bits: weights of half the size, or products of integers."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

# Seven bits for weights: on processors without VNNI the sums of products of eight overflow.
_INT8 = {"per_channel": True, "reduce_range": True}


def with_half_weights(content: bytes) -> bytes:
    """The same file with its weights stored in float16; sums and products stay float32.

    Args:
        content: bytes of an ONNX file.

    Returns:
        bytes, about half as many.

    Raises:
        ImportError: `onnx` is not installed.
    """
    import onnx

    model = onnx.load_from_string(content)
    casts, constants = [], model.graph.initializer
    for constant in constants:
        array = onnx.numpy_helper.to_array(constant)
        # Vectors stay as they are: small, and some hold sizes or scales, not weights.
        if array.dtype == np.float32 and array.ndim > 1:
            half = onnx.numpy_helper.from_array(array.astype("float16"), f"{constant.name}_half")
            casts.append(
                onnx.helper.make_node(
                    "Cast", [half.name], [constant.name], to=onnx.TensorProto.FLOAT
                )
            )
            constant.CopyFrom(half)
    nodes = [*casts, *model.graph.node]
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)
    return model.SerializeToString()


def with_int8_weights(content: bytes, kinds: Sequence[str]) -> bytes:
    """Weights in int8; what they are multiplied with is rounded by its own range at each call.

    Args:
        content: bytes of an ONNX file.
        kinds: names of the operators whose weights are meant.

    Returns:
        bytes, about a quarter as many.

    Raises:
        ImportError: `onnx` or `onnxruntime` is not installed.

    Source: onnxruntime `quantize_dynamic`.
    """
    from onnxruntime.quantization import quantize_dynamic

    def quantize(source: Path, target: Path) -> None:
        quantize_dynamic(source, target, op_types_to_quantize=kinds, **_INT8)

    return _by_files(quantize, content)


def with_int8_ranges(content: bytes, examples: Iterable[dict[str, np.ndarray]]) -> bytes:
    """Weights and what flows between them in int8, by ranges measured beforehand.

    Args:
        content: bytes of an ONNX file.
        examples: an iterable of dicts, by name the arrays of one call each.

    Returns:
        bytes, about a quarter as many.

    Raises:
        ImportError: `onnx` or `onnxruntime` is not installed.

    Source: onnxruntime `quantize_static`.
    """
    from onnxruntime import quantization

    class Examples(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._examples = iter(examples)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self._examples, None)

    def quantize(source: Path, target: Path) -> None:
        prepared = source.with_name("prepared.onnx")
        quantization.quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            target,
            Examples(),
            quant_format=quantization.QuantFormat.QOperator,
            activation_type=quantization.QuantType.QUInt8,
            nodes_to_exclude=_outside_the_weights(prepared),
            **_INT8,
        )

    return _by_files(quantize, content)


def _outside_the_weights(path: Path) -> list[str]:
    """Names of the nodes before the first product and of the softmax: cheap, and best exact."""
    import onnx

    nodes = onnx.load(path).graph.node
    products = [i for i, n in enumerate(nodes) if n.op_type in ("Conv", "MatMul", "Gemm")]
    first = min(products, default=len(nodes))
    return [n.name for i, n in enumerate(nodes) if i < first or n.op_type == "Softmax"]


def _by_files(change: Callable[[Path, Path], None], content: bytes) -> bytes:
    """Content to content, by a function that reads a file and writes another."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.onnx"), Path(folder, "target.onnx")
        source.write_bytes(content)
        change(source, target)
        return target.read_bytes()
