import json

import pytest

from tfast.recipes import ImageRecipe, UlmfitRecipe
from tfast.recipes.old_runs import check_same_result, check_same_run, checkpoint_settings
from tfast.training.checkpoints.file_format import Checkpoint, write_checkpoint


def checkpoint_with(tmp_path, settings):
    path = tmp_path / "checkpoint.npz"
    write_checkpoint(path, Checkpoint(settings=settings))
    return path


def test_the_same_settings_pass_beside_those_of_the_fit_that_have_their_names(tmp_path):
    settings = UlmfitRecipe(data="a.csv").settings()
    saved = checkpoint_settings(settings) | {"epochs": 4, "optimizer": "FusedAdam"}
    check_same_run(checkpoint_with(tmp_path, saved), settings)


def test_another_setting_is_named(tmp_path):
    settings = ImageRecipe(data="images").settings()
    path = checkpoint_with(tmp_path, checkpoint_settings(settings | {"mixup": 0.4}))
    with pytest.raises(ValueError, match=r"mixup=0.4 \(now 0.2\)"):
        check_same_run(path, settings)


def test_a_run_of_an_older_tfast_is_refused_with_what_to_do(tmp_path):
    # What 0.1 wrote: its options, and no version.
    path = checkpoint_with(tmp_path, {"mixup": 0.2, "train_images": 20, "pictures": {}})
    with pytest.raises(ValueError, match=r"finish it with tfast 0\.1, or name") as caught:
        check_same_run(path, ImageRecipe(data="images").settings())
    assert "\n" not in str(caught.value)


def test_a_result_of_other_settings_is_not_replaced(tmp_path):
    settings, path = UlmfitRecipe(data="a.csv").settings(), tmp_path / "result.json"
    check_same_result(path, settings)
    path.write_text(json.dumps({"accuracy": 0.5, "settings": settings}))
    check_same_result(path, settings)
    with pytest.raises(
        ValueError, match=r"result\.json is of a run with other settings: seed=0 \(now 1\)"
    ):
        check_same_result(path, settings | {"seed": 1})
    for damaged in ('{"accuracy": 0.5', "{}", "[]", '{"settings": 3}'):
        path.write_text(damaged)
        with pytest.raises(ValueError, match=r"result\.json is damaged: remove it"):
            check_same_result(path, settings)
