"""Trains a text classifier by ULMFiT and leaves a SavedModel and a report.

    python scripts/train_ulmfit.py --output runs/docstrings
    python scripts/train_ulmfit.py --data reviews.csv --unlabelled more.csv --output runs/reviews

First a language model learns from all texts at hand, then a classifier goes on from what it has
learned. Without --data, docstrings of the installed libraries are told apart by library. A run
that is killed and called again with --resume ends, on CPU, with the very weights of one left
alone. The recipe that compares with fastai's 67.2% on IMDb from 2,000 labels:

    --data imdb_train.csv --unlabelled imdb_unsup.csv --num-labelled 2000 --num-unlabelled 4000
    --valid 300 --test 2000 --embedding-size 128 --hidden-size 384 --layers 2
    --vocabulary-size 20000 --lm-batch-size 32 --window 70 --lm-epochs 1
    --lm-learning-rate 5e-3 --lm-drop-mult 0.3 --epochs 1 1 2 --learning-rates 2e-2 1e-2 1e-3
    --drop-mult 0.5 --slower-by 1

And one from all labels, for which two processor cores take 40 minutes:

    --data imdb_train.csv --unlabelled imdb_unsup.csv --valid 500 --test 2500
    --embedding-size 128 --hidden-size 256 --layers 2 --vocabulary-size 10000
    --lm-batch-size 64 --lm-epochs 1 --lm-learning-rate 8e-3 --lm-drop-mult 0.2
    --epochs 1 2 --learning-rates 1e-2 5e-3 --slower-by 1 --drop-mult 0.5
    --batch-size 64 --max-length 500

From the language model of that run (its folder is RUN), 2,000 labels are enough:

    --data imdb_train.csv --num-labelled 2000 --pretrained RUN/language_model.keras --valid 500
    --test 2500 --vocabulary-size 10000 --lm-batch-size 64 --lm-epochs 1
    --lm-learning-rate 4e-3 --lm-drop-mult 0.2 --epochs 1 3 --learning-rates 1e-2 5e-3
    --slower-by 1 --drop-mult 0.5 --batch-size 32 --max-length 500
"""

import argparse
import sys
from pathlib import Path

from command_line import OneLineParser, path_or_amount, positive

# Small enough for a try-out of some minutes.
DOCSTRINGS = {
    "min_frequency": 3,
    "embedding_size": 128,
    "hidden_size": 128,
    "layers": 2,
    "lm_epochs": 3,
    "lm_batch_size": 32,
    "lm_learning_rate": 1e-2,
    "lm_drop_mult": 0.2,
    "epochs": [1, 1, 4],
    "learning_rates": [3e-2, 2e-2, 1e-2],
    "drop_mult": 0.3,
    "slower_by": 2.6,
}
# For a machine without a GPU, and texts that are all there is to learn from: little is lost when
# all layers learn much from the labels.
TEXTS = {
    "min_frequency": 2,
    "embedding_size": 128,
    "hidden_size": 384,
    "layers": 2,
    "lm_epochs": 2,
    "lm_batch_size": 32,
    "lm_learning_rate": 5e-3,
    "lm_drop_mult": 0.3,
    "epochs": [1, 3],
    "learning_rates": [2e-2, 5e-3],
    "drop_mult": 0.5,
    "slower_by": 1.0,
}
# After a language model that has read far more, as fastai's tutorial has it.
PRETRAINED = TEXTS | {
    "lm_epochs": 5,
    "lm_batch_size": 64,
    "lm_drop_mult": 0.5,
    "epochs": [1, 1, 1, 2],
    "learning_rates": [2e-2, 1e-2, 5e-3, 1e-3],
    "slower_by": 2.6,
}
SIZES = ("embedding_size", "hidden_size", "layers")


def make_parser():
    """All options, with the defaults that do not depend on the data."""
    parser = OneLineParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument_group("texts").add_argument
    add("--data", type=Path, help="CSV file, or folder with a folder of .txt files for each class")
    add("--text-column", default="text")
    add("--label-column", default="label")
    add("--unlabelled", type=Path, help="CSV file, folder of .txt files, or plain text file")
    add("--general-text", type=Path, help="the same; a first model learns from it")
    amount = path_or_amount(whole_numbers=True)
    add("--valid", type=amount, default=0.1, help="like --data, or share, or number")
    add("--test", type=amount, help="the same; without it aclImdb's own test texts, or 0.1")
    add("--num-labelled", type=positive(int), help="so many training texts, at random")
    add("--num-unlabelled", type=positive(int), help="so many of the unlabelled texts")
    add("--vocabulary-size", type=positive(int), default=20_000)
    add("--min-frequency", type=positive(int), help="of a word of the vocabulary")

    add = parser.add_argument_group("language model").add_argument
    add("--pretrained", type=Path, metavar="FILE.keras", help="with vocabulary.txt beside it")
    add("--embedding-size", type=positive(int))
    add("--hidden-size", type=positive(int))
    add("--layers", type=positive(int))
    add("--general-epochs", type=positive(int), default=5, help="on --general-text")
    add("--lm-epochs", type=positive(int), help="on the texts of --data and --unlabelled")
    add("--lm-learning-rate", type=positive(float), help="peak of the one cycle")
    add("--lm-drop-mult", type=float)
    add("--lm-batch-size", type=positive(int))
    add("--window", type=positive(int), default=70, help="tokens of a batch's row")

    add = parser.add_argument_group("classifier").add_argument
    add("--epochs", type=positive(int), nargs="+", help="of each stage")
    add("--learning-rates", type=positive(float), nargs="+")
    add("--drop-mult", type=float)
    add("--slower-by", type=positive(float), help="how many times a layer's rate than the next's")
    add("--max-length", type=positive(int), default=1440, help="last tokens that are learned from")
    add("--batch-size", type=positive(int), default=32)
    add("--backward", action="store_true", help="a second pair reads backwards; both vote")

    add = parser.add_argument_group("run").add_argument
    add("--seed", type=int, default=0)
    add("--output", type=Path, default=Path("runs/ulmfit"))
    add("--resume", action="store_true", help="go on from the output folder's checkpoints")
    add("--save-every", type=positive(int), default=100, help="steps between checkpoints")
    return parser


def parse_arguments(argv):
    """The arguments, checked as far as that goes without TensorFlow, which takes a while."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    given = [name for name in SIZES if getattr(arguments, name) is not None]
    if arguments.pretrained and given:
        options = ", ".join("--" + name.replace("_", "-") for name in given)
        parser.error(f"{options}: not with --pretrained, whose model has sizes of its own")
    defaults = PRETRAINED if arguments.pretrained else TEXTS if arguments.data else DOCSTRINGS
    for name, value in defaults.items():
        if getattr(arguments, name) is None and not (arguments.pretrained and name in SIZES):
            setattr(arguments, name, value)
    for name in ("data", "unlabelled", "general_text", "valid", "test", "pretrained"):
        path = getattr(arguments, name)
        option = "--" + name.replace("_", "-")
        if isinstance(path, Path) and not path.exists():
            parser.error(f"{option}: {path} does not exist")
        if (
            isinstance(path, Path)
            and not arguments.data
            and name in ("unlabelled", "valid", "test")
        ):
            parser.error(f"{option}: a path needs --data beside it")
    if len(arguments.epochs) != len(arguments.learning_rates):
        parser.error("--epochs and --learning-rates: one of each for every stage")
    if arguments.general_text and arguments.pretrained:
        parser.error("--general-text and --pretrained: only one of the two")
    if (arguments.output / "checkpoints").exists() and not arguments.resume:
        parser.error(f"--output: {arguments.output} holds a run; give --resume, or another folder")
    return parser, arguments


def main(argv=None):
    """Runs the script; returns its exit code."""
    parser, arguments = parse_arguments(argv)
    import environment  # before TensorFlow

    environment.keep_one_heap()
    import ulmfit_preparation
    import ulmfit_training

    try:
        data = ulmfit_preparation.prepare(arguments)
    except ValueError as error:  # what tfast says of bad input, before work is lost
        parser.error(str(error))
    result = ulmfit_training.run(arguments, data)
    rival = result["tfidf_accuracy"]
    rival = "not measured, see above" if rival is None else f"{rival:.2%}"
    print(f"\nOf {result['test_texts']:,} test texts right, see {arguments.output}:")
    print(f"  ULMFiT                            {result['accuracy']:.2%}")
    print(f"  TF-IDF with logistic regression   {rival}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
