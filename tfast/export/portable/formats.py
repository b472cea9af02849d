"""The two kinds of files that portable folders hold, and how far a file may be off."""

import dataclasses
import functools
from collections.abc import Callable

from tfast.arguments import fraction, one_of
from tfast.export.portable.litert import litert_bytes, litert_interpreter, litert_runner
from tfast.export.portable.litert_text_graph import litert_text_core_bytes
from tfast.export.portable.onnx import onnx_bytes, onnx_runner, require_onnx
from tfast.export.portable.onnx_text_graph import onnx_text_core_bytes
from tfast.export.saved_model import check_precision

# The largest difference of a probability that rounding to each precision may make.
TOLERANCES = {"float32": 1e-4, "float16": 1e-2, "int8": 0.1}


@dataclasses.dataclass(frozen=True)
class Format:
    """A kind of file."""

    file_name: str
    image_bytes: Callable[..., bytes]  # as `onnx_bytes`
    text_bytes: Callable[..., bytes]  # as `onnx_text_core_bytes`
    runner: Callable[..., Callable[..., dict]]  # from bytes to a function of named inputs
    require: Callable[[], object]  # raises an ImportError where a package is missing


FORMATS = {
    "onnx": Format("model.onnx", onnx_bytes, onnx_text_core_bytes, onnx_runner, require_onnx),
    "litert": Format(
        "model.tflite",
        litert_bytes,
        litert_text_core_bytes,
        # As `tfast.runtime` runs it.
        functools.partial(litert_runner, num_threads=1),
        litert_interpreter,
    ),
}


def check_format(file_format: str, precision: str, tolerance: float | None) -> tuple[Format, float]:
    """What the arguments of an export ask for; fails now if a package is missing, not later.

    Args:
        file_format: one of `FORMATS`.
        precision: one of `TOLERANCES`.
        tolerance: the largest allowed difference of a probability; None: that of `TOLERANCES`.

    Returns:
        The `Format` and the tolerance.

    Raises:
        ValueError: an unknown value.
        ImportError: the extra of the format is not installed.
    """
    one_of("file_format", file_format, tuple(FORMATS))
    check_precision(precision)
    tolerance = TOLERANCES[precision] if tolerance is None else tolerance
    tolerance = fraction("tolerance", tolerance, one=True)
    FORMATS[file_format].require()
    return FORMATS[file_format], tolerance
