"""Portable folders whose digests are right, and whose contents are not."""

import hashlib
import json
import math
import random
import shutil

import pytest

import tfast.runtime
from tfast.runtime import FolderError


def changed(value, source):
    """A JSON value with one change somewhere in it."""
    if isinstance(value, dict) and value and source.random() < 0.8:
        key = source.choice(list(value))
        if source.random() < 0.2:
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: changed(value[key], source)}
    if isinstance(value, list) and value and source.random() < 0.8:
        index = source.randrange(len(value))
        return [*value[:index], changed(value[index], source), *value[index + 1 :]]
    odd = [None, 1, -1, 1e308, math.nan, 10**30, True, "", "(", "\ud800", [], {}, [[]]]
    return source.choice(odd)


def write(folder, description):
    """Writes `tfast.json` with the digests of what is there."""
    names = [path for path in folder.iterdir() if path.name != "tfast.json"]
    if isinstance(description, dict) and isinstance(description.get("files"), dict):
        digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in names}
        description = description | {"files": digests}
    (folder / "tfast.json").write_text(json.dumps(description))


def load(folder):
    """None if the folder is refused; any other error is a fault."""
    try:
        return tfast.runtime.load(folder)
    except FolderError as error:
        return None if "\n" not in str(error) else pytest.fail(str(error))


@pytest.mark.parametrize("what", ["tfast.json", "tokenizer.json", "vocabulary.txt"])
def test_texts(text_folder, tmp_path, what):
    refused, source = 0, random.Random(what)
    for _ in range(30):
        folder = shutil.copytree(text_folder, tmp_path / "copy", dirs_exist_ok=True)
        description = json.loads((folder / "tfast.json").read_text())
        content = (folder / what).read_bytes()
        if what == "tfast.json":
            description = changed(description, source)
        elif what == "tokenizer.json":
            (folder / what).write_text(json.dumps(changed(json.loads(content), source)))
        else:
            at = source.randrange(len(content))
            (folder / what).write_bytes(content[:at] + source.randbytes(3) + content[at + 2 :])
        write(folder, description)
        refused += load(folder) is None
    assert refused > 5


def test_images(image_folder, tmp_path):
    refused, source = 0, random.Random(3)
    for _ in range(60):
        folder = shutil.copytree(image_folder, tmp_path / "copy", dirs_exist_ok=True)
        write(folder, changed(json.loads((folder / "tfast.json").read_text()), source))
        refused += load(folder) is None
    assert refused > 5


@pytest.mark.parametrize(
    "settings", [{"crop_ratio": 1e300}, {"crop_ratio": 0.1}, {"image_size": [10**9, 10**9]}]
)
def test_sizes_that_no_model_has_are_refused(image_folder, tmp_path, settings):
    folder = shutil.copytree(image_folder, tmp_path / "copy")
    description = json.loads((folder / "tfast.json").read_text())
    image = description["image"]
    if "image_size" in settings:
        image |= settings
    else:
        image["preprocessing"] |= settings
    write(folder, description)
    with pytest.raises(FolderError, match="image has sizes that no model has"):
        tfast.runtime.load(folder)


def test_a_description_of_a_thousand_lists_is_refused(image_folder, tmp_path):
    folder = shutil.copytree(image_folder, tmp_path / "copy")
    (folder / "tfast.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(FolderError, match=r"tfast\.json is damaged"):
        tfast.runtime.load(folder)


def test_a_model_that_is_none_is_refused(text_folder, tmp_path):
    folder = shutil.copytree(text_folder, tmp_path / "copy")
    description = json.loads((folder / "tfast.json").read_text())
    for content in (b"", b"no model", (folder / "model.onnx").read_bytes()[:1000]):
        (folder / "model.onnx").write_bytes(content)
        write(folder, description)
        with pytest.raises(FolderError, match="cannot be read by onnxruntime"):
            tfast.runtime.load(folder)
