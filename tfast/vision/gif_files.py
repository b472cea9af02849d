"""The first frame of a GIF with the pixels that Pillow and fastai give it.

TensorFlow paints transparent pixels black, forgets the canvas around a smaller first frame, and
decodes all frames to give the first: 1,000 frames of a megapixel, 1.8 MB, took it 9 s and 960 MiB.
So the first frame is cut out of the file, without what makes it transparent, and put on its canvas.
"""

from typing import NamedTuple

import tensorflow as tf

from tfast.types import Tensor

# Bytes that blocks begin with.
EXTENSION, TRANSPARENCY, FRAME = 0x21, 0xF9, 0x2C
# Zeros after the end of a file, so that what is cut off reads as zeros: the end of any block.
PADDING = b"\0" * 16
MANY = 64


class _Layout(NamedTuple):
    """Where the parts of a GIF begin, as int32 tensors `()`, and what it says of its first frame.

    The order in the file: 6 bytes of version, size of the canvas (2 × 2), flags, background,
    aspect; the palette; extensions; a descriptor of 10 bytes, the frame's own palette, its data.
    """

    content: Tensor  # uint8 (bytes,), with PADDING
    palette_end: Tensor
    frame: Tensor  # of the descriptor, or of what is in its place
    fill_index: Tensor  # of the colour around the frame: the transparent one, or the first


def gif_sides(encoded: Tensor) -> Tensor:
    """Height and width of a GIF: its canvas, extended to hold the first frame, as in Pillow.

    Args:
        encoded: string tensor of shape `()`, the content of a GIF file.

    Returns:
        int32 `(2,)`; of no meaning where the file is broken.

    Examples:
        >>> canvas, frame = [9, 0, 8, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 1, 0, 0]
        >>> gif_sides(b"GIF89a" + bytes(canvas) + b"," + bytes(frame)).numpy().tolist()
        [8, 9]
    """
    corner, sides, canvas = _boxes(_read_layout(encoded))
    return tf.maximum(canvas, corner + sides)


def decode_first_frame(encoded: Tensor) -> Tensor:
    """Decodes the first frame of a GIF, its transparency dropped.

    Args:
        encoded: string tensor of shape `()`, the content of a GIF file.

    Returns:
        uint8 `(height, width, 3)`. What the frame leaves of the canvas has the transparent
        colour, or without one the palette's first.

    Raises:
        tf.errors.InvalidArgumentError: the file is broken.

    Examples:
        >>> import io
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("P", (3, 2), 5).save(file, "GIF", transparency=5)
        >>> decode_first_frame(file.getvalue()).shape
        TensorShape([2, 3, 3])

    Source: Pillow 13 `GifImageFile`.
    """
    layout = _read_layout(encoded)
    corner, sides, canvas = _boxes(layout)
    frame = layout.frame
    own_palette = _palette_size(_byte(layout.content, frame + 9))
    palette = tf.where(own_palette > 0, frame + 10, 13)
    palette_end = tf.where(own_palette > 0, palette + own_palette, layout.palette_end)
    data = frame + 10 + own_palette + 1
    end, size = _skip_blocks(layout.content, data), tf.strings.length(encoded)

    def part(begin: Tensor, length: Tensor) -> Tensor:
        return tf.strings.substr(encoded, tf.minimum(begin, size), length)

    # The frame as a file of its own: the canvas is as large as the frame, no extensions.
    alone = [part(0, 6), part(frame + 5, 4), part(10, layout.palette_end - 10)]
    alone += [b",\0\0\0\0", part(frame + 5, end - frame - 5), tf.where(end <= size, b";", b"")]
    # Where no frame follows the extensions, the decoder says what is wrong.
    found = _byte(layout.content, frame) == FRAME
    alone = tf.where(found, tf.strings.join(alone), encoded)
    pixels = tf.io.decode_image(alone, channels=3, expand_animations=False)

    margins = tf.stack([corner, tf.maximum(canvas - corner - sides, 0)], axis=1)
    margins = tf.concat([margins, [[0, 0]]], 0)  # height, width, channels; before and after
    fill = palette + 3 * layout.fill_index
    colour = layout.content[tf.where(fill < palette_end, fill, palette) :][:3]
    inside = tf.pad(tf.ones_like(pixels[..., :1], tf.bool), margins)
    return tf.where(inside, tf.pad(pixels, margins), colour)


def _read_layout(encoded: Tensor) -> _Layout:
    content = tf.io.decode_raw(tf.strings.join([encoded, PADDING]), tf.uint8)
    palette_end = 13 + _palette_size(_byte(content, 10))

    def skip_extension(at: Tensor, fill_index: Tensor) -> tuple[Tensor, Tensor]:
        kind, flags = _byte(content, at + 1), _byte(content, at + 3)
        transparent = (kind == TRANSPARENCY) & (flags % 2 == 1)
        fill_index = tf.where(transparent, _byte(content, at + 6), fill_index)
        return _skip_blocks(content, at + 2), fill_index

    frame, fill_index = tf.while_loop(
        lambda at, fill_index: _byte(content, at) == EXTENSION,
        skip_extension,
        (palette_end, tf.constant(0)),
    )
    return _Layout(content, palette_end, frame, fill_index)


def _boxes(layout: _Layout) -> tuple[Tensor, Tensor, Tensor]:
    """Corner and sides of the first frame, and the sides of the canvas; vertical first."""

    def pair(at: Tensor) -> Tensor:
        low, high = ([_byte(layout.content, at + i + j) for i in (2, 0)] for j in (0, 1))
        return tf.stack(low) + 256 * tf.stack(high)

    return pair(layout.frame + 1), pair(layout.frame + 5), pair(tf.constant(6))


def _byte(content: Tensor, at: Tensor) -> Tensor:
    return tf.cast(content[tf.minimum(at, tf.size(content) - 1)], tf.int32)


def _palette_size(flags: Tensor) -> Tensor:
    return tf.where(flags >= 128, 3 * tf.bitwise.left_shift(2, flags % 8), 0)


def _skip_blocks(content: Tensor, at: Tensor) -> Tensor:
    """The position after data in blocks: each begins with its length, the last one's is 0."""

    def skip(at: Tensor) -> tuple[Tensor]:
        # Nearly all blocks have the largest length, 255: skip up to MANY of them at once.
        ahead = tf.minimum(at + 256 * tf.range(MANY), tf.size(content) - 1)
        others = tf.concat([tf.gather(content, ahead) != 255, [True]], 0)
        num_largest = tf.argmax(others, output_type=tf.int32)
        return (at + tf.maximum(256 * num_largest, _byte(content, at) + 1),)

    (at,) = tf.while_loop(lambda at: _byte(content, at) > 0, skip, (at,))
    return at + 1
