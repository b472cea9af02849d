"""Small folders of pictures."""

import io

import numpy as np
import pytest
from PIL import Image


def encode(picture, kind, **options):
    """The content of the file that Pillow writes for `picture`."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def smooth_picture(height, width, seed=0):
    """A picture without hard edges, different for each seed."""
    coarse = np.random.RandomState(seed).randint(0, 256, (5, 4, 3), "uint8")
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def picture_folder(tmp_path):
    """Makes a folder of `count` PNG files a class, each of one colour: its number in red."""

    def make(count=5, class_names=("cat", "dog"), size=(12, 10), name="pictures"):
        number = 0
        for class_name in class_names:
            folder = tmp_path / name / class_name
            folder.mkdir(parents=True)
            for i in range(count):
                picture = Image.new("RGB", size, (number, 0, 0))
                (folder / f"{i}.png").write_bytes(encode(picture, "PNG"))
                number += 1
        return tmp_path / name

    return make
