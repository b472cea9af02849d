import argparse
import dataclasses
from pathlib import Path
from typing import Literal

import pytest

from tfast.cli.options import add_preset, add_run_options, add_settings, read_recipe
from tfast.recipes import FastaiImport, ImageRecipe, MixupPlots, UlmfitRecipe, checks
from tfast.recipes.recipe import Recipe, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example(Recipe):
    size: int = setting(3, checks.from_zero, "how large, 100%", group="all")
    rates: tuple[float, ...] = setting((0.1, 0.2), checks.each(checks.finite_number), "how fast")
    part: int | float | Path | None = setting(
        None, checks.or_none(checks.part_or_path(whole_numbers=True)), "how much"
    )
    kind: Literal["a", "b"] = setting("a", checks.choice_of("ab"), "which")
    flip: bool = setting(True, checks.true_or_false, "whether")


def read(*words, recipe_class=Example):
    parser = argparse.ArgumentParser()
    add_settings(parser, recipe_class)
    return read_recipe(recipe_class, parser.parse_args(words))


def test_options_become_settings_of_their_type():
    assert read() == Example()
    assert read("--size", "4", "--kind", "b", "--no-flip") == Example(size=4, kind="b", flip=False)
    assert read("--rates", "1", "2", "3") == Example(rates=(1.0, 2.0, 3.0))
    assert read("--part", "300") == Example(part=300)
    assert read("--part", "0.5") == Example(part=0.5)
    assert read("--part", "some/folder") == Example(part=Path("some/folder"))


def test_values_are_checked_by_the_recipe_alone():
    with pytest.raises(ValueError, match="size must be a whole number of at least 0, got -1"):
        read("--size", "-1")
    with pytest.raises(ValueError, match="part must be a fraction"):
        read("--part", "nan")


def test_help_has_each_setting_with_its_default():
    parser = argparse.ArgumentParser()
    add_settings(parser, Example)
    shown = " ".join(parser.format_help().split())
    assert "how large, 100% (default: 3)" in shown
    assert "(default: 0.1 0.2)" in shown
    assert "--kind {a,b}" in shown
    assert "whether (default: --flip)" in shown


@pytest.mark.parametrize("recipe_class", [ImageRecipe, UlmfitRecipe, FastaiImport, MixupPlots])
def test_each_setting_of_a_recipe_has_an_option_and_no_default_of_its_own(recipe_class):
    parser = argparse.ArgumentParser()
    add_settings(parser, recipe_class)
    assert vars(parser.parse_args([])) == {}
    shown = parser.format_help()
    for field in recipe_class.fields():
        assert f"--{field.name.replace('_', '-')}" in shown


def read_images(*words):
    parser = argparse.ArgumentParser()
    add_run_options(parser, output=Path("runs/images"))
    add_preset(parser, "images")
    add_settings(parser, ImageRecipe)
    return read_recipe(ImageRecipe, parser.parse_args(words))


def test_a_preset_fills_in_what_is_not_given():
    recipe = read_images("--preset", "cifar10", "--data", "a", "--valid", "b", "--epochs", "1")
    assert (recipe.image_size, recipe.epochs, recipe.mean) == (32, 1, (0.473,))
    with pytest.raises(ValueError, match="--preset cifar10 needs --valid too"):
        read_images("--preset", "cifar10", "--data", "a")


def test_without_a_preset_the_recipe_suggests_the_rest():
    assert read_images().image_size == 24
    assert read_images("--data", "a").image_size == 128


def test_a_new_model_beside_a_pretrained_one_is_refused_even_where_it_is_the_default():
    with pytest.raises(ValueError, match=r"^--model, --activation: not with --pretrained"):
        read_images("--pretrained", "a.keras", "--model", "xresnet18", "--activation", "relu")
