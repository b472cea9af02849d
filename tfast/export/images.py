"""A trained image classifier as a SavedModel that takes the bytes of image files."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfast.export.folding import fold_batch_norms
from tfast.export.image_decoding import decode_images
from tfast.export.saved_model import check_class_names, classify, save_signatures
from tfast.export.warmup import image_requests
from tfast.types import PathLike, Tensor
from tfast.vision.preprocessing import ImagePreprocessing, height_and_width


def export_image_classifier(
    model: keras.Model,
    directory: PathLike,
    class_names: Sequence[str],
    preprocessing: ImagePreprocessing,
    *,
    image_size: int | Sequence[int] | None = None,
    from_logits: bool | None = None,
    multi_label: bool = False,
    overwrite: bool = False,
) -> None:
    """Writes a SavedModel that decodes and prepares images as validation did.

    Its batch norms are folded into the convolutions before them (`fold_batch_norms`). It needs
    nothing but TensorFlow to run, and has two signatures:

    - `serving_default` takes `image_bytes`, strings `(batch,)`: the contents of JPEG, PNG, GIF
      or BMP files (in TensorFlow Serving's JSON `{"b64": ...}`);
    - `serve_pixels` takes `pixels`, uint8 `(batch, height, width, 3)`, of any one size.

    Both give `probabilities`, float32 `(batch, classes)`; `labels`, strings `(batch,)`, the
    name of the most probable class; `class_names`, strings `(batch, classes)`, the names in
    order, in each row as TensorFlow Serving wants it; and `errors`, strings `(batch,)`: "", or
    why a file could not be decoded. Such a file has probabilities of 0 and the label "", and
    the others of its batch are answered as if they were alone.

    Args:
        model: a Keras model from images `(batch, height, width, 3)` to logits or probabilities
            `(batch, classes)`.
        directory: the folder to write. It appears whole or not at all.
        class_names: one name for each class, in order.
        preprocessing: the `ImagePreprocessing` that validation used.
        image_size: height and width (or one number for both) that validation used; may be
            left out where the model's input has a fixed size.
        from_logits: whether the model gives logits; False: probabilities. None looks at what
            it gives for some noise, and refuses where that does not tell.
        multi_label: whether an image may have any number of the classes: each has a
            probability of its own (the sigmoid of its logit), and there are no `labels`.
            Otherwise an image has exactly one.
        overwrite: whether an existing `directory` is replaced.

    Raises:
        ValueError: `directory` exists and `overwrite` is False, `class_names` are not as many
            as the model's outputs or not distinct, the model has one output (as of a
            regression) without `multi_label`, `image_size` is unknown or not the model's, the
            model takes other than 3 channels, or `from_logits` is None and the outputs are not
            finite or are between 0 and 1 without a sum of 1 (as the sigmoids of several labels
            are).

    Examples:
        >>> import pathlib, tempfile
        >>> from tfast.vision.images import ImagePreprocessing
        >>> model = keras.Sequential(
        ...     [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> folder = pathlib.Path(tempfile.mkdtemp(), "classifier")
        >>> export_image_classifier(model, folder, ["cat", "dog"], ImagePreprocessing())
        >>> classify = tf.saved_model.load(folder).signatures["serving_default"]
        >>> image = tf.io.encode_png(tf.zeros((40, 50, 3), tf.uint8))
        >>> classify(image_bytes=image[None])["probabilities"].shape
        TensorShape([1, 2])
    """
    image_size = known_image_size(model, image_size)
    class_names = check_class_names(class_names, model.output_shape[-1], multi_label=multi_label)
    if from_logits is None:
        from_logits = gives_logits(model, image_size, multi_label=multi_label)
    served = with_folded_norms(model, image_size)

    def answer(images: Tensor, errors: Tensor) -> dict[str, Tensor]:
        outputs = tf.cast(served(images, training=False), tf.float32)[: tf.size(errors)]
        answers = classify(outputs, class_names, from_logits=from_logits, multi_label=multi_label)
        blank = {"probabilities": 0.0, "labels": ""}
        for name in answers.keys() & blank.keys():
            failed = errors != "" if answers[name].shape.rank == 1 else errors[:, None] != ""
            answers[name] = tf.where(failed, blank[name], answers[name])
        return answers | {"errors": errors}

    def serve_bytes(image_bytes: Tensor) -> dict[str, Tensor]:
        return answer(
            *decode_images(
                image_bytes, lambda pixels: preprocessing(pixels, image_size), image_size
            )
        )

    def serve_pixels(pixels: Tensor) -> dict[str, Tensor]:
        count = tf.shape(pixels)[0]
        # TensorFlow's convolutions fail for a batch of no image: answer one, and leave it out.
        missing = tf.cast(count == 0, tf.int32)
        pixels = tf.pad(pixels, [[0, missing], [0, 0], [0, 0], [0, 0]])
        return answer(preprocessing(pixels, image_size), tf.fill([count], ""))

    image_bytes = tf.TensorSpec((None,), tf.string, name="image_bytes")
    pixels = tf.TensorSpec((None, None, None, 3), tf.uint8, name="pixels")
    signatures = {
        "serving_default": (serve_bytes, [image_bytes]),
        "serve_pixels": (serve_pixels, [pixels]),
    }
    warmup = image_requests(image_size)
    save_signatures(signatures, directory, parts=[served], warmup=warmup, overwrite=overwrite)


def known_image_size(model: keras.Model, image_size: int | Sequence[int] | None) -> tuple[int, int]:
    """Height and width of the images that `model` takes, from it or from `image_size`.

    Raises:
        ValueError: see `export_image_classifier`.
    """
    shapes = [getattr(model, f"{end}_shape", None) for end in ("input", "output")]
    if [isinstance(shape, tuple) and len(shape) for shape in shapes] != [4, 2]:
        raise ValueError(
            f"model {model.name!r} must be Functional or Sequential, from images (batch, height, "
            f"width, channels) to (batch, classes), got shapes {shapes[0]} and {shapes[1]}"
        )
    *fixed, channels = model.input_shape[1:]
    fixed = tuple(fixed)
    if channels not in (None, 3):
        raise ValueError(
            f"model {model.name!r} must take images of 3 channels, which is what image files "
            f"are decoded to, got {channels}"
        )
    if image_size is None:
        if None in fixed:
            raise ValueError(
                f"image_size must be the size that validation used, got None, and the model's "
                f"input {model.input_shape} is open"
            )
        return fixed
    image_size = height_and_width(image_size)
    if any(side not in (None, wanted) for side, wanted in zip(fixed, image_size, strict=True)):
        raise ValueError(f"image_size must be the model's own, {fixed}, got {image_size}")
    return image_size


def gives_logits(
    model: keras.Model, image_size: tuple[int, int], *, multi_label: bool = False
) -> bool:
    """Whether the outputs for some noise are no probabilities.

    Raises:
        ValueError: see `export_image_classifier`.
    """
    outputs = _outputs_for_noise(model, image_size)
    if not np.isfinite(outputs).all():
        raise ValueError(f"model {model.name!r} gives outputs that are not finite")
    if outputs.min() < 0 or outputs.max() > 1.02:  # 1 within the precision of bfloat16
        return True
    if not multi_label and np.any(abs(outputs.sum(axis=1) - 1) > 0.02):
        raise ValueError(
            f"from_logits must be given, got None: model {model.name!r} gives numbers between 0 "
            f"and 1 whose sum is not 1: {outputs[0][:5]}. Sigmoids are neither logits nor "
            "probabilities of which one class is right: give multi_label=True for them"
        )
    return False


def with_folded_norms(model: keras.Model, image_size: tuple[int, int]) -> keras.Model:
    """A copy of `model` without the batch norms that can be folded, or `model` itself.

    Itself where it cannot be copied, or where the copy gives something else for noise: layers
    of one's own may not say all there is to them in `get_config`.
    """
    try:
        folded = fold_batch_norms(model)
    except (ValueError, NotImplementedError):
        return model
    expected = _outputs_for_noise(model, image_size)
    difference = abs(_outputs_for_noise(folded, image_size) - expected).max()
    return folded if difference <= 1e-4 * abs(expected).max() else model


def _outputs_for_noise(model: keras.Model, image_size: tuple[int, int]) -> np.ndarray:
    noise = np.random.RandomState(0).standard_normal((8, *image_size, 3)).astype("float32")
    return keras.ops.convert_to_numpy(keras.ops.cast(model(noise, training=False), "float32"))
