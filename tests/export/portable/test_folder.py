import hashlib
import json

import numpy as np
import pytest

from tfast.export.portable.folder import (
    Contents,
    check_difference,
    examples_with_answers,
    write_folder,
)

CONTENTS = Contents(
    ("model.onnx", b"model"), {"more.txt": b"more"}, {"image": {"image_size": [1, 2]}}
)
OPTIONS = {"kind": "image", "precision": "int8", "class_names": ["a", "b"], "tolerance": 0.1}


def write(directory, **options):
    arguments = {**OPTIONS, "examples": [], "overwrite": False} | options
    write_folder(directory, CONTENTS, **arguments)


def test_every_file_is_listed_with_its_digest(tmp_path):
    def prepare(folder):
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_bytes(b"inside")

    write(tmp_path / "new", prepare=prepare)
    description = json.loads((tmp_path / "new" / "tfast.json").read_text())
    contents = {"inner/file": b"inside", "model.onnx": b"model", "more.txt": b"more"}
    assert description["files"] == {
        name: hashlib.sha256(content).hexdigest() for name, content in contents.items()
    }
    for name, content in contents.items():
        assert (tmp_path / "new" / name).read_bytes() == content
    assert description["format"] == 1
    assert description["image"] == {"image_size": [1, 2]}


def test_a_folder_that_fails_its_check_does_not_appear(tmp_path):
    def check(folder):
        assert (folder / "tfast.json").exists()
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        write(tmp_path / "new", check=check)
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_replaced_on_request_alone(tmp_path):
    (tmp_path / "new").mkdir()
    with pytest.raises(ValueError, match="exists"):
        write(tmp_path / "new")
    write(tmp_path / "new", overwrite=True)
    assert (tmp_path / "new" / "tfast.json").exists()


def test_differences_above_the_tolerance_are_refused():
    found, expected = np.float32([[0.5, 0.5]]), np.float32([[0.4, 0.6]])
    assert check_difference(found, expected, 0.11, "file") == pytest.approx(0.1, abs=1e-6)
    for tolerance, numbers in ((0.09, found), (0.5, found * np.nan)):
        with pytest.raises(ValueError, match="a probability of the file differs by"):
            check_difference(numbers, expected, tolerance, "file")


def test_five_examples_have_their_answers():
    examples = examples_with_answers("text", list("abcdefg"), np.eye(7)[:, :2])
    assert [example["text"] for example in examples] == list("abcde")
    assert examples[1] == {"text": "b", "probabilities": [0.0, 1.0]}
