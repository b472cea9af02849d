"""A trained image classifier as a SavedModel that takes the bytes of image files."""

import keras
import numpy as np
import tensorflow as tf

from tfast.export.serving import check_class_names, classify, save_signatures
from tfast.vision.images import height_and_width
from tfast.vision.preprocessing import decode_image


def export_image_classifier(
    model, directory, class_names, preprocessing, *, image_size=None, overwrite=False
):
    """Writes a SavedModel that decodes and prepares pictures as validation did.

    It needs nothing but TensorFlow to run, and has two signatures:

    - `serving_default` takes `image_bytes`, strings `(batch,)`: the contents of JPEG, PNG, GIF
      or BMP files (in TensorFlow Serving's JSON `{"b64": ...}`);
    - `serve_pixels` takes `pixels`, uint8 `(batch, height, width, 3)`, of any one size.

    Both give `probabilities`, float32 `(batch, classes)`; `labels`, strings `(batch,)`, the
    name of the likeliest class; and `class_names`, strings `(batch, classes)`, the names in
    order, in each row as TensorFlow Serving wants it. Bytes that cannot be decoded fail their
    request with an error that says so.

    Args:
        model: a Keras model from images to logits or probabilities `(batch, classes)`. Which
            of the two is seen from what it gives.
        directory: the folder to write. It appears whole or not at all.
        class_names: one name for each class, in order.
        preprocessing: the `ImagePreprocessing` that validation used.
        image_size: height and width (or one number for both) that validation used; may be
            left out where the model's input has a fixed size.
        overwrite: whether an existing `directory` is replaced.

    Raises:
        ValueError: `directory` exists and `overwrite` is False, `class_names` are not as many
            as the model's outputs or not distinct, or `image_size` is unknown or not the
            model's.

    Example:
        >>> import pathlib, tempfile
        >>> from tfast.vision.images import ImagePreprocessing
        >>> model = keras.Sequential(
        ...     [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> folder = pathlib.Path(tempfile.mkdtemp(), "classifier")
        >>> export_image_classifier(model, folder, ["cat", "dog"], ImagePreprocessing())
        >>> classify = tf.saved_model.load(folder).signatures["serving_default"]
        >>> picture = tf.io.encode_png(tf.zeros((40, 50, 3), tf.uint8))
        >>> classify(image_bytes=picture[None])["probabilities"].shape
        TensorShape([1, 2])
    """
    image_size = _image_size(model, image_size)
    class_names = check_class_names(class_names, model.output_shape[-1])
    gives_logits = _gives_logits(model, image_size)

    def answer(images):
        outputs = tf.cast(model(images, training=False), tf.float32)
        logits = outputs if gives_logits else tf.math.log(outputs)
        rows = tf.broadcast_to(class_names, tf.shape(logits))
        return classify(logits, class_names) | {"class_names": rows}

    def serve_bytes(image_bytes):
        image = tf.TensorSpec((*image_size, 3), tf.float32)
        images = tf.map_fn(
            lambda encoded: preprocessing(decode_image(encoded), image_size),
            image_bytes,
            fn_output_signature=image,
        )
        return answer(images)

    def serve_pixels(pixels):
        return answer(preprocessing(pixels, image_size))

    image_bytes = tf.TensorSpec((None,), tf.string, name="image_bytes")
    pixels = tf.TensorSpec((None, None, None, 3), tf.uint8, name="pixels")
    signatures = {
        "serving_default": (serve_bytes, [image_bytes]),
        "serve_pixels": (serve_pixels, [pixels]),
    }
    save_signatures(signatures, directory, parts=[model], overwrite=overwrite)


def _image_size(model, image_size):
    fixed = tuple(model.input_shape[1:3])
    if image_size is None:
        if None in fixed:
            raise ValueError(
                f"image_size is None and the model's input {model.input_shape} is open; expected "
                "the size that validation used"
            )
        return fixed
    image_size = height_and_width(image_size)
    if any(side not in (None, wanted) for side, wanted in zip(fixed, image_size, strict=True)):
        raise ValueError(f"image_size is {image_size}; expected the model's own, {fixed}")
    return image_size


def _gives_logits(model, image_size):
    """Whether the outputs for some noise are no probabilities."""
    noise = np.random.RandomState(0).standard_normal((2, *image_size, 3)).astype("float32")
    outputs = keras.ops.convert_to_numpy(keras.ops.cast(model(noise, training=False), "float32"))
    # A sum of 1 within the precision of bfloat16.
    return bool(np.any(outputs < 0) or np.any(abs(outputs.sum(axis=1) - 1) > 0.02))
