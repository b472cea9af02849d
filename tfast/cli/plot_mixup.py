"""Draws what mixup samples from: Beta densities, and a sheet of mixed images.

tfast plot-mixup --output plots
tfast plot-mixup --data images --alpha 0.2 --output plots
"""

import argparse
from pathlib import Path

from tfast.cli.options import add_settings, read_recipe
from tfast.recipes.errors import input_errors
from tfast.recipes.mixup_plots import MixupPlots

SETTINGS = tuple(field.name for field in MixupPlots.fields())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    add_settings(parser, MixupPlots)
    parser.add_argument("--output", type=Path, default=Path("plots"), help="folder to write to")


def run(arguments: argparse.Namespace) -> int:
    """Draws, and prints where."""
    with input_errors():
        recipe = read_recipe(MixupPlots, arguments)
    for path in recipe.run(arguments.output):
        print(path)
    return 0
