"""Text classifiers from token ids on as ONNX files.

The graph is made here node by node: ONNX has an LSTM of its own, which onnxruntime runs without
the loop that a conversion from TensorFlow would leave, and in int8 too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from tfast.export.folding import scale_and_shift
from tfast.export.portable.litert_text_graph import single_classifiers
from tfast.export.portable.onnx import MISSING, onnx_runtime
from tfast.export.portable.onnx_tfidf_graph import add_tfidf_logits
from tfast.export.portable.precisions import with_half_weights, with_int8_weights
from tfast.export.saved_model import check_precision
from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.tokenization.special_tokens import PADDING_ID

Values: TypeAlias = tuple[str, Sequence[str]]  # a dtype and the names of the axes

# Keras's gates are input, forget, cell, output; ONNX's input, output, forget, cell.
_GATES = [0, 3, 1, 2]


def onnx_text_core_bytes(model: keras.Model, *, precision: str = "float32") -> bytes:
    """The core of a text classifier, as `litert_text_core_bytes` describes it, for onnxruntime.

    All of a batch's outputs are held at once: memory grows with the longest document.

    Args:
        model: one that `classifier_core.has_core`.
        precision: "float32"; "float16", weights stored in half the size; or "int8", weights in
            a quarter, products of integers rounded by each input's own range.

    Returns:
        bytes.

    Raises:
        ValueError: `precision` is unknown.
        ImportError: the extra `onnx` is not installed.

    Source: ONNX operators `LSTM`, `ReverseSequence`; onnxruntime `DynamicQuantizeLSTM`.
    """
    check_precision(precision)
    try:
        import onnx
    except ImportError as error:
        raise ImportError(MISSING) from error
    if precision == "int8":
        onnx_runtime()
    graph = _Graph(onnx)
    token_ids = graph.add("Cast", "token_ids", to=onnx.TensorProto.INT64)
    lengths = graph.add("Cast", "lengths", to=onnx.TensorProto.INT64)
    token_ids, lengths, batch = _with_something(graph, token_ids, lengths)
    lengths = graph.add("Max", lengths, graph.constant(np.array([1], "int64")))
    if isinstance(model, BlendedClassifier):
        answer = graph.add("Softmax", _add_blend(graph, model, token_ids, lengths), axis=-1)
    else:
        answer = _add_probabilities(graph, model, token_ids, lengths)
    # Without the row that was added to an empty batch.
    nothing = graph.constant(np.array([0], "int64"))
    graph.add("Slice", answer, nothing, batch, nothing, output="probabilities")
    content = graph.serialize(
        inputs={"token_ids": ("int32", ["batch", "time"]), "lengths": ("int32", ["batch"])},
        outputs={"probabilities": ("float32", ["batch", "classes"])},
    )
    if precision == "int8":
        return with_int8_weights(content, ["LSTM", "Gather"])
    return with_half_weights(content) if precision == "float16" else content


def _with_something(graph: "_Graph", token_ids: str, lengths: str) -> tuple[str, str, str]:
    """An empty batch as one document of padding: onnxruntime ends the process at an LSTM of none.

    Returns:
        The inputs, with at least one row and one column, and the number of rows there were.
    """
    sides = graph.add("Shape", token_ids)
    nothing, one = graph.constant(np.array([0], "int64")), graph.constant(np.array([1], "int64"))
    missing = graph.add("Max", graph.add("Sub", one, sides), nothing)
    missing_rows = graph.add("Slice", missing, nothing, one)
    pads = graph.add("Concat", graph.constant(np.array([0, 0], "int64")), missing, axis=0)
    token_ids = graph.add("Pad", token_ids, pads, graph.constant(np.int64(PADDING_ID)))
    pads = graph.add("Concat", nothing, missing_rows, axis=0)
    lengths = graph.add("Pad", lengths, pads, graph.constant(np.int64(1)))
    return token_ids, lengths, graph.add("Slice", sides, nothing, one)


def _add_probabilities(graph: "_Graph", model: keras.Model, token_ids: str, lengths: str) -> str:
    """What a `TextClassifier` or a `ForwardBackwardClassifier` says."""
    answers = [
        graph.add("Softmax", _add_logits(graph, part, token_ids, lengths, reverse), axis=-1)
        for part, reverse in single_classifiers(model)
    ]
    return graph.add("Mean", *answers)


def _add_blend(graph: "_Graph", model: BlendedClassifier, token_ids: str, lengths: str) -> str:
    """The logits of a `BlendedClassifier`."""
    parts = []
    if model.weight > 0:
        parts.append((model.weight, _add_classifier(graph, model.classifier, token_ids, lengths)))
    if model.weight < 1:
        parts.append((1 - model.weight, add_tfidf_logits(graph, model.tfidf, token_ids, lengths)))
    weighted = [
        graph.add(
            "Mul",
            graph.add("LogSoftmax", logits, axis=-1),
            graph.constant(np.float32(model.sharpness * weight)),
        )
        for weight, logits in parts
    ]
    return graph.add("Sum", *weighted)


def _add_classifier(graph: "_Graph", model: keras.Model, token_ids: str, lengths: str) -> str:
    """The logits of a `TextClassifier` or a `ForwardBackwardClassifier`."""
    if isinstance(model, TextClassifier):
        return _add_logits(graph, model, token_ids, lengths, reverse=False)
    mean = _add_probabilities(graph, model, token_ids, lengths)
    least = graph.constant(np.float32(keras.config.epsilon()))
    return graph.add("Log", graph.add("Max", mean, least))


def _add_logits(
    graph: "_Graph", model: TextClassifier, token_ids: str, lengths: str, reverse: bool
) -> str:
    if reverse:
        token_ids = graph.add("ReverseSequence", token_ids, lengths, batch_axis=0, time_axis=1)
    token_ids = graph.add("Transpose", token_ids, perm=[1, 0])
    outputs = graph.add("Gather", graph.constant(model.encoder.embeddings), token_ids)
    for lstm in model.encoder.lstms:
        outputs = _add_lstm(graph, lstm.layer.cell, outputs)
    features = _add_pooling(graph, outputs, lengths, model.max_length)
    scale, shift = np.ones(1), np.zeros(1)
    for layer in model.head:
        if isinstance(layer, keras.layers.BatchNormalization):
            scale, shift = scale_and_shift(layer)
        elif isinstance(layer, keras.layers.Dense):
            # The batch norm before it goes into the kernel and a bias.
            kernel = keras.ops.convert_to_numpy(layer.kernel)
            folded = [
                (scale[:, None] * kernel).astype("float32"),
                (shift @ kernel).astype("float32"),
            ]
            features = graph.add("Gemm", features, *map(graph.constant, folded))
            if layer.activation is keras.activations.relu:
                features = graph.add("Relu", features)
    return features


def _add_lstm(graph: "_Graph", cell: Any, inputs: str) -> str:
    """`(time, batch, units)` from `(time, batch, features)`."""

    def by_gate(weight: Any) -> np.ndarray:
        parts = np.split(keras.ops.convert_to_numpy(weight), 4, axis=-1)
        return np.concatenate([parts[gate] for gate in _GATES], axis=-1).T[None]

    bias = by_gate(cell.bias)
    both = np.concatenate([bias, np.zeros_like(bias)], axis=1)  # ONNX has two that add up
    weights = [
        graph.constant(w) for w in (by_gate(cell.kernel), by_gate(cell.recurrent_kernel), both)
    ]
    outputs = graph.add("LSTM", inputs, *weights, hidden_size=cell.units)
    return graph.add("Squeeze", outputs, graph.constant(np.array([1], "int64")))  # one direction


def _add_pooling(graph: "_Graph", outputs: str, lengths: str, max_length: int) -> str:
    """What `concat_pooling` makes of `(time, batch, features)`."""
    whole, one = (lambda number: graph.constant(np.int64(number))), np.array([1], "int64")
    time = graph.add("Squeeze", graph.add("Shape", outputs, start=0, end=1))
    positions = graph.add(
        "Unsqueeze", graph.add("Range", whole(0), time, whole(1)), graph.constant(one)
    )
    last = graph.add("Sub", lengths, whole(1))
    first = graph.add("Sub", lengths, whole(max_length))

    def masked(mask: str, value: float) -> str:
        mask = graph.add("Unsqueeze", mask, graph.constant(np.array([2], "int64")))
        return graph.add("Where", mask, outputs, graph.constant(np.float32(value)))

    def total(values: str) -> str:
        return graph.add("ReduceSum", values, graph.constant(np.array([0], "int64")), keepdims=0)

    real = graph.add(
        "And",
        graph.add("LessOrEqual", positions, last),
        graph.add("GreaterOrEqual", positions, first),
    )
    # No output of an LSTM is below -1.
    maximum = graph.add("ReduceMax", masked(real, -1), axes=[0], keepdims=0)
    amount = graph.add("Min", lengths, whole(max_length))
    amount = graph.add("Unsqueeze", graph.add("CastLike", amount, maximum), graph.constant(one))
    mean = graph.add("Div", total(masked(real, 0)), amount)
    at_last = total(masked(graph.add("Equal", positions, last), 0))
    return graph.add("Concat", at_last, maximum, mean, axis=-1)


class _Graph:
    """An ONNX graph that grows node by node."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, value: Any) -> str:
        """Adds numbers; returns their name."""
        value = np.asarray(keras.ops.convert_to_numpy(value))
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(value, name))
        return name

    def add(
        self,
        kind: str,
        *inputs: str,
        output: str | None = None,
        num_outputs: int = 1,
        **attributes: Any,
    ) -> str:
        """Adds a node; returns the name of its first output."""
        output = output or f"{kind}_{len(self._nodes)}"
        outputs = [output, *(f"{output}_{number}" for number in range(1, num_outputs))]
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, outputs, **attributes))
        return output

    def serialize(self, inputs: Mapping[str, Values], outputs: Mapping[str, Values]) -> bytes:
        """The file's content; inputs and outputs by name, each a dtype and a shape."""

        def describe(values: Mapping[str, Values]) -> list[Any]:
            types = {"int32": self._onnx.TensorProto.INT32, "float32": self._onnx.TensorProto.FLOAT}
            return [
                self._onnx.helper.make_tensor_value_info(name, types[dtype], shape)
                for name, (dtype, shape) in values.items()
            ]

        graph = self._onnx.helper.make_graph(
            self._nodes, "text_core", describe(inputs), describe(outputs), self._constants
        )
        # Old enough for every onnxruntime of the extra.
        opset = [self._onnx.helper.make_opsetid("", 17)]
        model = self._onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
        self._onnx.checker.check_model(model)
        return model.SerializeToString()
