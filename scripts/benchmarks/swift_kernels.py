"""Times Swift called from Python against tfast: mixup, and the rule for repeated characters.

    python scripts/benchmarks/swift_kernels.py --texts imdb_train.csv.gz

Build first: `swift build -c release --package-path swift_notes`. Mixup of one batch:

    tfast           `blend_examples`, which XLA compiles into one pass
    TF operations   the same, operation by operation, in a `tf.function`
    Swift operation the kernel registered with TensorFlow
    Swift, ctypes   the same Swift function through `tf.numpy_function`

Texts go through `Dataset.map` in batches of 256: those of a CSV file with a column `text`, if
`--texts` names one, and some that are full of runs.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import csv
import gzip
import random
import sys
from pathlib import Path

import tensorflow as tf
from timing import environment_line, print_comparison, side_by_side

from tfast.text.tokenization.repetitions import mark_character_runs
from tfast.vision.mixup import blend_examples, draw_mix

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "swift_notes" / "python"))

from swift_kernels import SwiftKernels, load_mixup_operation

SHAPES = {"64 x 128 x 128 x 3": (64, 128, 128, 3), "2 x 4": (2, 4)}
NUM_TEXTS = 25000


def compare_mixup(kernels, operation):
    """Prints a comparison for each shape."""
    for name, shape in SHAPES.items():
        images = tf.random.uniform(shape)
        weights, partners = draw_mix(shape[0], 0.4, seed=[1, 2])
        labels = tf.zeros((shape[0], 1))
        columns = tf.reshape(weights, [-1] + [1] * (len(shape) - 1))

        rivals = {
            "tfast": lambda *batch: blend_examples(batch[0], labels, batch[2], batch[1])[0],  # noqa: B023
            "TF operations": lambda images, partners, _: (
                columns * images + (1 - columns) * tf.gather(images, partners)  # noqa: B023
            ),
            "Swift operation": lambda images, partners, weights: operation(
                examples=images, partners=partners, weights=weights
            ),
            "Swift, ctypes": kernels.blend_tensors,
        }
        repeats = 10 if len(shape) > 2 else 200
        works = {}
        for label, blend in rivals.items():
            traced = tf.function(blend)

            def work(traced=traced, batch=(images, partners, weights), repeats=repeats):
                for _ in range(repeats):
                    blended = traced(*batch)
                blended.numpy()

            works[label] = work
        timings = side_by_side(works, rounds=15)
        print_comparison(f"Mixup, {repeats} times {name}", timings, amount=repeats, unit="batches")


def compare_texts(name, kernels, texts):
    """Prints a comparison of the text rule, and whether the results are equal."""
    data = tf.data.Dataset.from_tensor_slices(texts).batch(256)

    def work(rule):
        marked = data.map(rule)
        return lambda: [batch.numpy() for batch in marked]

    works = {"tfast": work(mark_character_runs), "Swift, ctypes": work(kernels.mark_tensors)}
    for ours, theirs in zip(*(work() for work in works.values()), strict=True):
        assert ours.tolist() == theirs.tolist()
    timings = side_by_side(works, rounds=7)
    title = f"Repeated characters marked, equal results on {len(texts)} {name}"
    print_comparison(title, timings, amount=len(texts), unit="texts")


def texts_full_of_runs(count):
    """Texts of about 30 characters, half of which repeat."""
    choose = random.Random(0)
    return [
        "".join(choose.choice("abc !é日😀") * choose.choice([1, 1, 3, 5]) for _ in range(12))
        for _ in range(count)
    ]


def read_texts(path, count):
    """The first `count` texts of a CSV file."""
    csv.field_size_limit(2**31 - 1)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        return [row["text"] for row, _ in zip(csv.DictReader(file), range(count), strict=False)]


def main():
    """Reads the command line and prints all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "swift_notes/.build/release")
    parser.add_argument("--texts", type=Path)
    arguments = parser.parse_args()
    kernels = SwiftKernels(arguments.build)
    print(environment_line("tensorflow", "numpy"))
    compare_mixup(kernels, load_mixup_operation(arguments.build))
    if arguments.texts:
        compare_texts("texts of the file", kernels, read_texts(arguments.texts, NUM_TEXTS))
    compare_texts("texts full of runs", kernels, texts_full_of_runs(NUM_TEXTS))


if __name__ == "__main__":
    main()
