"""Writes a trained model as a portable folder, which is served without TensorFlow.

    tfast export --model runs/reviews --output exports/reviews --precision int8
    tfast export --model runs/pets --output exports/pets --file-format litert

The model is that of a run of train-images or train-ulmfit, or a classifier from import-fastai. For
texts it is the one that the SavedModel holds, the blend of ULMFiT and TF-IDF. `tfast predict`,
`tfast.runtime` and Swift read the folder. Before it appears it is read again, and its answers are
compared with those of the model on texts or images that the run was tested on; five of them, with
the answers, are part of the folder (--examples takes others).
"""

import argparse
from pathlib import Path

from tfast.cli.options import add_settings, read_recipe
from tfast.recipes.errors import input_errors
from tfast.recipes.portable_export import PortableExport

SETTINGS = (*(field.name for field in PortableExport.fields()), "output")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    add_settings(parser, PortableExport)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--overwrite", action="store_true", help="replace the output folder")


def run(arguments: argparse.Namespace) -> int:
    """Exports, and prints how exactly."""
    with input_errors():
        recipe = read_recipe(PortableExport, arguments)
    difference = recipe.run(arguments.output, overwrite=arguments.overwrite)
    print(
        f"Portable folder against model: largest difference of a probability "
        f"{difference:.1e}; see {arguments.output}"
    )
    return 0
