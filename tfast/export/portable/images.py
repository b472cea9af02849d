"""Trained image classifiers as portable folders, for LiteRT or onnxruntime."""

import base64
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from tfast.export.float32 import in_float32
from tfast.export.images import gives_logits, known_image_size, with_folded_norms
from tfast.export.portable.folder import (
    Contents,
    check_difference,
    examples_with_answers,
    write_folder,
)
from tfast.export.portable.formats import check_format
from tfast.export.portable.image_examples import ImageExamples
from tfast.export.saved_model import check_class_names
from tfast.files import refuse_existing
from tfast.runtime import load
from tfast.types import PathLike, Tensor
from tfast.vision.layers.residual_blocks import StemPooling
from tfast.vision.preprocessing import ImagePreprocessing

# What pixels that are off by one (of 255) may change in a probability: readers round to integers.
_PIXEL_TOLERANCE = 0.01


def export_portable_image_classifier(
    model: keras.Model,
    directory: PathLike,
    class_names: Sequence[str],
    preprocessing: ImagePreprocessing,
    *,
    file_format: str = "onnx",
    precision: str = "float32",
    examples: Sequence[PathLike | bytes | np.ndarray] | None = None,
    tolerance: float | None = None,
    image_size: int | Sequence[int] | None = None,
    from_logits: bool | None = None,
    overwrite: bool = False,
) -> float:
    """Writes a folder that classifies image files without TensorFlow.

    It holds `model.onnx` or `model.tflite`, which takes `pixels`, uint8
    `(batch, height, width, 3)` of exactly the image size, and gives `probabilities`, float32
    `(batch, classes)`; and `tfast.json` with all else a reader has to know, five images and the
    answers that `model` gives them. Normalisation is inside the model; decoding, resizing and
    cutting are not: these runtimes have no operations that read JPEG files. `tfast.runtime` does
    that, and so does `tfast predict`::

        classifier = tfast.runtime.load(folder)
        labels, probabilities = classifier.classify(["cat.jpg"])

    Batch norms are folded, and a model of mixed precision is written as the same in float32.

    Before the folder appears it is read, and its answers are compared with those of `model`. So
    this needs the extra `onnx` or `litert`.

    Args:
        model: as in `export_image_classifier`, like the other arguments not named here.
        directory: the folder to write. It appears whole or not at all.
        class_names: one name for each class, in order.
        preprocessing: the `ImagePreprocessing` that validation used.
        file_format: "onnx" or "litert".
        precision: of the weights: "float32"; "float16", half the size; or "int8", a quarter of it
            and by far the fastest with "onnx".
        examples: images such as will come: paths of files, their contents, or uint8 arrays
            `(height, width, 3)` of any size. "int8" measures ranges on four of five (a few hundred
            do), which ONNX cannot do without; the comparison is made on the others, and five are
            kept in the folder. None: the comparison is made on colourful noise.
        tolerance: the largest difference of a probability; None: 1e-4 for float32, 0.01 for
            float16, 0.1 for int8.
        image_size: see `export_image_classifier`.
        from_logits: see `export_image_classifier`.
        overwrite: whether an existing `directory` is replaced.

    Returns:
        The largest difference of a probability that was found.

    Raises:
        ValueError: an unknown `file_format` or `precision`, no or fewer than two `examples` where
            ranges are measured, a difference above `tolerance`; and as `export_image_classifier`
            does.
        ImportError: the extra is not installed.

    Examples:
        >>> import pathlib, tempfile
        >>> model = keras.Sequential(
        ...     [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2)])
        >>> folder = pathlib.Path(tempfile.mkdtemp(), "classifier")
        >>> difference = export_portable_image_classifier(
        ...     model, folder, ["cat", "dog"], ImagePreprocessing(), file_format="litert")
        >>> sorted(file.name for file in folder.iterdir())
        ['model.tflite', 'tfast.json']
    """
    refuse_existing(directory, overwrite=overwrite)
    kind, tolerance = check_format(file_format, precision, tolerance)
    is_measured = precision == "int8" and (examples is not None or file_format == "onnx")
    image_size = known_image_size(model, image_size)
    class_names = check_class_names(class_names, model.output_shape[-1])
    images = ImageExamples(examples, preprocessing, image_size, is_measured=is_measured)
    if from_logits is None:
        from_logits = gives_logits(model, image_size)
    model = in_float32(model)

    def answer(model: keras.Model, pixels: Tensor) -> dict[str, Tensor]:
        outputs = tf.cast(model(preprocessing.normalize(pixels), training=False), tf.float32)
        return {"probabilities": tf.nn.softmax(outputs) if from_logits else outputs}

    served = with_folded_norms(model, image_size)
    content = kind.image_bytes(
        functools.partial(answer, _without_infinities(served) if is_measured else served),
        [tf.TensorSpec((None, *image_size, 3), tf.uint8, name="pixels")],
        parts=[served],
        precision=precision,
        representative=[[one[None]] for one in images.measured] if is_measured else None,
    )
    description, expect = f"{file_format} file in {precision}", functools.partial(answer, model)
    found = _in_batches(kind.runner(content), images.compared)
    expected = _in_batches(expect, images.compared)
    difference = check_difference(found, expected, tolerance, description)
    # As validation has them, not rounded to integer pixel values.
    expected = _in_batches(expect, images.kept_pixels)

    def check(folder: Path) -> None:
        answers = load(folder).classify(images.kept).probabilities
        limit = tolerance + _PIXEL_TOLERANCE
        check_difference(answers, expected, limit, f"{description}, read by tfast.runtime,")

    settings: dict[str, Any] = {"image_size": image_size, "preprocessing": preprocessing.to_dict()}
    write_folder(
        directory,
        Contents(model=(kind.file_name, content), others={}, settings={"image": settings}),
        kind="image",
        precision=precision,
        class_names=class_names,
        tolerance=tolerance + _PIXEL_TOLERANCE,
        examples=examples_with_answers(
            "image", [base64.b64encode(one).decode() for one in images.kept], expected
        ),
        check=check,
        overwrite=overwrite,
        format_number=_format_number(preprocessing),
    )
    return difference


def _format_number(preprocessing: ImagePreprocessing) -> int:
    """The oldest format whose readers resize like this; they refuse newer ones."""
    plain = preprocessing.interpolation == "bilinear" and preprocessing.rounding == "nearest"
    return 1 if plain else 2


def _in_batches(answer: Any, pixels: np.ndarray) -> np.ndarray:
    """Probabilities, in batches that fit into memory."""
    batches = [pixels[i : i + 32] for i in range(0, len(pixels), 32)]
    return np.concatenate([np.asarray(answer(pixels=one)["probabilities"]) for one in batches])


class _BorderPooling(layers.Layer):
    """`StemPooling` that mirrors the border in place of padding with -inf: the same maxima.

    Eight bits have no scale that reaches to infinity.
    """

    def call(self, images: Tensor) -> Tensor:
        # A single row has no other to mirror; ONNX has no operation for the second way.
        mode = "symmetric" if 1 in images.shape[1:3] else "reflect"
        padded = ops.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode=mode)
        return ops.max_pool(padded, 3, strides=2)


def _without_infinities(model: keras.Model) -> keras.Model:
    """The same model, sharing its layers, with `_BorderPooling`."""

    def replace(layer: keras.Layer) -> keras.Layer:
        return _BorderPooling(name=layer.name) if isinstance(layer, StemPooling) else layer

    return keras.models.clone_model(model, clone_function=replace)
