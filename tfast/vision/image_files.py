"""The picture files of a folder: finding them, and finding those that cannot be read."""

import concurrent.futures
import os
import re
from pathlib import Path

import tensorflow as tf

from tfast.vision.preprocessing import decode_image, describe_refusal


def find_images(directory, class_names=None):
    """Lists the files of a folder that holds one folder for each class.

    Every file in a class's folder, or in folders within, counts; those whose names begin with
    a dot do not.

    Args:
        directory: the folder.
        class_names: names of the classes in the order of their numbers. They may include ones
            that have no folder here. Default: the folders' names, sorted.

    Returns:
        `(file_paths, labels, class_names)`: str and int lists, sorted by class and path, and
        the list of names.

    Raises:
        ValueError: `directory` is no folder or holds no class folder or no file, or
            `class_names` repeats a name or misses a folder's.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("cat/1.jpg", "dog/2.jpg"):
        ...     (folder / name).parent.mkdir()
        ...     (folder / name).touch()
        >>> paths, labels, class_names = find_images(folder)
        >>> labels, class_names
        ([0, 1], ['cat', 'dog'])
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise ValueError(f"directory {directory} is not a folder")
    folders = sorted(p.name for p in directory.iterdir() if p.is_dir() and p.name[0] != ".")
    if not folders:
        raise ValueError(f"directory {directory} holds no folders; expected one for each class")
    class_names = folders if class_names is None else list(class_names)
    if len(set(class_names)) < len(class_names):
        raise ValueError(f"class_names repeat a name: {class_names}")
    unknown = sorted(set(folders) - set(class_names))
    if unknown:
        raise ValueError(
            f"directory {directory} holds folders that class_names {class_names} miss: {unknown}"
        )
    file_paths, labels = [], []
    for label, name in enumerate(class_names):
        paths = _files_below(directory / name)
        file_paths += paths
        labels += [label] * len(paths)
    if not file_paths:
        raise ValueError(f"directory {directory} holds no files in its folders {folders}")
    return file_paths, labels, class_names


def find_bad_images(file_paths):
    """Reads and decodes every file, in parallel, and tells which cannot be used.

    Args:
        file_paths: list of str.

    Returns:
        A dict from the path of each bad file to the reason.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "notes.jpg")
        >>> _ = path.write_text("no picture")
        >>> list(find_bad_images([str(path)]).values())
        ['not a JPEG, PNG, GIF or BMP file']
    """
    # TensorFlow lets go of Python's lock while it reads and decodes.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        reasons = pool.map(_reason_against, file_paths)
        return {path: reason for path, reason in zip(file_paths, reasons, strict=True) if reason}


def _files_below(folder):
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [str(Path(parent, name)) for name in files if not name.startswith(".")]
    return sorted(found)


def _reason_against(path):
    try:
        return _refusal_of_file(tf.constant(path)).numpy().decode()
    except tf.errors.OpError as error:
        # The kernel's own words stand in front of the node's name.
        words = re.search(r"(.+)\n\s*\[\[\{\{node", error.message)
        return words[1] if words else error.message


@tf.function
def _refusal_of_file(path):
    encoded = tf.io.read_file(path)
    refusal = describe_refusal(encoded)
    if refusal == "":
        # Nothing looks at the pixels, and yet they must be read.
        with tf.control_dependencies([decode_image(encoded)]):
            refusal = tf.identity(refusal)
    return refusal
