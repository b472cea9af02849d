"""Turns a model trained in fastai into a tfast model and a SavedModel.

    python scripts/import_fastai.py --weights lm.pth --vocabulary itos.pkl --output runs/lm
    python scripts/import_fastai.py --weights pets.pth --labels cat dog --output runs/pets

Reads language models and text classifiers (AWD_LSTM), XResNets, `vision_learner` models on an
XResNet, and timm's resnet18d and the like; which one it is, the names of the tensors tell.
Nothing in the files is run. --vocabulary is `learn.dls.vocab`: of a text model the words, of a
text classifier the labels too, of an image model the labels. The output folder gets model.keras,
for texts vocabulary.txt, for images preprocessing.json, and saved_model/, which takes raw strings
or the bytes of image files and is checked against the converted model.
"""

import argparse
import sys
from pathlib import Path

import environment  # noqa: F401 -- before TensorFlow
from command_line import OneLineParser, positive


def make_parser():
    """All options."""
    parser = OneLineParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--weights", type=Path, required=True, metavar="FILE", help=".pth, .safetensors or .npz")
    add("--vocabulary", type=Path, metavar="FILE", help="words or labels: .pkl, .json or .txt")
    add("--output", type=Path, required=True, metavar="DIR")
    add(
        "--labels",
        nargs="+",
        help="a name for each class, in the model's order; goes before --vocabulary's",
    )
    add("--activation", default="relu", help="of an image model: relu, mish ...")
    add("--image-size", type=positive(int), default=224)
    add(
        "--mean", type=float, nargs="+", default=[0.485, 0.456, 0.406], help="one, or one a channel"
    )
    add("--std", type=positive(float), nargs="+", default=[0.229, 0.224, 0.225])
    add("--crop-ratio", type=positive(float), default=1.14, help="resize before the centre crop")
    add("--overwrite", action="store_true", help="replace the output folder")
    return parser


def main(argv=None):
    """Runs the script; returns its exit code."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if arguments.output.exists() and not arguments.overwrite:
        parser.error(f"--output: {arguments.output} exists; give --overwrite, or another folder")
    import fastai_import

    try:
        difference = fastai_import.run(arguments)
    except (ValueError, ImportError) as error:
        parser.error(str(error))
    print(
        f"SavedModel against converted model: largest difference of a probability "
        f"{difference:.1e}; see {arguments.output}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
