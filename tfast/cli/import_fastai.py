"""Turns a model trained in fastai into a tfast model and a SavedModel.

    tfast import-fastai --weights lm.pth --vocabulary itos.pkl --output runs/lm
    tfast import-fastai --weights pets.pth --labels cat dog --output runs/pets

Reads language models and text classifiers (AWD_LSTM), XResNets, `vision_learner` models on an
XResNet, and timm's resnet18d and the like; which one it is, the names of the tensors tell.
Nothing in the files is run. --vocabulary is `learn.dls.vocab`: of a text model the words, of a
text classifier the labels too, of an image model the labels. The output folder gets model.keras,
for texts vocabulary.txt, for images preprocessing.json, for classifiers serving.json (which
`tfast export` reads), and saved_model, which takes raw strings or the bytes of image files and is
checked against the converted model.
"""

import argparse
from pathlib import Path

from tfast.cli.options import add_settings, read_recipe
from tfast.recipes.errors import input_errors
from tfast.recipes.fastai_import import FastaiImport

SETTINGS = (*(field.name for field in FastaiImport.fields()), "output")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    add_settings(parser, FastaiImport)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--overwrite", action="store_true", help="replace the output folder")


def run(arguments: argparse.Namespace) -> int:
    """Converts, and prints how exactly."""
    with input_errors():
        recipe = read_recipe(FastaiImport, arguments)
    difference = recipe.run(arguments.output, overwrite=arguments.overwrite)
    print(
        f"SavedModel against converted model: largest difference of a probability "
        f"{difference:.1e}; see {arguments.output}"
    )
    return 0
