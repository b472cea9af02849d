import pytest

from tfast.recipes.run_folder import check_output, require_package


def test_a_file_is_no_output_folder(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for output in (file, file / "deep" / "run"):
        with pytest.raises(ValueError, match=f"^output must be a folder, got {file}$"):
            check_output(output, checkpoints="checkpoint.npz", resume=True)


def test_a_run_is_only_continued_when_that_is_asked_for(tmp_path):
    (tmp_path / "checkpoint.npz").touch()
    with pytest.raises(ValueError, match="output must be a folder without a run"):
        check_output(tmp_path, checkpoints="checkpoint.npz", resume=False)
    check_output(tmp_path, checkpoints="checkpoint.npz", resume=True)


def test_a_missing_package_is_named_with_what_to_install():
    require_package("json")
    with pytest.raises(ValueError, match="not_there is not installed: pip install not_there"):
        require_package("not_there")
