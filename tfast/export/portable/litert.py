"""LiteRT (TensorFlow Lite): a function of a model as one small file for a processor.

    litert_bytes   a function and its weights as the content of a `.tflite` file
    litert_runner  such a content as a Python function; needs the extra `litert`

Strings and files are not read there: what decodes and tokenises stays outside.
"""

import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfast.export.saved_model import check_precision, save_signatures
from tfast.types import Tensor


def litert_bytes(
    function: Callable[..., dict[str, Tensor]],
    input_signature: Sequence[tf.TensorSpec],
    *,
    parts: Sequence[keras.Layer],
    precision: str = "float32",
    representative: Iterable[Sequence[np.ndarray]] | None = None,
) -> bytes:
    """Converts a function of a model to LiteRT.

    Needs TensorFlow alone. Only LiteRT's own operations are allowed, so that the plain runtime
    runs the file.

    Args:
        function: takes tensors, returns a dict of tensors; their names are those of the file.
        input_signature: a list of `tf.TensorSpec` with names, one for each argument. A length
            of None (of the batch, say) may change from call to call.
        parts: the Keras models and layers that `function` uses.
        precision: "float32"; "float16", weights stored in half the size; "int8", weights in a
            quarter, and products of integers: of inputs rounded by each product's own range,
            or, with `representative`, by ranges measured before.
        representative: for "int8", an iterable of lists of arrays, one array for each input,
            a few hundred examples in all. Inputs and outputs stay as they are.

    Returns:
        bytes.

    Raises:
        ValueError: `precision` is unknown, or `representative` stands beside another than int8.

    Examples:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> numbers = tf.TensorSpec((None, 3), tf.float32, name="numbers")
        >>> content = litert_bytes(lambda x: {"sums": model(x)}, [numbers], parts=[model])
        >>> content[4:8]
        b'TFL3'
    """
    check_precision(precision)
    if representative is not None and precision != "int8":
        raise ValueError(f"representative is for precision 'int8'; precision is {precision!r}")
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "saved")
        save_signatures({"serving_default": (function, input_signature)}, saved, parts=parts)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(saved), signature_keys=["serving_default"]
        )
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if representative is not None:
            names = [spec.name for spec in input_signature]
            examples = [dict(zip(names, arrays, strict=True)) for arrays in representative]
            converter.representative_dataset = lambda: iter(examples)
        with warnings.catch_warnings():
            # The converter measures ranges with it; there is nothing that a caller could do.
            warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated")
            return converter.convert()


def litert_runner(content: bytes, *, num_threads: int | None = None) -> Callable[..., dict]:
    """A LiteRT file's content as a function: arrays by name to a dict of arrays.

    Args:
        content: what `litert_bytes` gave.
        num_threads: how many threads a call may use; None leaves it to LiteRT, which takes one.

    Raises:
        ImportError: `ai-edge-litert` is not installed.
    """
    interpreter = litert_interpreter()
    return interpreter(model_content=content, num_threads=num_threads).get_signature_runner()


def litert_interpreter() -> Any:
    """The class that runs LiteRT files.

    Raises:
        ImportError: `ai-edge-litert` is not installed.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ImportError("running LiteRT files needs pip install ai-edge-litert") from error
    return Interpreter
