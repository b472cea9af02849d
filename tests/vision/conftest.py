"""Small folders of images."""

import pytest
from PIL import Image


@pytest.fixture
def image_folder(tmp_path):
    """Makes a folder of `count` PNG files a class, each of one colour: its number in red."""

    def make(count=5, class_names=("cat", "dog"), size=(12, 10), name="images"):
        number = 0
        for class_name in class_names:
            folder = tmp_path / name / class_name
            folder.mkdir(parents=True)
            for i in range(count):
                image = Image.new("RGB", size, (number, 0, 0))
                image.save(folder / f"{i}.png")
                number += 1
        return tmp_path / name

    return make
