import numpy as np
import pytest
from small_data import write_images

from tfast.recipes import InputError, MixupPlots
from tfast.recipes.mixup_plots import beta_density


@pytest.mark.parametrize("alpha", [0.4, 1.0, 8.0, 200.0])
def test_the_density_has_area_1(alpha):
    weight = (np.arange(200_000) + 0.5) / 200_000
    assert beta_density(weight, alpha).mean() == pytest.approx(1, abs=5e-3)
    assert beta_density(np.array([0.2]), alpha) == pytest.approx(beta_density(1 - 0.2, alpha))


def test_images_of_a_folder_are_drawn_whatever_their_class_is_called(tmp_path):
    write_images(tmp_path / "images", names=("Ba$$in", "Va$e_{x"))
    paths = MixupPlots(data=tmp_path / "images", image_size=16).run(tmp_path / "plots")
    assert [path.name for path in paths] == ["beta.png", "mixup.png"]
    assert all(path.stat().st_size > 1000 for path in paths)


def test_bad_images_are_an_input_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        MixupPlots(data=tmp_path / "empty").run(tmp_path / "plots")
    assert not (tmp_path / "plots").exists()
