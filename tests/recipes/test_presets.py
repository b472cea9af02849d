import pytest

from tfast.recipes import (
    ImageRecipe,
    LanguageModelRecipe,
    UlmfitRecipe,
    load_preset,
    preset_names,
)
from tfast.recipes.recipe import Recipe

RECIPES = {
    "images": ImageRecipe,
    "ulmfit": UlmfitRecipe,
    "language_model": LanguageModelRecipe,
}
COMMANDS = {
    "images": "train-images",
    "ulmfit": "train-ulmfit",
    "language_model": "train-language-model",
}


@pytest.mark.parametrize("name", preset_names())
def test_each_preset_makes_a_recipe_and_states_what_it_gave(name):
    preset = load_preset(name)
    recipe = RECIPES[preset.recipe](**preset.settings, **dict.fromkeys(preset.needs, "file"))
    assert isinstance(recipe, Recipe)
    assert preset.command.startswith(f"tfast {COMMANDS[preset.recipe]} --preset {name} ")
    for need in preset.needs:
        assert f"--{need} " in preset.command
    assert preset.results
    assert preset.machine
    assert "TODO" not in str(preset)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"preset must be one of 'cifar10'.*, got 'mnist'"):
        load_preset("mnist")
    assert preset_names("images") == ("cifar10", "digits")
