"""Times what the training toolkit adds to a step: rates for groups, freezing, statistics.

    python scripts/benchmarks/training.py             # all parts
    python scripts/benchmarks/training.py rates       # one of them

Each rival trains the same network on the same batch, the way `model.fit` does, callbacks
included. A rival's step is traced once; then all take turns, a few steps each, in shuffled
order, for many rounds. Compared are the blocks of one round, and reported is the median over the
rounds, with an interval that holds the true one 19 times in 20. Processor time is that of all
threads together, and hardly cares who else uses the machine; wall time is what a user feels.
"the same again" is one more plain model: what it differs by is no one's merit, and no smaller
difference means anything. All parts take some minutes on two idle processors.
"""

from tfast.cli import environment  # isort: skip

environment.prepare()

import argparse
import functools

import keras
import numpy as np
import tensorflow as tf
from timing import environment_line, print_overheads, side_by_side

from tfast.training import (
    FusedAdam,
    LayerwiseLearningRates,
    TrainingStatistics,
    discriminative_rates,
    freeze_to,
)

MULTIPLIERS = discriminative_rates(0.01, 1.0, 4)


def convolutional_network():
    """Sixteen convolutions with batch norm, 62 weights: most of a step is the two passes."""
    blocks = [
        keras.Sequential(
            [
                layer
                for position in range(4)
                for layer in (
                    keras.layers.Conv2D(
                        width, 3, strides=2 if position == 0 else 1, padding="same", use_bias=False
                    ),
                    keras.layers.BatchNormalization(),
                    keras.layers.ReLU(),
                )
            ],
            name=f"block{number}",
        )
        for number, width in enumerate((32, 64, 128, 256))
    ]
    pool, head = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10, name="head")
    model = keras.Sequential([keras.Input((64, 64, 3)), *blocks, pool, head])
    return model, [[blocks[0]], [blocks[1]], [blocks[2]], [blocks[3], head]]


def dense_network():
    """Twelve wide layers and few examples: most of a step is the optimizer's."""
    layers = [keras.layers.Dense(512, activation="relu", name=f"dense{n}") for n in range(12)]
    head = keras.layers.Dense(10, name="head")
    model = keras.Sequential([keras.Input((512,)), *layers, head])
    return model, [layers[:4], layers[4:8], layers[8:], [head]]


NETWORKS = {"convolutions": convolutional_network, "dense layers": dense_network}
BATCH_SIZE = 16
# Steps of a block: enough of them that a round's first one, after others' data, weighs little.
BLOCK_STEPS = {"convolutions": 3, "dense layers": 10}
# Rounds for each of which there is about the same time.
ROUNDS = {"convolutions": 60, "dense layers": 120}


class Training:
    """A fit that stands still between two blocks of steps, its callbacks attached.

    Its loop is that of Keras's `fit`. A new `fit` for each block would trace again with some
    callbacks, and spend more time before and after its steps than in them.
    """

    def __init__(self, model, callbacks=()):
        random = np.random.RandomState(0)
        images = random.standard_normal((BATCH_SIZE, *model.input_shape[1:])).astype("float32")
        labels = random.randint(10, size=BATCH_SIZE)
        batches = tf.data.Dataset.from_tensors((images, labels)).cache().repeat()
        self.model, self.batches, self.step = model, iter(batches), 0
        self.callbacks = keras.callbacks.CallbackList(list(callbacks), model=model)
        model.make_train_function()
        self.callbacks.on_train_begin()
        self.callbacks.on_epoch_begin(0)

    def run(self, num_steps):
        """Goes on for some steps."""
        for _ in range(num_steps):
            self.callbacks.on_train_batch_begin(self.step)
            logs = self.model.train_function(self.batches)
            self.callbacks.on_train_batch_end(self.step, logs)
            self.step += 1


def compiled(make_network, make_optimizer):
    """(compiled model, its groups)."""
    model, groups = make_network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(make_optimizer(groups), loss)
    return model, groups


def plain_adam(groups):
    """One rate for all."""
    return keras.optimizers.Adam(1e-4, weight_decay=1e-4)


def fused_adam(groups):
    """The same steps, each one operation."""
    return FusedAdam(1e-4, weight_decay=1e-4)


def multi_optimizer(groups):
    """Keras's own way: an Adam for each group."""
    adams = [keras.optimizers.Adam(1e-4 * m, weight_decay=1e-4) for m in MULTIPLIERS]
    adam_of = {
        id(weight): adam
        for group, adam in zip(groups, adams, strict=True)
        for layer in group
        for weight in layer.weights
    }
    return keras.optimizers.MultiOptimizer(lambda weight: adam_of[id(weight)])


def compare(title, trainings, *, num_steps, rounds):
    """Times blocks of steps and prints what each training takes above the first."""
    works = {
        label: functools.partial(training.run, num_steps) for label, training in trainings.items()
    }
    timings = side_by_side(works, rounds=rounds)
    print_overheads(f"{title}, {rounds} blocks of {num_steps} steps", timings, steps=num_steps)


def bench_rates(scale):
    """LayerwiseLearningRates and keras.optimizers.MultiOptimizer beside the plain optimizer."""
    for name, make_network in NETWORKS.items():
        trainings = {
            "plain Adam": Training(compiled(make_network, plain_adam)[0]),
            "the same again": Training(compiled(make_network, plain_adam)[0]),
            "LayerwiseLearningRates": with_rates(make_network, plain_adam),
            "FusedAdam": Training(compiled(make_network, fused_adam)[0]),
            "FusedAdam with rates": with_rates(make_network, fused_adam),
            "keras.optimizers.MultiOptimizer": Training(compiled(make_network, multi_optimizer)[0]),
        }
        sizes = {"num_steps": BLOCK_STEPS[name], "rounds": scaled(ROUNDS[name], scale)}
        compare(f"rates of four groups, {name}", trainings, **sizes)


def with_rates(make_network, make_optimizer):
    """A `Training` at four rates."""
    model, groups = compiled(make_network, make_optimizer)
    return Training(model, [LayerwiseLearningRates(groups, MULTIPLIERS)])


def bench_freezing(scale):
    """freeze_to beside a model of which everything trains."""
    for name, make_network in NETWORKS.items():
        trainings = {}
        for label, level in (("everything trains", 0), ("half", 2), ("last group of four", -1)):
            model, groups = compiled(make_network, plain_adam)
            freeze_to(model, groups, level)
            trainings[label] = Training(model)
        # A saving of many percent needs no fine scale.
        sizes = {"num_steps": BLOCK_STEPS[name], "rounds": scaled(ROUNDS[name] / 4, scale)}
        compare(f"freeze_to, {name}", trainings, **sizes)


def bench_statistics(scale):
    """TrainingStatistics, one measurement in ten steps, beside none.

    A measurement is a step of its own. So a whole batch costs a tenth of the training, and half
    a batch a twentieth, at the least: less than that no measuring of gradients can cost here.
    """
    trainings = {"without": Training(compiled(convolutional_network, plain_adam)[0])}
    random = np.random.RandomState(1)
    for label, size in (("half a batch", BATCH_SIZE // 2), ("a whole batch", BATCH_SIZE)):
        model, _ = compiled(convolutional_network, plain_adam)
        images = random.standard_normal((size, *model.input_shape[1:])).astype("float32")
        names = [layer.name for layer in model._flatten_layers() if "re_lu" in layer.name]
        statistics = TrainingStatistics(names, (images, random.randint(10, size=size)), every=10)
        trainings[f"of {len(names)} layers on {label}"] = Training(model, [statistics])
    sizes = {"num_steps": 10, "rounds": scaled(24, scale)}  # one measurement in each block
    compare("TrainingStatistics, one in 10 steps", trainings, **sizes)


def scaled(rounds, scale):
    """A whole number of rounds."""
    return max(1, round(rounds * scale))


PARTS = {"rates": bench_rates, "freezing": bench_freezing, "statistics": bench_statistics}


def main():
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all without any")
    parser.add_argument("--scale", type=float, default=1.0, help="times as many rounds")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - PARTS.keys()
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    print(environment_line("tensorflow", "keras"))
    for part in arguments.parts or PARTS:
        PARTS[part](arguments.scale)


if __name__ == "__main__":
    main()
