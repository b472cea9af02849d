"""Trains a text classifier by ULMFiT and leaves a SavedModel and a report.

    tfast train-ulmfit --output runs/docstrings
    tfast train-ulmfit --data reviews.csv --unlabelled more.csv --output runs/reviews

First a language model learns from all texts at hand, then a classifier continues from what it has
learned. Without --data, docstrings of the installed libraries are told apart by library, with the
settings of the preset docstrings. A run that is killed and called again with --resume ends, on
CPU, with weights bit-identical to those of one that was left alone. `tfast recipes` lists the
presets with what each gave.
"""

import argparse
from pathlib import Path

from tfast.cli import environment
from tfast.cli.options import add_preset, add_run_options, add_settings, read_recipe, run_recipe
from tfast.recipes.errors import input_errors
from tfast.recipes.ulmfit_recipe import UlmfitRecipe

SETTINGS = (*(field.name for field in UlmfitRecipe.fields()), "output")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    add_run_options(parser, output=Path("runs/ulmfit"))
    add_preset(parser, "ulmfit")
    add_settings(parser, UlmfitRecipe)


def run(arguments: argparse.Namespace) -> int:
    """Trains, and prints how many texts are classified correctly, beside TF-IDF."""
    with input_errors():
        recipe = read_recipe(UlmfitRecipe, arguments)
    environment.prepare(one_heap=True)
    result = run_recipe(recipe, arguments)
    baseline = result["tfidf_accuracy"]
    baseline = "not measured, see above" if baseline is None else f"{baseline:.2%}"
    print(f"\nOf {result['test_texts']:,} test texts right, see {arguments.output}:")
    print(f"  ULMFiT                            {result['accuracy']:.2%}")
    print(f"  TF-IDF with logistic regression   {baseline}")
    return 0
