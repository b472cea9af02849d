import numpy as np
import pytest

from tfast.recipes import FastaiImport, InputError
from tfast.recipes.fastai_import import largest_difference, numbered_labels


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "weights must be a path, got None"),
        ({"weights": "a.pth", "labels": ["a", ""]}, "labels must be a text, got ''"),
        ({"weights": "a.pth", "image_size": 0}, "image_size must be a whole number of at least 1"),
        ({"weights": "a.pth", "crop_ratio": -1}, "crop_ratio must be a finite number above 0"),
        ({"weights": "a.pth", "crop_ratio": 0.5}, "crop_ratio must be at least 1, got 0.5"),
    ],
    ids=str,
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        FastaiImport(**settings)


def test_files_that_cannot_be_imported_are_input_errors(tmp_path):
    np.savez(tmp_path / "other.npz", something=np.ones(2))
    encoder = {"encoder.weight": np.ones((9, 2)), "rnns.0.weight_hh_l0_raw": np.ones((8, 2))}
    np.savez(tmp_path / "encoder.npz", **encoder)
    for name, message in (
        ("none.pth", "no such file"),
        ("other.npz", "must be of fastai's XResNet"),
        ("encoder.npz", "must be of a whole model, .* got an encoder alone"),
    ):
        with pytest.raises(InputError, match=message):
            FastaiImport(weights=tmp_path / name).run(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_output_folder_is_replaced_only_where_that_is_asked_for(tmp_path):
    (tmp_path / "out").mkdir()
    recipe = FastaiImport(weights=tmp_path / "none.npz")
    with pytest.raises(InputError, match="output must be a new folder"):
        recipe.run(tmp_path / "out")
    with pytest.raises(InputError, match="no such file"):
        recipe.run(tmp_path / "out", overwrite=True)
    assert (tmp_path / "out").is_dir()


def test_classes_without_names_have_numbers(capsys):
    assert numbered_labels(3) == ("0", "1", "2")
    assert "called by their numbers" in capsys.readouterr().out


def test_the_largest_difference_keeps_nan():
    logits = np.float32([[0, 0]])
    assert largest_difference(np.float32([[0.5, 0.6]]), logits) == pytest.approx(0.1)
    assert np.isnan(largest_difference(np.float32([[0.5, np.nan]]), logits))
