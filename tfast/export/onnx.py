"""ONNX: a function of a model as a file for onnxruntime and many other programs.

    onnx_bytes   a function and its weights as the content of an `.onnx` file
    onnx_runner  such a content as a Python function

Both need the extra `onnx`. Strings and files are not read there: what decodes and tokenises
stays outside.
"""

import tensorflow as tf

from tfast.export.serving import without_cudnn

MISSING = "ONNX files need tf2onnx and onnxruntime: pip install 'tfast[onnx]'"


def onnx_bytes(function, input_signature, *, parts):
    """Converts a function of a model to ONNX.

    Args:
        function: takes tensors, returns a dict of tensors; their names are those of the file.
        input_signature: a list of `tf.TensorSpec` with names, one for each argument. A length
            of None (of the batch, say) may change from call to call.
        parts: the Keras models and layers that `function` uses.

    Returns:
        bytes.

    Raises:
        ImportError: `tf2onnx` is not installed.
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise ImportError(MISSING) from error
    with without_cudnn(parts):
        traced = tf.function(function, input_signature=input_signature)
        # The newest operations that tf2onnx 1.17 knows well are not needed; old readers are.
        model, _ = tf2onnx.convert.from_function(traced, input_signature, opset=17)
    return model.SerializeToString()


def onnx_runner(content, *, num_threads=0):
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


def onnx_runtime():
    """The package that runs ONNX files.

    Raises:
        ImportError: `onnxruntime` is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(MISSING) from error
    return onnxruntime
