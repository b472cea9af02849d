"""Which of many image files cannot be used: each is decoded once, and what was found kept."""

import concurrent.futures
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from tfast.files import atomic_write
from tfast.types import PathLike, Tensor
from tfast.vision.decoding import decode_image, describe_refusal

# Of the rules by which a file is judged; a cache of other rules is not used.
RULES = 1
# How many bad images a message names.
MOST_REPORTED = 20


def find_bad_images(file_paths: Sequence[str], cache: PathLike | None = None) -> dict[str, str]:
    """Reads and decodes every file, in parallel, and tells which cannot be used.

    Args:
        file_paths: the files.
        cache: None, or a JSON file that remembers what was found: a file of the same path, size
            and time of change is not read again. It is written where it is missing or out of
            date, and only spares work: one that cannot be read is replaced.

    Returns:
        A dict from the path of each bad file to the reason.

    Raises:
        ValueError: `cache` is a folder.

    Examples:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "notes.jpg")
        >>> _ = path.write_text("no image")
        >>> list(find_bad_images([str(path)]).values())
        ['not a JPEG, PNG, GIF or BMP file']
    """
    if cache is not None and Path(cache).is_dir():
        raise ValueError(f"cache must be a file, got the folder {os.fspath(cache)}")
    known = {} if cache is None else _read_cache(cache)
    stamps = [_stamp(path) for path in file_paths]
    names = [str(Path(path).absolute()) for path in file_paths]
    found = {
        name: known[name]
        for name, stamp in zip(names, stamps, strict=True)
        if name in known and known[name][:2] == stamp
    }
    unknown = [number for number, name in enumerate(names) if name not in found]
    try:
        # TensorFlow lets go of Python's lock while it reads and decodes.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            reasons = pool.map(_reason_against, (file_paths[number] for number in unknown))
            for number, reason in zip(unknown, reasons, strict=True):
                found[names[number]] = [*stamps[number], reason]
    finally:  # also where that was interrupted
        if cache is not None and unknown:
            _write_cache(cache, known | found)
    return {
        path: found[name][2] for path, name in zip(file_paths, names, strict=True) if found[name][2]
    }


def describe_bad_images(bad_images: Mapping[str, str], num_images: int) -> str:
    """Lines that name bad images and what is wrong with them, the first MOST_REPORTED of them.

    Args:
        bad_images: what `find_bad_images` gave.
        num_images: how many files were looked at.

    Examples:
        >>> print(describe_bad_images({"cat/1.png": "Invalid PNG data"}, 10))
        1 of 10 images cannot be used:
          cat/1.png: Invalid PNG data
    """
    lines = [f"{path}: {reason}" for path, reason in bad_images.items()]
    if len(lines) > MOST_REPORTED:
        lines[MOST_REPORTED:] = [f"and {len(lines) - MOST_REPORTED} more"]
    return "\n  ".join([f"{len(bad_images)} of {num_images} images cannot be used:", *lines])


def _stamp(path: str) -> list[int]:
    """Size and time of change; a file that is gone has none and is never taken as known."""
    try:
        status = Path(path).stat()
    except OSError:
        return [-1, -1]
    return [status.st_size, status.st_mtime_ns]


def _read_cache(cache: PathLike) -> dict[str, list]:
    try:
        content = json.loads(Path(cache).read_text(encoding="utf-8"))
        if content["rules"] == RULES:
            return {
                str(name): [int(size), int(time), str(reason)]
                for name, (size, time, reason) in content["files"].items()
            }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass  # missing, or not what is written below
    return {}


def _write_cache(cache: PathLike, found: dict[str, list]) -> None:
    kept = {name: entry for name, entry in found.items() if entry[0] >= 0}
    with atomic_write(cache) as temporary:
        # Names of files may hold bytes that are no UTF-8, which JSON escapes.
        temporary.write_text(json.dumps({"rules": RULES, "files": kept}) + "\n", encoding="ascii")


def reason_against(content: bytes) -> str:
    """Why an image file of this content cannot be used; "" where it can."""
    return _reason(_refusal, content)


def _reason_against(path: str) -> str:
    return _reason(_refusal_of_file, os.fsencode(path))


def _reason(refuse: Callable[[Tensor], Tensor], subject: bytes) -> str:
    try:
        return refuse(tf.constant(subject)).numpy().decode()
    except tf.errors.OpError as error:
        # The kernel's own words come before the node's name.
        words = re.search(r"(.+)\n\s*\[\[\{\{node", error.message)
        return words[1] if words else error.message
    except UnicodeDecodeError:  # what TensorFlow says quotes bytes of the file
        return "it cannot be decoded"


@tf.function
def _refusal_of_file(path: Tensor) -> Tensor:
    return _refusal(tf.io.read_file(path))


@tf.function
def _refusal(encoded: Tensor) -> Tensor:
    refusal = describe_refusal(encoded)
    if refusal == "":
        # Nothing looks at the pixels, and yet they must be read.
        with tf.control_dependencies([decode_image(encoded)]):
            refusal = tf.identity(refusal)
    return refusal
