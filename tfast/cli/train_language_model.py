"""Trains a language model on much text: what `tfast train-ulmfit --pretrained` starts from.

    tfast train-language-model --data wikipedia.csv.xz --output runs/english
    tfast train-ulmfit --data reviews.csv --pretrained runs/english/language_model.keras

The texts are read as a stream and tokenized once, into a file of ids in the output folder, so
that they may be larger than memory. A run that is killed and called again with --resume ends, on
CPU, with weights bit-identical to those of one that was left alone. --pretrained continues from a
model instead of starting a new one; `tfast recipes` lists the presets with what each gave.
"""

import argparse
from pathlib import Path

from tfast.cli import environment
from tfast.cli.options import add_preset, add_run_options, add_settings, read_recipe, run_recipe
from tfast.recipes.errors import input_errors
from tfast.recipes.language_model_recipe import LanguageModelRecipe

SETTINGS = (*(field.name for field in LanguageModelRecipe.fields()), "output")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    add_run_options(parser, output=Path("runs/language_model"))
    add_preset(parser, "language_model")
    add_settings(parser, LanguageModelRecipe)


def run(arguments: argparse.Namespace) -> int:
    """Trains, and prints the perplexity on the validation texts."""
    with input_errors():
        recipe = read_recipe(LanguageModelRecipe, arguments)
    environment.prepare(one_heap=True)
    result = run_recipe(recipe, arguments)
    print(f"\nPerplexity of {recipe.valid:,} validation texts: {result['perplexity']:.1f}")
    print(f"The model, its vocabulary and result.json are in {arguments.output}")
    return 0
