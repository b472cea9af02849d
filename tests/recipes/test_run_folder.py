import pytest

from tfast.recipes import ImageRecipe, InputError
from tfast.recipes.run_folder import check_output, hold, remove_all_leftovers


def test_a_file_is_no_output_folder(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for output in (file, file / "deep" / "run"):
        with pytest.raises(ValueError, match=f"^output must be a folder, got {file}$"):
            check_output(output, checkpoints="checkpoint.npz", resume=True)


@pytest.mark.parametrize("left", ["checkpoint.npz", "result.json"])
def test_a_run_is_only_continued_when_that_is_asked_for(left, tmp_path):
    (tmp_path / left).touch()
    with pytest.raises(ValueError, match="output must be a folder without a run"):
        check_output(tmp_path, checkpoints="checkpoint.npz", resume=False)
    check_output(tmp_path, checkpoints="checkpoint.npz", resume=True)


@pytest.mark.parametrize(
    ("name", "resume"), [("model.keras", False), ("model.keras", True), ("saved_model", False)]
)
def test_a_model_of_no_run_is_not_replaced(name, resume, tmp_path):
    (tmp_path / name).touch()
    with pytest.raises(ValueError, match=f"without another model, got .* which holds {name}: name"):
        check_output(tmp_path, checkpoints="checkpoint.npz", resume=resume)
    (tmp_path / "checkpoint.npz").touch()
    check_output(tmp_path, checkpoints="checkpoint.npz", resume=True)


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    for name in (".a.npz.x1y2_789/new", ".b.npz.x1y2_789/old", ".git.x1y2_789/objects", ".c/new"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".a.npz.x1y2_789" / "new" / "a.npz").write_text("half")
    (tmp_path / ".b.npz.x1y2_789" / "old" / "b.npz").write_text("whole")
    (tmp_path / "deeper" / ".a.npz.x1y2_789").mkdir(parents=True)
    remove_all_leftovers(tmp_path, tmp_path / "not there")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"b.npz", ".git.x1y2_789", ".c", "deeper"}  # the only copy is put back
    assert (tmp_path / "b.npz").read_text() == "whole"
    assert list((tmp_path / "deeper").iterdir())


def test_a_second_run_is_kept_out_of_the_folder_of_one_that_goes_on(tmp_path):
    with hold(tmp_path / "run"):
        with pytest.raises(InputError, match="another run is writing"):
            ImageRecipe.suggested().run(tmp_path / "run", resume=True)
        with hold(tmp_path / "another"):
            pass
    assert not list(tmp_path.iterdir())  # no lock is left


def test_what_cannot_be_a_folder_is_not_held(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match="output must be a folder"),
        hold(tmp_path / "file" / "run"),
    ):
        pass
