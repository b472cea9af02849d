"""Folders of pictures for the script: digits where no data is given, and a split of one folder."""

import random
import shutil
from pathlib import Path

from tfast.files import atomic_write


def write_digits(folder):
    """Writes scikit-learn's digits, 1,797 grey pictures of 8x8, as a folder for each class.

    Args:
        folder: where; left as it is if it exists.
    """
    if Path(folder).exists():
        return
    import tensorflow as tf
    from sklearn.datasets import load_digits

    digits = load_digits()
    with atomic_write(folder) as temporary:
        for digit in range(10):
            (temporary / str(digit)).mkdir(parents=True)
        for number, (picture, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
            pixels = (picture * (255 / 16)).round().astype("uint8")[..., None]
            path = temporary / str(digit) / f"{number:04}.png"
            path.write_bytes(tf.io.encode_png(pixels).numpy())


def split_folder(folder, destination, *, fraction, seed):
    """Splits a folder of classes in two, class by class, with links instead of copies.

    Args:
        folder: a folder for each class.
        destination: gets the folders `train` and `valid`, in the place of what is there.
        fraction: share of each class's files that goes to `valid`, at least one file.
        seed: an integer.

    Returns:
        The two folders.

    Raises:
        ValueError: `folder` is not as described, or a class has fewer than two files.
    """
    folder, destination = Path(folder).absolute(), Path(destination)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    if len(classes) < 2:
        raise ValueError(f"{folder} holds {len(classes)} class folders; expected 2 or more")
    with atomic_write(destination) as temporary:
        for class_folder in classes:
            paths = sorted(path for path in class_folder.rglob("[!.]*") if path.is_file())
            if len(paths) < 2:
                raise ValueError(f"{class_folder} holds {len(paths)} files; a split needs 2")
            random.Random(f"{seed} {class_folder.name}").shuffle(paths)
            num_valid = min(max(1, round(fraction * len(paths))), len(paths) - 1)
            for position, path in enumerate(paths):
                part = "valid" if position < num_valid else "train"
                link = temporary / part / path.relative_to(folder)
                link.parent.mkdir(parents=True, exist_ok=True)
                _link(path, link)
    return destination / "train", destination / "valid"


def _link(path, link):
    try:
        link.symlink_to(path)
    except OSError:  # a file system, or a Windows user, that may not
        shutil.copy2(path, link)
