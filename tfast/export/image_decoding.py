"""A batch of image files decoded one by one in the graph, so that a broken one fails alone."""

from collections.abc import Callable

import tensorflow as tf

from tfast.types import Tensor
from tfast.vision.preprocessing import decode_image, describe_refusal

# So many files of a batch are decoded side by side.
_AT_A_TIME = 8


def decode_images(
    image_bytes: Tensor, prepare: Callable[[Tensor], Tensor], image_size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Image files as a batch for a model, and what was wrong with those that are broken.

    Args:
        image_bytes: strings `(batch,)`: contents of image files.
        prepare: from uint8 `(height, width, 3)` to float32 of `image_size`.
        image_size: height and width.

    Returns:
        float32 `(max(batch, 1), height, width, 3)`, zeros for a broken file, and for the one row
        of an empty batch; and strings `(batch,)`, "" for a file that is right.

    Example:
        >>> files = tf.stack([tf.io.encode_png(tf.ones((4, 5, 3), tf.uint8)), "BM"])
        >>> prepare = lambda pixels: tf.image.resize(pixels, (2, 2))
        >>> images, errors = decode_images(files, prepare, (2, 2))
        >>> images[:, 0, 0, 0].numpy().tolist(), errors[0].numpy()
        ([1.0, 0.0], b'')
    """
    shape = (*image_size, 3)
    count = tf.size(image_bytes)

    def decode(index: Tensor, encoded: Tensor) -> tuple[Tensor, Tensor]:
        return index, tf.ensure_shape(prepare(decode_image(encoded)), shape)

    files = tf.data.Dataset.from_tensor_slices((tf.range(count), image_bytes))
    decoded = files.map(decode, num_parallel_calls=_AT_A_TIME).ignore_errors()
    # A row that is always there: an empty dataset has no single element.
    last = tf.data.Dataset.from_tensors((count, tf.zeros(shape)))
    batch = decoded.concatenate(last).batch(tf.cast(count, tf.int64) + 1)
    indices, images = batch.get_single_element()

    def all_are_read() -> tuple[Tensor, Tensor]:
        return images[: tf.maximum(count, 1)], tf.fill([count], "")

    def some_are_broken() -> tuple[Tensor, Tensor]:
        rows = tf.scatter_nd(indices[:, None], images, tf.concat([[count + 1], shape], 0))
        is_read = tf.scatter_nd(indices[:, None], tf.ones_like(indices), [count + 1])[:count]
        return rows[:count], tf.where(is_read > 0, "", _reasons(image_bytes))

    # In two branches: the first, which nearly every request takes, copies no image.
    images, errors = tf.cond(tf.size(indices) > count, all_are_read, some_are_broken)
    return tf.ensure_shape(images, (None, *shape)), errors


def _reasons(image_bytes: Tensor) -> Tensor:
    """Why each file cannot be decoded; for those that can be, something wrong."""
    refusals = tf.map_fn(describe_refusal, image_bytes, fn_output_signature=tf.string)
    return tf.where(refusals == "", "a broken image file", refusals)
