"""A trained image classifier as one small file for LiteRT or onnxruntime."""

import functools
import json

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from tfast.export.float32 import in_float32
from tfast.export.images import gives_logits, known_image_size, with_folded_norms
from tfast.export.portable.litert import litert_bytes, litert_interpreter, litert_runner
from tfast.export.portable.onnx import onnx_bytes, onnx_runner, onnx_runtime
from tfast.export.saved_model import check_class_names, check_precision
from tfast.files import atomic_write
from tfast.vision.layers.residual_blocks import StemPooling

# The largest difference of a probability that rounding to each precision may make.
TOLERANCES = {"float32": 1e-4, "float16": 1e-2, "int8": 0.1}


def export_portable_image_classifier(
    model,
    directory,
    class_names,
    preprocessing,
    *,
    file_format,
    precision="float32",
    representative=None,
    tolerance=None,
    image_size=None,
    from_logits=None,
    overwrite=False,
):
    """Writes a model file that takes pixels, and beside it what its user has to know.

    `model.tflite` or `model.onnx` takes `pixels`, uint8 `(batch, height, width, 3)` of exactly
    the image size, and gives `probabilities`, float32 `(batch, classes)`. Normalisation is
    inside; decoding, resizing and cutting are not: these runtimes have no operations that read
    JPEG files. `classifier.json` holds `class_names`, in order, `image_size` and
    `preprocessing`, as `ImagePreprocessing.to_dict` describes it. Batch norms are folded, and a
    model of mixed precision is written as the same in float32.

    Before anything is written, the file's content is run, and its probabilities compared with
    those of `model`. So this needs the extra `litert` or `onnx`.

    Args:
        model: as in `export_image_classifier`, like the other arguments not named here.
        directory: the folder to write. It appears whole or not at all.
        class_names: one name for each class, in order.
        preprocessing: the `ImagePreprocessing` that validation used.
        file_format: "litert" or "onnx".
        precision: "float32", "float16" or "int8", see `litert_bytes` and `onnx_bytes`.
        representative: pictures such as will come, uint8 `(number, height, width, 3)` of the
            image size. The comparison is made on them, where None takes noise, and "int8"
            measures ranges on them (a few hundred do). ONNX in int8, by far the fastest in
            `scripts/bench_export.py`, cannot do without.
        tolerance: the largest difference of a probability; None: 1e-4 for float32, 0.01 for
            float16, 0.1 for int8.
        image_size: see `export_image_classifier`.
        from_logits: see `export_image_classifier`.
        overwrite: whether an existing `directory` is replaced.

    Returns:
        The largest difference of a probability that was found.

    Raises:
        ValueError: an unknown `file_format` or `precision`, no `representative` pictures where
            they are needed or such as do not fit, a difference above `tolerance`; and as
            `export_image_classifier` does.
        ImportError: the extra is not installed.

    Example:
        >>> import pathlib, tempfile
        >>> from tfast.vision.preprocessing import ImagePreprocessing
        >>> model = keras.Sequential(
        ...     [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2)])
        >>> folder = pathlib.Path(tempfile.mkdtemp(), "classifier")
        >>> difference = export_portable_image_classifier(
        ...     model, folder, ["cat", "dog"], ImagePreprocessing(), file_format="litert")
        >>> sorted(file.name for file in folder.iterdir())
        ['classifier.json', 'model.tflite']
    """
    if file_format not in _FORMATS:
        raise ValueError(f"file_format is {file_format!r}; expected one of {[*_FORMATS]}")
    check_precision(precision)
    if representative is None and (file_format, precision) == ("onnx", "int8"):
        raise ValueError("an onnx file in int8 needs representative pictures to measure ranges on")
    file_name, file_bytes, runtime, runner = _FORMATS[file_format]
    runtime()  # missing, it is missed before the work
    image_size = known_image_size(model, image_size)
    class_names = check_class_names(class_names, model.output_shape[-1])
    pictures = _pictures(representative, image_size)
    if from_logits is None:
        from_logits = gives_logits(model, image_size)
    model = in_float32(model)

    def answer(model, pixels):
        outputs = tf.cast(model(preprocessing.normalize(pixels), training=False), tf.float32)
        return {"probabilities": tf.nn.softmax(outputs) if from_logits else outputs}

    with atomic_write(directory, overwrite=overwrite) as folder:
        served, ranges = with_folded_norms(model, image_size), None
        if precision == "int8" and representative is not None:
            served = _without_infinities(served)
            ranges = [[picture[None]] for picture in pictures]
        content = file_bytes(
            functools.partial(answer, served),
            [tf.TensorSpec((None, *image_size, 3), tf.uint8, name="pixels")],
            parts=[served],
            precision=precision,
            representative=ranges,
        )
        expected = functools.partial(answer, model)
        difference = _largest_difference(runner(content), expected, pictures)
        tolerance = TOLERANCES[precision] if tolerance is None else tolerance
        if not difference <= tolerance:
            raise ValueError(
                f"a probability of the {file_format} file in {precision} differs by "
                f"{difference:.2g} from the model's; the tolerance is {tolerance}"
            )
        folder.mkdir()
        (folder / file_name).write_bytes(content)
        description = {"class_names": class_names, "image_size": image_size}
        description["preprocessing"] = preprocessing.to_dict()
        (folder / "classifier.json").write_text(json.dumps(description, indent=2))
    return difference


_FORMATS = {
    "litert": ("model.tflite", litert_bytes, litert_interpreter, litert_runner),
    "onnx": ("model.onnx", onnx_bytes, onnx_runtime, onnx_runner),
}


def _pictures(representative, image_size):
    """The pictures to compare on, uint8 `(number, height, width, 3)`."""
    if representative is None:
        return np.random.RandomState(0).randint(0, 256, (8, *image_size, 3)).astype("uint8")
    pictures = np.asarray(representative)
    if pictures.dtype != np.uint8 or pictures.shape[1:] != (*image_size, 3) or not len(pictures):
        raise ValueError(
            f"representative is {pictures.dtype} {pictures.shape}; expected pictures, uint8 "
            f"(number, {image_size[0]}, {image_size[1]}, 3)"
        )
    return pictures


def _largest_difference(run, expected, pictures):
    """Between the probabilities of two functions, in batches that fit into memory."""
    return max(
        float(
            np.abs(
                run(pixels=pictures[i : i + 32])["probabilities"]
                - expected(pictures[i : i + 32])["probabilities"]
            ).max()
        )
        for i in range(0, len(pictures), 32)
    )


class _BorderPooling(layers.Layer):
    """`StemPooling` that mirrors the border in place of padding with -inf: the same maxima.

    Eight bits have no scale that reaches to infinity.
    """

    def call(self, images):
        # A single row has no other to mirror; ONNX has no operation for the second way.
        mode = "symmetric" if 1 in images.shape[1:3] else "reflect"
        padded = ops.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode=mode)
        return ops.max_pool(padded, 3, strides=2)


def _without_infinities(model):
    """The same model, sharing its layers, with `_BorderPooling`."""

    def replace(layer):
        return _BorderPooling(name=layer.name) if isinstance(layer, StemPooling) else layer

    return keras.models.clone_model(model, clone_function=replace)
