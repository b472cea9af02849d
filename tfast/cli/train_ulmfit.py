"""Trains a text classifier by ULMFiT and leaves a SavedModel and a report.

    tfast train-ulmfit --output runs/docstrings
    tfast train-ulmfit --data reviews.csv --unlabelled more.csv --output runs/reviews

First TF-IDF is fitted, in seconds. Then a classifier starts from a language model. Where the texts
are English, that is tfast/english (--pretrained none starts a new one, which learns from the texts
at hand). With 1,000 training texts or more it first reads the --unlabelled ones, and all layers are
fine-tuned; with fewer it stays as it is, and the classifier is logistic regression on its outputs
(--fine-tune trains all layers). TF-IDF and the classifier are exported as one, weighted on held-out
texts (--no-blend exports ULMFiT alone).
Without --data, docstrings of the installed libraries are told apart by library, with the settings
of the preset docstrings. A run that is killed and called again with --resume ends, on CPU, with
weights bit-identical to those of one that was left alone. `tfast recipes` lists the presets with
what each gave.
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
    """Trains, and prints how many texts are classified correctly, by TF-IDF alone too."""
    with input_errors():
        recipe = read_recipe(UlmfitRecipe, arguments)
    environment.prepare(one_heap=True)
    result = run_recipe(recipe, arguments)
    print(f"\nOf {result['test_texts']:,} test texts right, see {arguments.output}:")
    print(f"  ULMFiT                            {result['ulmfit_accuracy']:.2%}")
    if result["tfidf_accuracy"] is None:
        print("  TF-IDF with logistic regression   not measured, see above")
        return 0
    print(f"  TF-IDF with logistic regression   {result['tfidf_accuracy']:.2%}")
    print(
        f"  both, ULMFiT with weight {result['blend_weight']:.2f}     "
        f"{result['blend_accuracy']:.2%}{'' if recipe.blend else ', not exported'}"
    )
    return 0
