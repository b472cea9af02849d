"""Trains an image classifier on a folder of pictures and leaves a SavedModel and a report.

    python scripts/train_images.py --output runs/digits
    python scripts/train_images.py --data pictures/ --model xresnet50 --output runs/pictures

Without --data it trains on scikit-learn's digits. A run that is killed and called again with
--resume ends, on CPU, with the very weights of one left alone. The recipe that compares with
fastai's 70.6% on CIFAR-10 (20,000 training pictures):

    --data cifar10/train --valid cifar10/test --image-size 32 --augment pad --crop-ratio 1
    --mean 0.473 --std 0.25 --mixup 0.2 --label-smoothing 0.1 --learning-rate 4e-3 --epochs 5
    --batch-size 64
"""

import argparse
import importlib.util
import sys
from pathlib import Path

from command_line import OneLineParser, path_or_amount, positive

SIZES = (18, 34, 50, 101, 152)
MODELS = [f"{kind}{size}" for kind in ("xresnet", "xse_resnet") for size in SIZES]
MODELS += [f"{kind}{size}" for kind in ("xresnext", "xse_resnext") for size in SIZES[:-1]]
MODELS += [
    f"{kind}{size}_{depth}"
    for kind in ("xresnet", "xse_resnext")
    for size in SIZES[:3]
    for depth in ("deep", "deeper")
]
# What the options of a new model are where they are not given.
NEW_MODEL = {"model": "xresnet18", "activation": "relu", "self_attention": False}

# What suits scikit-learn's digits: tiny, grey, and another digit when mirrored.
DIGITS = {
    "image_size": 24,
    "augment": "pad",
    "flip": False,
    "crop_ratio": 1.0,
    "mean": [0.3],
    "std": [0.3],
}
PICTURES = {
    "image_size": 128,
    "augment": "crop",
    "flip": True,
    "crop_ratio": 1.14,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}


def make_parser():
    """All options, with the defaults that do not depend on the data."""
    parser = OneLineParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, help="folder with a folder of pictures for each class")
    add(
        "--valid",
        type=path_or_amount(whole_numbers=False),
        default=0.2,
        help="folder, or the share to split off",
    )
    add("--model", choices=MODELS, metavar="NAME", help="xresnet18 where not given")
    add("--activation", choices=["relu", "mish", "silu", "gelu"], help="relu where not given")
    add("--self-attention", action="store_true", default=None, help="in one block")
    add("--image-size", type=positive(int))
    add("--epochs", type=positive(int), default=5)
    add("--batch-size", type=positive(int), default=64)
    add("--learning-rate", type=positive(float), default=4e-3, help="peak of the one cycle")
    add("--mixup", type=share(10), default=0.2, metavar="ALPHA", help="0 for none")
    add("--label-smoothing", type=share(1), default=0.1)
    add("--precision", choices=["float32", "float16", "bfloat16"], default="float32")
    add("--augment", choices=["crop", "pad"], help="random resized crop; or pad, for tiny ones")
    add("--padding", type=int, default=4, help="of --augment pad")
    add("--flip", action=argparse.BooleanOptionalAction, help="mirror half of the pictures")
    add("--mean", type=float, nargs="+", help="of each channel, or one for all")
    add("--std", type=positive(float), nargs="+")
    add("--crop-ratio", type=positive(float), help="resize for validation, before the crop")
    add("--pretrained", type=Path, metavar="FILE.keras", help="gets a new head; that first")
    add("--frozen-epochs", type=positive(int), default=1, help="of --pretrained, before --epochs")
    add("--skip-bad-images", action="store_true", help="leave broken files out")
    add("--seed", type=int, default=0)
    add("--output", type=Path, default=Path("runs/images"))
    add("--resume", action="store_true", help="go on from the output folder's checkpoint")
    add("--save-every", type=positive(int), default=100, help="steps between checkpoints")
    return parser


def share(below):
    """A reader of numbers from 0 on and below a bound, for argparse."""

    def parse(text):
        value = float(text)
        if not 0 <= value < below:
            raise argparse.ArgumentTypeError(f"{text} must be from 0 on and below {below}")
        return value

    parse.__name__ = "float"
    return parse


def parse_arguments(argv):
    """The arguments, checked as far as that goes without TensorFlow, which takes a while."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    given = [f"--{n.replace('_', '-')}" for n in NEW_MODEL if getattr(arguments, n) is not None]
    if arguments.pretrained and given:
        parser.error(f"{', '.join(given)}: not with --pretrained, which brings its own model")
    defaults = PICTURES if arguments.data else DIGITS
    for name, value in (defaults if arguments.pretrained else defaults | NEW_MODEL).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    check_numbers(parser, arguments)
    check_paths(parser, arguments)
    needed = ["matplotlib"] if arguments.data else ["matplotlib", "sklearn"]
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        parser.error(f"{' and '.join(missing)} not installed: pip install 'tfast[demo]'")
    return parser, arguments


def check_numbers(parser, arguments):
    """Ends the script where numbers do not go together."""
    for option, numbers in (("--mean", arguments.mean), ("--std", arguments.std)):
        if len(numbers) not in (1, 3):
            parser.error(f"{option}: expected 1 or 3 numbers, got {len(numbers)}")
    if arguments.crop_ratio < 1:
        parser.error(f"--crop-ratio: {arguments.crop_ratio} must be from 1 on")
    if arguments.augment == "pad" and not 0 <= arguments.padding < arguments.image_size:
        parser.error(
            f"--padding: {arguments.padding} must be from 0 on and below "
            f"--image-size {arguments.image_size}"
        )


def check_paths(parser, arguments):
    """Ends the script where a file or folder is not what it should be."""
    for option, folder in (("--data", arguments.data), ("--valid", arguments.valid)):
        if isinstance(folder, Path) and not folder.is_dir():
            parser.error(f"{option}: {folder} is not a folder")
    if not arguments.data and isinstance(arguments.valid, Path):
        parser.error("--valid: a folder needs --data beside it")
    if arguments.pretrained and not arguments.pretrained.is_file():
        parser.error(f"--pretrained: {arguments.pretrained} is not a file")
    for path in (arguments.output, *arguments.output.parents):
        if path.exists() and not path.is_dir():
            parser.error(f"--output: {path} is not a folder")
    if (arguments.output / "checkpoint.npz").exists() and not arguments.resume:
        parser.error(f"--output: {arguments.output} holds a run; give --resume, or another folder")


def main(argv=None):
    """Runs the script; returns its exit code."""
    parser, arguments = parse_arguments(argv)
    import environment  # noqa: F401 -- before TensorFlow
    import image_training

    try:
        prepared = image_training.prepare(arguments)
    except ValueError as error:  # what tfast says of bad input; later ones are faults of ours
        parser.error(str(error))
    result = image_training.train(arguments, *prepared)
    num_images, accuracy = result["validation_images"], result["accuracy"]
    print(f"{accuracy:.2%} of {num_images:,} pictures right; see {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
