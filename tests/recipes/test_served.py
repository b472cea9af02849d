import json

import pytest

from tfast.recipes.served import SERVED_FILE, Served

TEXT = {"kind": "text", "model": "classifier.keras", "class_names": ("bad", "good")}
IMAGE = {"kind": "image", "model": "model.keras", "class_names": ("cat", "dog"), "image_size": 32}


@pytest.mark.parametrize("values", [TEXT, TEXT | {"examples": ("fine", "\udce9.png")}, IMAGE])
def test_what_is_written_is_read(tmp_path, values):
    served = Served(**values)
    served.write(tmp_path)
    assert Served.read(tmp_path) == served


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (TEXT | {"kind": "sound"}, "kind must be image or text, got 'sound'"),
        (TEXT | {"model": "../model.keras"}, "model must be the name of a file"),
        (TEXT | {"class_names": "good"}, "class_names must be texts, got 'good'"),
        (TEXT | {"examples": [b"fine"]}, "examples must be texts"),
        (TEXT | {"image_size": 32}, "image_size must be that of an image model, got 32"),
        (IMAGE | {"image_size": None}, "image_size must be that of an image model, got None"),
    ],
)
def test_other_values_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Served(**values)


def test_a_missing_or_damaged_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"serving.json cannot be read .*: runs of train-images"):
        Served.read(tmp_path)
    for content in (
        "{",
        "[]",
        "{}",
        json.dumps(TEXT | {"sound": 1}),
        json.dumps(TEXT | {"kind": 1}),
    ):
        (tmp_path / SERVED_FILE).write_text(content)
        with pytest.raises(ValueError, match=r"serving.json is damaged: "):
            Served.read(tmp_path)
