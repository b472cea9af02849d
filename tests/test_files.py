import contextlib
import os
from pathlib import Path

import pytest

from tfast import files
from tfast.files import atomic_write, remove_leftovers


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_replaces_the_old_one(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with atomic_write(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_folder_replaces_the_old_one(tmp_path):
    target = tmp_path / "deep" / "model"
    for content in ("old", "new"):
        with atomic_write(target) as temporary:
            temporary.mkdir()
            (temporary / content).touch()
    assert names(target) == ["new"]
    assert names(target.parent) == ["model"]


def test_failure_leaves_what_was_there(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write_half():
        with atomic_write(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_existing_path_is_refused_unless_asked(tmp_path):
    with (
        pytest.raises(ValueError, match="exists"),
        atomic_write(tmp_path, overwrite=False),
    ):
        raise AssertionError("the block must not run")


def write_folder(path, content):
    with atomic_write(path) as temporary:
        temporary.mkdir()
        (temporary / content).touch()


@pytest.mark.parametrize("name", ["model", "old", "new"])
def test_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch, name):
    target = tmp_path / name
    write_folder(target, "before")

    def refuse(source, destination):
        raise PermissionError("no")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        write_folder(target, "after")
    assert names(target) == ["before"]
    assert names(tmp_path) == [name]


def test_block_that_writes_nothing_leaves_the_old_folder(tmp_path):
    target = tmp_path / "old"
    write_folder(target, "before")
    with pytest.raises(FileNotFoundError, match="nothing was written"), atomic_write(target):
        pass
    assert names(target) == ["before"]
    assert names(tmp_path) == ["old"]


@pytest.mark.parametrize("renames_before_the_kill", [0, 1, 2])
def test_writer_of_a_folder_killed_at_any_moment_loses_no_copy(
    tmp_path, monkeypatch, renames_before_the_kill
):
    target = tmp_path / "model"
    write_folder(target, "before")
    left, rename = iter(range(renames_before_the_kill)), os.rename

    def rename_or_die(source, destination):
        if next(left, None) is None:
            raise KeyboardInterrupt
        rename(source, destination)

    with monkeypatch.context() as killed:
        # A kill: neither another rename nor the cleaning up.
        killed.setattr(Path, "rename", rename_or_die)
        killed.setattr(Path, "replace", rename_or_die)
        killed.setattr(files, "_remove_scratch", lambda scratch, path: None)
        with contextlib.suppress(KeyboardInterrupt):
            write_folder(target, "after")
    assert target.exists() == (renames_before_the_kill != 1)
    remove_leftovers(target)
    assert names(target) == ["after" if renames_before_the_kill == 2 else "before"]
    assert names(tmp_path) == ["model"]


def test_leftovers_of_killed_writers_go_and_nothing_else_does(tmp_path):
    (tmp_path / ".a.x1y2_789" / "new").mkdir(parents=True)
    (tmp_path / ".a.x1y2_789" / "new" / "a").write_text("half")
    kept = [".a", ".a.config", ".a.txt.x1y2_789", ".b.x1y2_789", "a", "a.txt"]
    for name in kept:
        (tmp_path / name).mkdir()
    remove_leftovers(tmp_path / "a")
    assert names(tmp_path) == kept
