"""tensorflow-addons 0.23 itself next to tfast: trajectory against trajectory, step against step.

    python scripts/benchmarks/addons.py

Needs the extra `addons` (Python 3.11). Addons is at the end of its life and its objects cannot
meet those of Keras 3, so it runs in a process of its own, in which the name `keras` is an alias
of `tf_keras`. Both sides train the same network on the same batches from the same weights, with a
learning rate for each of two groups of layers.
"""

from tfast.cli import environment  # isort: skip

environment.prepare()

import argparse
import functools
import importlib.util
import sys
from pathlib import Path

import keras
import numpy as np
from rivals import rival
from timing import environment_line, print_comparison, side_by_side

from tfast.training import LayerwiseLearningRates

sys.path.insert(0, str(Path(__file__).parent / "workers"))
from addons_network import (
    NUM_STEPS,
    OPTIMIZERS,
    RATES,
    TIMED_STEPS,
    make_network,
    timed,
    trajectory,
)

WORKER = "addons.py"


def why_not():
    """Why addons cannot run here, or None."""
    missing = [
        name for name in ("tensorflow_addons", "tf_keras") if not importlib.util.find_spec(name)
    ]
    if missing:
        return f"needs the extra `addons` (Python 3.11): no {' and no '.join(missing)}"
    return None


def tfast_model(optimizer, width, depth):
    """(keras, compiled model, callbacks) with LayerwiseLearningRates."""
    model, body, head = make_network(keras, width, depth)
    kind = getattr(keras.optimizers, optimizer)
    model.compile(kind(RATES[1], **OPTIMIZERS[optimizer]), "sparse_categorical_crossentropy")
    rates = LayerwiseLearningRates([body, head], [RATES[0] / RATES[1], 1])
    return keras, model, [rates]


def largest_differences(addons):
    """Mapping of optimizer to the largest difference of any weight after any step."""
    return {
        optimizer: float(
            np.abs(
                np.array(trajectory(*tfast_model(optimizer, width=16, depth=1)))
                - addons.ask("trajectory", optimizer=optimizer, width=16, depth=1)
            ).max()
        )
        for optimizer in OPTIMIZERS
    }


def main():
    """Prints both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    arguments = parser.parse_args()
    if why_not():
        sys.exit(why_not())
    print(environment_line("tensorflow", "keras", "tf-keras", "tensorflow-addons"))
    with rival(sys.executable, WORKER) as addons:
        for optimizer, difference in largest_differences(addons).items():
            print(f"{optimizer}: {NUM_STEPS} steps, weights differ by {difference:.2e} at most")
        for width, depth in ((64, 4), (512, 8)):
            sizes = {"optimizer": "Adam", "width": width, "depth": depth}
            works = {
                "tfast LayerwiseLearningRates": functools.partial(timed, *tfast_model(**sizes)),
                "addons MultiOptimizer": addons.work("timed", **sizes),
            }
            timings = side_by_side(works, rounds=arguments.rounds, own_clock=True)
            title = f"Adam, {depth} layers of {width}, {TIMED_STEPS} steps of fit"
            print_comparison(title, timings, amount=TIMED_STEPS, unit="steps")


if __name__ == "__main__":
    main()
