"""Trains an image classifier on a folder of images and leaves a SavedModel and a report.

    tfast train-images --output runs/digits
    tfast train-images --data images --model xresnet50 --output runs/images
    tfast train-images --data images --pretrained timm/resnet50d.ra2_in1k --download

Without --data it trains on scikit-learn's digits, with the settings of the preset of that name.
A run that is killed and called again with --resume ends, on CPU, with weights bit-identical to
those of one that was left alone. `tfast recipes` lists the presets with what each gave, `tfast
pretrained` the public weights.
"""

import argparse
from pathlib import Path

from tfast.cli.options import add_preset, add_run_options, add_settings, read_recipe, run_recipe
from tfast.recipes.errors import input_errors
from tfast.recipes.image_recipe import ImageRecipe

SETTINGS = (*(field.name for field in ImageRecipe.fields()), "output")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    add_run_options(parser, output=Path("runs/images"))
    add_preset(parser, "images")
    add_settings(parser, ImageRecipe)


def run(arguments: argparse.Namespace) -> int:
    """Trains, and prints how many images are classified correctly."""
    with input_errors():
        recipe = read_recipe(ImageRecipe, arguments)
    result = run_recipe(recipe, arguments)
    print(
        f"{result['accuracy']:.2%} of {result['validation_images']:,} images right; "
        f"see {arguments.output}"
    )
    return 0
