"""A trained image classifier as a SavedModel that takes the bytes of image files."""

import keras
import numpy as np
import tensorflow as tf

from tfast.export.folding import fold_batch_norms
from tfast.export.saved_model import check_class_names, classify, save_signatures
from tfast.vision.images import height_and_width
from tfast.vision.preprocessing import decode_image


def export_image_classifier(
    model,
    directory,
    class_names,
    preprocessing,
    *,
    image_size=None,
    from_logits=None,
    overwrite=False,
):
    """Writes a SavedModel that decodes and prepares pictures as validation did.

    Its batch norms are folded into the convolutions before them (`fold_batch_norms`). It needs
    nothing but TensorFlow to run, and has two signatures:

    - `serving_default` takes `image_bytes`, strings `(batch,)`: the contents of JPEG, PNG, GIF
      or BMP files (in TensorFlow Serving's JSON `{"b64": ...}`);
    - `serve_pixels` takes `pixels`, uint8 `(batch, height, width, 3)`, of any one size.

    Both give `probabilities`, float32 `(batch, classes)`; `labels`, strings `(batch,)`, the
    name of the likeliest class; and `class_names`, strings `(batch, classes)`, the names in
    order, in each row as TensorFlow Serving wants it. Bytes that cannot be decoded fail their
    request with an error that says so.

    Args:
        model: a Keras model from images `(batch, height, width, 3)` to logits or probabilities
            `(batch, classes)`, of classes of which a picture has one.
        directory: the folder to write. It appears whole or not at all.
        class_names: one name for each class, in order.
        preprocessing: the `ImagePreprocessing` that validation used.
        image_size: height and width (or one number for both) that validation used; may be
            left out where the model's input has a fixed size.
        from_logits: whether the model gives logits; False: probabilities that sum to 1. None
            looks at what it gives for some noise, and refuses where that does not tell.
        overwrite: whether an existing `directory` is replaced.

    Raises:
        ValueError: `directory` exists and `overwrite` is False, `class_names` are not as many
            as the model's outputs or not distinct, `image_size` is unknown or not the model's,
            the model takes other than 3 channels, or `from_logits` is None and the outputs are
            not finite or are between 0 and 1 without a sum of 1 (as the sigmoids of several
            labels are).

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
    image_size = known_image_size(model, image_size)
    class_names = check_class_names(class_names, model.output_shape[-1])
    if from_logits is None:
        from_logits = gives_logits(model, image_size)
    served = with_folded_norms(model, image_size)

    def answer(images):
        outputs = tf.cast(served(images, training=False), tf.float32)
        logits = outputs if from_logits else tf.math.log(outputs)
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
    save_signatures(signatures, directory, parts=[served], overwrite=overwrite)


def known_image_size(model, image_size):
    """Height and width of the pictures that `model` takes, from it or from `image_size`.

    Raises:
        ValueError: see `export_image_classifier`.
    """
    *fixed, channels = model.input_shape[1:]
    fixed = tuple(fixed)
    if channels not in (None, 3):
        raise ValueError(
            f"model {model.name!r} takes pictures of {channels} channel(s); expected 3, which "
            "is what image files are decoded to"
        )
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


def gives_logits(model, image_size):
    """Whether the outputs for some noise are no probabilities.

    Raises:
        ValueError: see `export_image_classifier`.
    """
    outputs = _outputs_for_noise(model, image_size)
    if not np.isfinite(outputs).all():
        raise ValueError(f"model {model.name!r} gives outputs that are not finite")
    if outputs.min() < 0 or outputs.max() > 1.02:  # 1 within the precision of bfloat16
        return True
    if np.any(abs(outputs.sum(axis=1) - 1) > 0.02):
        raise ValueError(
            f"from_logits is None and model {model.name!r} gives numbers between 0 and 1 whose "
            f"sum is not 1: {outputs[0][:5]}; say whether they are logits. Sigmoids are neither "
            "logits nor probabilities of which one class is right"
        )
    return False


def with_folded_norms(model, image_size):
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


def _outputs_for_noise(model, image_size):
    noise = np.random.RandomState(0).standard_normal((8, *image_size, 3)).astype("float32")
    return keras.ops.convert_to_numpy(keras.ops.cast(model(noise, training=False), "float32"))
