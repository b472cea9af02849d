import json
import shutil

import pytest

import tfast.runtime
from tfast.runtime import FolderError
from tfast.runtime.folder import PortableFolder


@pytest.fixture
def folder(text_folder, tmp_path):
    return shutil.copytree(text_folder, tmp_path / "copy")


def change(folder, **entries):
    """Writes other entries into `tfast.json`; None removes one."""
    file = folder / "tfast.json"
    description = json.loads(file.read_text("utf-8")) | entries
    description = {name: value for name, value in description.items() if value is not None}
    file.write_text(json.dumps(description), "utf-8")


def test_a_whole_folder_is_read(folder):
    read = PortableFolder(folder)
    assert read.description["kind"] == "text"
    assert read.path("model.onnx") == folder / "model.onnx"
    assert read.read_json("tokenizer.json")["exceptions"]["don't"] == "do n't"
    with pytest.raises(FolderError, match=r"is incomplete: tfast.json lists no other.bin"):
        read.path("other.bin")


@pytest.mark.parametrize("name", ["model.onnx", "vocabulary.txt", "tokenizer.json"])
def test_a_changed_file_is_refused(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(FolderError, match=f"is damaged: {name} is not the file that was written"):
        tfast.runtime.load(folder)


def test_a_missing_file_is_named(folder):
    (folder / "vocabulary.txt").unlink()
    with pytest.raises(
        FolderError, match=r"is incomplete: vocabulary.txt cannot be read \(No such"
    ):
        tfast.runtime.load(folder)


def test_a_newer_folder_asks_for_an_update(folder):
    change(folder, format=4)
    with pytest.raises(FolderError, match="has format 4; this version of tfast reads format 3"):
        tfast.runtime.load(folder)


def test_whether_mentions_are_split_must_be_true_or_false_or_missing(folder):
    tokenizer = json.loads((folder / "tfast.json").read_text("utf-8"))["tokenizer"]
    change(folder, tokenizer=tokenizer | {"split_mentions": "false"})
    with pytest.raises(FolderError, match=r"damaged: tokenizer.split_mentions is missing or of"):
        tfast.runtime.load(folder)
    del tokenizer["split_mentions"]
    change(folder, tokenizer=tokenizer)
    found = tfast.runtime.load(folder)._token_ids("@a").size
    change(folder, tokenizer=tokenizer | {"split_mentions": True})
    assert tfast.runtime.load(folder)._token_ids("@a").size == found + 1


@pytest.mark.parametrize("name", ["kind", "model", "class_names", "files", "examples", "tokenizer"])
def test_an_incomplete_description_is_refused(folder, name):
    change(folder, **{name: None})
    with pytest.raises(
        FolderError, match=rf"tfast.json is damaged: {name}.*is missing or of another"
    ):
        tfast.runtime.load(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', '{"format": "1"}', "\xff"])
def test_another_tfast_json_is_refused(folder, content):
    (folder / "tfast.json").write_text(content, "latin-1")
    with pytest.raises(FolderError, match=r"tfast.json is damaged: "):
        tfast.runtime.load(folder)


def test_another_folder_is_no_portable_folder(tmp_path):
    with pytest.raises(FolderError, match=r"is no portable folder: tfast.json cannot be read"):
        tfast.runtime.load(tmp_path)
    with pytest.raises(FolderError, match="is no portable folder"):
        tfast.runtime.load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "", "a//b", "a\\b", "."])
def test_files_outside_of_the_folder_are_refused(folder, name):
    change(folder, files={name: "0" * 64})
    with pytest.raises(FolderError, match="is no file inside it"):
        tfast.runtime.load(folder)


def test_other_kinds_and_models_are_refused(folder):
    change(folder, kind="sound")
    with pytest.raises(FolderError, match="holds a classifier of another kind: 'sound'"):
        tfast.runtime.load(folder)
    change(folder, kind="text", model="tokenizer.json")
    with pytest.raises(FolderError, match=r"reads model.onnx and model.tflite alone"):
        tfast.runtime.load(folder)
