"""Times one LSTM layer and one training step of the language model, tfast against its rivals.

    python scripts/benchmarks/language_model.py --fastai-python ../fastai/bin/python

Stock Keras runs in this Python, fastai (and PyTorch's own LSTM) in the one given, with fastai's own
Adam and with PyTorch's fused one; without it they are left out. Each rival runs in a process of its
own, in turn with the others; the peak of its memory is that process's. Next to the step one plain
matrix product is timed, of the size of the decoder's: its rate is about what the machine can do,
and the fraction that the step reaches of it says how much is left to gain.
"""

import argparse
import contextlib
import itertools
import statistics
import sys

from rivals import rival
from timing import print_comparison, side_by_side

BATCH, TIME = 32, 70
# By work: label of each rival, and the function of workers/language_model.py that it runs.
RIVALS = {
    "layer": {"tfast": "tfast_layer", "keras": "keras_layer", "fastai": "fastai_layer"},
    "step": {
        "tfast": "tfast_step",
        "keras": "keras_step",
        "fastai": "fastai_step",
        "fastai, fused Adam": "fastai_fused_step",
        "one product": "tfast_product",
    },
}


def print_share(sizes, product, step):
    """How near the step comes to the rate of the plain product, given the timings of both.

    A step has each product forward, and two backward: towards the inputs and the weights.
    """
    widths = [sizes.embed, sizes.hidden, sizes.hidden, sizes.embed]
    lstms = sum(4 * width * (before + width) for before, width in itertools.pairwise(widths))
    decoder = sizes.vocab * sizes.embed
    rate = 2 * BATCH * TIME * decoder / _median(product)
    our_rate = 3 * 2 * BATCH * TIME * (lstms + decoder) / _median(step)
    print(f"  one product {rate / 1e9:.1f} GFLOP/s, tfast's step {our_rate / rate:.0%} of that")


def _median(timings):
    return statistics.median(timing.wall for timing in timings)


def compare(work, sizes, arguments):
    """Times all rivals of one kind of work, in turn."""
    with contextlib.ExitStack() as stack:
        rivals = {}
        for label, function in RIVALS[work].items():
            python = arguments.fastai_python if label.startswith("fastai") else sys.executable
            process = stack.enter_context(
                rival(python, "language_model.py", function, *sizes.values())
            )
            if process:
                rivals[label] = process
        works = {label: process.work("run") for label, process in rivals.items()}
        timings = side_by_side(works, rounds=arguments.rounds)
        product = timings.pop("one product", None)
        title = f"{work}: {sizes}, batch {BATCH}, {TIME} time steps"
        print_comparison(title, timings, amount=BATCH * TIME, unit="tokens")
        if product:
            print_share(arguments, product, timings["tfast"])
        for label, process in rivals.items():
            print(f"  {label:20s} peak memory {process.peak_mib:8.0f} MiB")


def main():
    """Compares the layer, then the step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fastai-python", help="Python with fastai")
    parser.add_argument("--vocab", type=int, default=60_000)
    parser.add_argument("--embed", type=int, default=400)
    parser.add_argument("--hidden", type=int, default=1152)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--works", nargs="+", choices=[*RIVALS], default=[*RIVALS])
    arguments = parser.parse_args()
    sizes = {name: getattr(arguments, name) for name in ("vocab", "embed", "hidden")}
    for work in arguments.works:
        compare(work, sizes, arguments)


if __name__ == "__main__":
    main()
