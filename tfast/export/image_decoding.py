"""A batch of image files decoded one by one in the graph, so that a broken one fails alone."""

from collections.abc import Callable

import tensorflow as tf

from tfast.types import Tensor
from tfast.vision.decoding import decode_image, describe_refusal

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

    Examples:
        >>> files = tf.stack([tf.io.encode_png(tf.ones((4, 5, 3), tf.uint8)), "BM"])
        >>> prepare = lambda pixels: tf.image.resize(pixels, (2, 2))
        >>> images, errors = decode_images(files, prepare, (2, 2))
        >>> images[:, 0, 0, 0].numpy().tolist(), errors[0].numpy()
        ([1.0, 0.0], b'')
    """
    shape = (*image_size, 3)
    count = tf.size(image_bytes)

    def decode(encoded: Tensor) -> Tensor:
        return tf.ensure_shape(prepare(decode_image(encoded)), shape)

    indices, images = _where_it_works(decode, image_bytes, tf.zeros(shape))

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
    indices, refusals = _where_it_works(describe_refusal, image_bytes, tf.constant(""))
    unknown = tf.fill([tf.size(image_bytes) + 1], "")
    refusals = tf.tensor_scatter_nd_update(unknown, indices[:, None], refusals)[:-1]
    return tf.where(refusals == "", "a broken image file", refusals)


def _where_it_works(
    function: Callable[[Tensor], Tensor], image_bytes: Tensor, last: Tensor
) -> tuple[Tensor, Tensor]:
    """A function's results for those files for which it does not fail, and their indices.

    Args:
        function: from the content of one file to a tensor.
        image_bytes: strings `(batch,)`.
        last: one more result, of index `batch`: so there is always one.

    Returns:
        int32 `(results,)` and the results, in the order of the files.
    """
    count = tf.size(image_bytes)
    files = tf.data.Dataset.from_tensor_slices((tf.range(count), image_bytes))
    # Only a dataset goes on after an operation that fails.
    results = files.map(
        lambda index, encoded: (index, function(encoded)), num_parallel_calls=_AT_A_TIME
    ).ignore_errors()
    results = results.concatenate(tf.data.Dataset.from_tensors((count, last)))
    return results.batch(tf.cast(count, tf.int64) + 1).get_single_element()
