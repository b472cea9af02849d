import dataclasses
from pathlib import Path

import pytest

from tfast.recipes import LanguageModelRecipe

RECIPE = LanguageModelRecipe(data=("a.txt", "b.csv.xz"))


def test_one_path_or_several_are_kept_as_paths():
    assert RECIPE.data == (Path("a.txt"), Path("b.csv.xz"))
    assert LanguageModelRecipe(data="a.txt").data == (Path("a.txt"),)
    assert RECIPE.paths() == {"data": ["a.txt", "b.csv.xz"]}
    assert "data" not in RECIPE.settings()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": ()}, "data must be at least 1 values, got 0"),
        ({"num_candidates": 9}, "num_candidates must be at least the 4480 tokens of a .*, got 9"),
        ({"pretrained": "a.keras", "layers": 3}, "layers must be left out beside pretrained"),
        ({"download": 1}, "download must be true or false, got 1"),
        ({"precision": "int8"}, "precision must be one of .* got 'int8'"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(RECIPE, **changes)


def test_runs_that_began_before_there_was_pretrained_can_be_resumed():
    assert {"pretrained", "download"}.isdisjoint(RECIPE.settings())
