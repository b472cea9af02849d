import dataclasses
from pathlib import Path

import pytest

from tfast import recipes
from tfast.recipes import (
    FastaiImport,
    ImageRecipe,
    LanguageModelRecipe,
    MixupPlots,
    UlmfitRecipe,
)
from tfast.recipes.checks import or_none, path
from tfast.recipes.recipe import RECIPE_VERSION, Recipe, setting

RECIPES = [
    ImageRecipe(data="images"),
    UlmfitRecipe(data="reviews.csv", pretrained="none"),
    LanguageModelRecipe(data="books.txt"),
    FastaiImport(weights="a.pth"),
    MixupPlots(),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: type(recipe).__name__)
def test_defaults_pass_their_own_checks_unchanged_and_have_a_help(recipe):
    for field in recipe.fields():
        assert field.metadata["help"]
        if field.name not in ("data", "weights", "pretrained"):
            expected = field.metadata["otherwise"] if field.default is None else field.default
            assert getattr(recipe, field.name) == expected


def test_every_public_name_of_the_package_exists():
    assert {"ImageRecipe", "UlmfitRecipe", "load_preset"} <= set(recipes.__all__)
    assert all(getattr(recipes, name) for name in recipes.__all__)


def test_a_recipe_never_changes():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECIPES[0].epochs = 3
    assert dataclasses.replace(RECIPES[0], epochs=3).epochs == 3


def test_settings_leave_out_paths_and_what_may_differ_on_resume():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Example(Recipe):
        data: Path | None = setting(None, or_none(path), "where")
        sizes: tuple = setting((1, 2), lambda name, value: tuple(value), "how large")
        often: int = setting(3, lambda name, value: value, "how often", same_on_resume=False)

    # Lists, as JSON gives them back.
    assert Example().settings() == {"data": None, "sizes": [1, 2], "recipe_version": RECIPE_VERSION}
    moved = Example(data="elsewhere", sizes=[4])
    assert moved.settings() == {"sizes": [4], "recipe_version": RECIPE_VERSION}
    assert moved.paths() == {"data": "elsewhere"}


def test_settings_of_new_models_are_refused_beside_a_pretrained_one():
    with pytest.raises(ValueError, match="model must be left out beside pretrained"):
        ImageRecipe(data="images", pretrained="a.keras", model="xresnet50")
    with pytest.raises(ValueError, match="hidden_size must be left out beside pretrained"):
        UlmfitRecipe(data="a.csv", pretrained="a.keras", hidden_size=8)
