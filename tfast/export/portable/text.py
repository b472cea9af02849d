"""Text classifiers in two parts: a SavedModel that reads strings, and LiteRT or ONNX after it."""

import tensorflow as tf

from tfast.export.float32 import in_float32
from tfast.export.portable.litert import litert_bytes
from tfast.export.portable.litert_text_graph import classifier_logits, has_core
from tfast.export.portable.onnx_text_graph import onnx_text_core_bytes
from tfast.export.saved_model import check_class_names, check_precision, save_signatures
from tfast.export.text import TEXT, num_classes
from tfast.files import atomic_write
from tfast.text.documents import pad_documents

# How many tokens are read at a time. LiteRT's loops copy what they carry at each step, so one; but
# float products want some rows, without which they wait for the weights.
INT8_WINDOW, FLOAT_WINDOW = 1, 16

_CORE_INPUTS = [
    tf.TensorSpec([None, None], tf.int32, name="token_ids"),
    tf.TensorSpec([None], tf.int32, name="lengths"),
]


def export_text_core(
    model,
    tokenizer,
    vocabulary,
    directory,
    class_names,
    *,
    file_format="litert",
    precision="int8",
    reverse=False,
    overwrite=False,
):
    """Saves a text classifier as a tokenizer for TensorFlow and a small, fast core for the rest.

    The folder holds `tokenizer`, a SavedModel from strings to token ids; `core.tflite` or
    `core.onnx`, from token ids to probabilities, for any number of texts of any length; and
    `labels.txt`, a class on each line. TensorFlow and ai-edge-litert serve it::

        tokenizer = tf.saved_model.load(f"{folder}/tokenizer").signatures["serving_default"]
        core = Interpreter(f"{folder}/core.tflite", num_threads=2).get_signature_runner()
        labels = pathlib.Path(folder, "labels.txt").read_text("utf-8").splitlines()

        inputs = tokenizer(text=tf.constant(["a good film"]))
        inputs = {name: tensor.numpy() for name, tensor in inputs.items()}
        probabilities = core(**inputs)["probabilities"]  # float32 (texts, classes)
        label = labels[probabilities[0].argmax()]

    Or onnxruntime::

        core = InferenceSession(f"{folder}/core.onnx")
        [probabilities] = core.run(None, inputs)

    Args:
        model: a `TextClassifier` or `ForwardBackwardClassifier`.
        tokenizer: the layer from strings `(batch,)` to ragged tokens it was trained with.
        vocabulary: the `Vocabulary` it was trained with.
        directory: where the folder shall stand.
        class_names: a name for each class, in the order of the logits, each on one line.
        file_format: "litert" or "onnx", which runs faster.
        precision: of the core's weights: "float32"; "float16", half the size; or "int8", which
            also multiplies integers: a quarter of the size, and by far the fastest.
        reverse: whether the model was trained on documents from their end: a backward model alone.
        overwrite: whether an existing directory may be replaced.

    Raises:
        ValueError: the directory exists, the names do not fit the model, `file_format` or
            `precision` is unknown or `model` is of another class.
        ImportError: "onnx" without the extra `onnx`.
    """
    if not has_core(model):
        raise ValueError(
            f"model must be a TextClassifier or ForwardBackwardClassifier, got {model!r}"
        )
    if file_format not in _FORMATS:
        raise ValueError(f"file_format is {file_format!r}; expected one of {[*_FORMATS]}")
    check_precision(precision)
    class_names = check_class_names(class_names, num_classes(model))
    if several_lines := [name for name in class_names if len(name.splitlines()) != 1]:
        raise ValueError(f"class_names must be one line each; got {several_lines[:10]}")
    lookup = vocabulary.lookup_layer()

    def read(texts):
        return pad_documents(tf.cast(lookup(tokenizer(texts)), "int32"), reverse=reverse)

    with atomic_write(directory, overwrite=overwrite) as temporary:
        temporary.mkdir()
        save_signatures(
            {"serving_default": (read, [TEXT])}, temporary / "tokenizer", parts=[tokenizer, lookup]
        )
        file_name, core_bytes = _FORMATS[file_format]
        (temporary / file_name).write_bytes(core_bytes(model, precision=precision))
        (temporary / "labels.txt").write_text("\n".join(class_names) + "\n", "utf-8")


def text_core_bytes(model, *, precision="int8"):
    """The core alone: the content of `core.tflite`.

    Its signature takes `token_ids`, int32 `(batch, time)`, padded behind, and `lengths`, int32
    `(batch,)`; it returns `probabilities`, float32 `(batch, classes)`. Documents are pooled
    over their last `max_length` tokens, as the model does it. A model of mixed precision is
    written as the same in float32: LiteRT has no other products of this kind.

    Args:
        model: as for `export_text_core`.
        precision: as for `export_text_core`.

    Returns:
        bytes.
    """
    model = in_float32(model)
    window = INT8_WINDOW if precision == "int8" else FLOAT_WINDOW

    def core(token_ids, lengths):
        logits = classifier_logits(model, token_ids, lengths, window=window)
        return {"probabilities": tf.nn.softmax(logits)}

    return litert_bytes(core, _CORE_INPUTS, parts=[model], precision=precision)


_FORMATS = {
    "litert": ("core.tflite", text_core_bytes),
    "onnx": ("core.onnx", onnx_text_core_bytes),
}
