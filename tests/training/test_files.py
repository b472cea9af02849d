import pytest

from tfast.training.files import remove_leftovers, written_whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_replaces_the_old_one(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with written_whole(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_folder_replaces_the_old_one(tmp_path):
    target = tmp_path / "deep" / "model"
    for content in ("old", "new"):
        with written_whole(target) as temporary:
            temporary.mkdir()
            (temporary / content).touch()
    assert names(target) == ["new"]
    assert names(target.parent) == ["model"]


def test_failure_leaves_what_was_there(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write_half():
        with written_whole(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_existing_path_is_refused_unless_asked(tmp_path):
    with (
        pytest.raises(ValueError, match="exists"),
        written_whole(tmp_path, overwrite=False),
    ):
        raise AssertionError("the block must not run")


def test_leftovers_of_killed_writers_go_and_nothing_else_does(tmp_path):
    (tmp_path / ".a.txt.x1y2").mkdir()
    (tmp_path / ".a.txt.x1y2" / "a.txt").write_text("half")
    for kept in ("a.txt", "b.txt", ".b.txt.x1y2", ".a.txt"):
        (tmp_path / kept).write_text("kept")
    remove_leftovers(tmp_path / "a.txt")
    assert names(tmp_path) == [".a.txt", ".b.txt.x1y2", "a.txt", "b.txt"]
