"""Image files of each kind, mutated; and files of a few kB that hold gigabytes."""

import functools
import io
import random
import struct
import zlib

import numpy as np
from PIL import Image

KINDS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")


def encode(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@functools.cache
def whole_images():
    """Some files of each kind, by kind."""
    coarse = np.random.RandomState(0).randint(0, 256, (6, 9, 3), "uint8")
    image = Image.fromarray(coarse).resize((45, 30), Image.Resampling.BICUBIC)
    forms = {
        "RGB": image,
        "L": image.convert("L"),
        "P": image.quantize(30),
        "RGBA": image.convert("RGBA"),
        "CMYK": image.convert("CMYK"),
    }
    fitting = {
        "JPEG": ["RGB", "L", "CMYK"],
        "PNG": ["RGB", "L", "P", "RGBA"],
        "GIF": ["P", "L"],
        "BMP": ["RGB", "L", "RGBA"],
        "WEBP": ["RGB", "RGBA"],
    }
    files = {kind: [encode(forms[form], kind) for form in names] for kind, names in fitting.items()}
    files["JPEG"].append(encode(image, "JPEG", progressive=True))
    more = {"save_all": True, "append_images": [forms["P"].rotate(180)], "transparency": 2}
    files["GIF"].append(encode(forms["P"], "GIF", **more))
    return files


def mutated_image(kind, seed):
    """A file of a kind with some of its bytes changed, the same for the same seed."""
    source = random.Random(f"{kind} {seed}")
    content = bytearray(source.choice(whole_images()[kind]))
    for _ in range(source.choice([1, 1, 2, 4, 16])):
        source.choice(_CHANGES)(source, content)
        content = content or bytearray(b"\0")
    if kind == "PNG" and source.random() < 0.5:
        content = _with_right_checksums(content)  # else most end at the first chunk
    return bytes(content)


def _flip(source, content):
    content[source.randrange(len(content))] ^= 1 << source.randrange(8)


def _overwrite(source, content):
    at = source.randrange(len(content))
    size = source.choice([1, 2, 4, 16])
    content[at : at + size] = source.choice([b"\0", b"\xff", source.randbytes(1)]) * size


def _change_header(source, content):
    """Sizes, depths and lengths are in the first bytes."""
    at = source.randrange(min(len(content), 60))
    content[at] = source.choice([0, 1, 2, 16, 127, 128, 255, source.randrange(256)])


def _cut(source, content):
    del content[source.randrange(1, len(content) + 1) :]


def _remove(source, content):
    at = source.randrange(len(content))
    del content[at : at + source.randrange(1, 40)]


def _repeat(source, content):
    at = source.randrange(len(content))
    content[at:at] = content[at : at + source.randrange(1, 40)]


def _splice(source, content):
    other = source.choice(whole_images()[source.choice(KINDS)])
    at = source.randrange(len(content))
    content[at:] = other[source.randrange(len(other)) :]


_CHANGES = [_flip, _flip, _overwrite, _change_header, _change_header, _cut, _remove, _repeat]
_CHANGES += [_splice]


def _with_right_checksums(content):
    written, at = bytearray(content[:8]), 8
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        chunk = content[at + 4 : at + 8 + length]
        written += content[at : at + 4] + chunk + struct.pack(">I", zlib.crc32(chunk))
        at += 12 + length
    return written + content[at:]


@functools.cache
def large_png():
    """50,000 × 50,000 pixels of one colour: 7.5 GB, and 300 kB as it is; so only its beginning."""

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes(6251 * 500), 9)
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@functools.cache
def gif_of_many_frames(number=10_000, side=1000):
    """Frames of a megapixel, a few bytes each."""
    [content] = [encode(Image.new("P", (side, side), 1), "GIF")]
    frame = content.index(b",", 13 + 3 * 2)
    start, frame = content[:frame], content[frame:-1]
    return start + frame + (b"," + frame[1:10] + frame[10:]) * (number - 1) + b";"


@functools.cache
def large_gif():
    """A canvas of 65,535 × 65,535 pixels around a frame of one."""
    content = encode(Image.new("P", (1, 1), 1), "GIF")
    return content[:6] + struct.pack("<HH", 65_535, 65_535) + content[10:]
