import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfast.vision.decoding import decode_image
from tfast.vision.gif_files import decode_first_frame, gif_sides

HEIGHT, WIDTH = 20, 17
PALETTE_IMAGE = Image.fromarray(
    np.random.RandomState(0).randint(0, 256, (HEIGHT, WIDTH, 3), "uint8")
).quantize(16)
NOISE = Image.fromarray(np.random.RandomState(0).randint(0, 256, (200, 300), "uint8"))


def encode(image=PALETTE_IMAGE, **options):
    file = io.BytesIO()
    image.save(file, "GIF", **options)
    return file.getvalue()


def frame_start(encoded):
    """Where the first frame's descriptor begins."""
    at = 13 + (3 << ((encoded[10] & 7) + 1) if encoded[10] & 128 else 0)
    while encoded[at] == 0x21:
        at += 2
        while encoded[at]:
            at += encoded[at] + 1
        at += 1
    assert encoded[at] == 0x2C
    return at


def on_canvas(encoded, width, height, left, top):
    """The same frame elsewhere on a canvas of another size."""
    at = frame_start(encoded)
    corner = struct.pack("<HH", left, top)
    canvas = struct.pack("<HH", width, height)
    return encoded[:6] + canvas + encoded[10 : at + 1] + corner + encoded[at + 5 :]


def with_own_palette(encoded):
    """The global palette moved to the frame."""
    size = 3 << ((encoded[10] & 7) + 1)
    flags, at = encoded[10], frame_start(encoded)
    palette, descriptor = encoded[13 : 13 + size], encoded[at : at + 9]
    own_flags = bytes([encoded[at + 9] | 128 | (flags & 7)])
    start = encoded[:10] + bytes([flags & ~128]) + encoded[11:13] + encoded[13 + size : at]
    return start + descriptor + own_flags + palette + encoded[at + 10 :]


TURNED = {"save_all": True, "append_images": [PALETTE_IMAGE.rotate(180)]}
GIFS = {
    "plain": encode(),
    "interlaced": encode(interlace=True),
    "of many blocks": encode(NOISE),
    "transparent": encode(transparency=3),
    "moving": encode(**TURNED),
    "moving and transparent": encode(transparency=2, **TURNED),
    "with a long comment": encode(comment=b"long " * 300, transparency=3),
    "smaller than its canvas": on_canvas(encode(), 30, 25, 4, 3),
    "smaller and transparent": on_canvas(encode(transparency=2), 30, 25, 4, 3),
    "larger than its canvas": on_canvas(encode(), 10, 30, 2, 1),
    "with a palette of its own": with_own_palette(encode()),
    "smaller, with its own palette": on_canvas(
        with_own_palette(encode(transparency=5)), 30, 25, 4, 3
    ),
}


@pytest.mark.parametrize("encoded", GIFS.values(), ids=GIFS)
def test_first_frames_are_those_of_pillow(encoded):
    expected = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    np.testing.assert_array_equal(decode_first_frame(encoded), expected)
    np.testing.assert_array_equal(decode_image(encoded), expected)
    assert gif_sides(encoded).numpy().tolist() == list(expected.shape[:2])


def test_later_frames_are_not_decoded():
    encoded = encode(**TURNED)
    second = encoded.rindex(b"\x2c")
    broken = encoded[: second + 10] + b"\xff" * 100
    np.testing.assert_array_equal(decode_first_frame(broken), decode_first_frame(encoded))


@pytest.mark.parametrize("kind", ["plain", "of many blocks", "with a long comment"])
def test_cut_off_files_are_refused(kind):
    encoded = GIFS[kind]
    decode = tf.function(decode_first_frame, input_signature=[tf.TensorSpec((), tf.string)])
    for length in {*range(6, 40), *range(40, len(encoded) - 2, max(1, len(encoded) // 50))}:
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(encoded[:length])
