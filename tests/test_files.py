import contextlib
import errno
import os
import sys
import threading
from pathlib import Path

import pytest
import tensorflow as tf

from tfast import files
from tfast.files import atomic_write, remove_leftovers, system_error


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


def test_a_folder_is_never_replaced_by_a_file_nor_a_file_by_a_folder(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").touch()
    with (
        pytest.raises(ValueError, match="folder is a folder, which no file may replace"),
        atomic_write(tmp_path / "folder") as temporary,
    ):
        temporary.write_text("a file")
    (tmp_path / "file").write_text("kept")
    with (
        pytest.raises(ValueError, match="file is a file, which no folder may replace"),
        atomic_write(tmp_path / "file") as temporary,
    ):
        temporary.mkdir()
    assert (tmp_path / "folder" / "kept").exists()
    assert (tmp_path / "file").read_text() == "kept"
    assert len(list(tmp_path.iterdir())) == 2


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


def test_what_the_system_says_names_the_path_and_not_the_temporary_file(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write(error):
        with atomic_write(target) as temporary:
            temporary.write_text("half")
            if error is None:
                (temporary / "inside").write_text("a file is no folder")
            raise error

    for error in (OSError(errno.ENOSPC, "No space left on device"), None):
        with pytest.raises(OSError, match=r"\[Errno \d+\] .*: '.*a\.txt'$") as caught:
            write(error)
        assert caught.value.filename == str(target)
    elsewhere = FileNotFoundError(errno.ENOENT, "No such file or directory", "input.csv")
    with pytest.raises(FileNotFoundError, match=r"input\.csv"):
        write(elsewhere)
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_that_cannot_hold_it_is_an_error_of_the_path(tmp_path):
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "deep.txt"
    with pytest.raises((NotADirectoryError, FileExistsError)) as caught, atomic_write(target):
        raise AssertionError("the block must not run")
    assert str(tmp_path / "file") in str(caught.value)


def test_errors_of_tensorflow_that_are_the_systems_become_its_own(tmp_path):
    missing, full = str(tmp_path / "none.png"), tmp_path / "model"
    with pytest.raises(tf.errors.NotFoundError) as caught:
        list(tf.data.Dataset.from_tensors(missing).map(tf.io.read_file))
    found = system_error(caught.value)
    assert isinstance(found, FileNotFoundError)
    assert (found.strerror, found.filename) == ("No such file or directory", missing)
    assert system_error(tf.errors.InvalidArgumentError(None, None, "broken; Oh no")) is None

    def write():
        with atomic_write(full) as temporary:
            message = f"{temporary}/variables; No space left on device [Op:SaveV2]"
            raise tf.errors.ResourceExhaustedError(None, None, message)

    with pytest.raises(OSError, match="No space left on device") as caught:
        write()
    assert caught.value.filename == str(full)


@pytest.mark.parametrize("kind", ["file", "folder", "nothing"])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path, kind):
    # Perhaps on another file system, to which nothing can be renamed.
    (tmp_path / "large disk").mkdir()
    target, link = tmp_path / "large disk" / "run", tmp_path / "run"
    link.symlink_to(target)
    if kind == "file":
        target.write_text("old")
    elif kind == "folder":
        write_folder(target, "before")
    (tmp_path / "large disk" / ".run.x1y2_789").mkdir()
    remove_leftovers(link)
    if kind == "file":
        with atomic_write(link) as temporary:
            temporary.write_text("new")
        assert target.read_text() == "new"
    else:
        write_folder(link, "after")
        assert names(target) == ["after"]
    assert link.is_symlink()
    assert names(tmp_path) == ["large disk", "run"]
    assert names(tmp_path / "large disk") == ["run"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows opens no folder")
def test_content_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    happened, fsync, replace = [], os.fsync, Path.replace
    inodes = {}

    def note_flush(descriptor):
        happened.append(inodes.get(os.fstat(descriptor).st_ino, "?"))
        fsync(descriptor)

    def note_replace(source, destination):
        happened.append("replace")
        return replace(source, destination)

    monkeypatch.setattr(os, "fsync", note_flush)
    monkeypatch.setattr(Path, "replace", note_replace)
    inodes[tmp_path.stat().st_ino] = "parent"
    with atomic_write(tmp_path / "model") as temporary:
        (temporary / "deep").mkdir(parents=True)
        (temporary / "deep" / "weights").write_text("1")
        for path in (temporary, *temporary.rglob("*")):
            inodes[path.stat().st_ino] = path.name
    assert sorted(happened[:3]) == ["deep", "model", "weights"]
    assert happened[3:] == ["replace", "parent"]
    happened.clear()
    with atomic_write(tmp_path / "a.json") as temporary:
        temporary.write_text("{}")
        inodes[temporary.stat().st_ino] = "a.json"
    assert happened == ["a.json", "replace", "parent"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_many_writers_of_one_path_leave_one_whole_copy(tmp_path, kind):
    target = tmp_path / "shared"
    errors = []

    def write(number):
        for _ in range(20):
            try:
                with atomic_write(target) as temporary:
                    if kind == "file":
                        temporary.write_text(1000 * str(number))
                    else:
                        temporary.mkdir()
                        for name in "abc":
                            (temporary / name).write_text(str(number))
            except OSError as error:  # two folders at once: one of them is refused
                errors.append(error)

    threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ["shared"]
    assert {error.filename for error in errors} <= {str(target)}
    if kind == "file":
        assert not errors
        assert len(set(target.read_text())) == 1
        assert len(target.read_text()) == 1000
    else:
        assert len({path.read_text() for path in target.iterdir()}) == 1
        assert names(target) == ["a", "b", "c"]


def test_an_old_copy_is_not_put_back_over_another_writers(tmp_path, monkeypatch):
    target, rename = tmp_path / "shared", Path.rename
    target.mkdir()

    def fail(source, destination):
        raise OSError(errno.ENOSPC, "no room")

    def rename_after_another_writer(source, destination):
        if Path(destination) == target:
            target.mkdir()
            (target / "other").touch()
        return rename(source, destination)

    monkeypatch.setattr(Path, "replace", fail)
    monkeypatch.setattr(Path, "rename", rename_after_another_writer)
    with pytest.raises(OSError, match="No space left"), atomic_write(target) as temporary:
        temporary.mkdir()
    assert (names(tmp_path), names(target)) == (["shared"], ["other"])
