"""Times what the training toolkit adds to a step: rates for groups, freezing, statistics.

    python scripts/bench_training.py             # all parts
    python scripts/bench_training.py rates       # one of them

Each rival trains the same network on the same batches with `model.fit`, in turn, and each
round begins with another one. Counted is the processor time of the steps behind the first ones
of a fit, callbacks included: what a fit costs before and after its steps is no part of a step.
Wall time would be what a user feels, but differences of a percent or two drown in it on a
machine that others share. All parts take about six minutes on two processors.
"""

import environment  # noqa: F401  isort: skip  (before TensorFlow)

import argparse
import time

import keras
import numpy as np
import tensorflow as tf
from measure import environment_line, print_overheads, side_by_side

from tfast.training.layer_groups import freeze_to
from tfast.training.learning_rates import LayerwiseLearningRates, discriminative
from tfast.training.statistics import TrainingStatistics

MULTIPLIERS = discriminative(0.01, 1.0, 4)


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


# Of each: how to make it, examples in a batch, steps counted in a round.
NETWORKS = {
    "convolutions": (convolutional_network, 16, 20),
    "dense layers": (dense_network, 16, 100),
}


# Steps at the beginning of a fit that trace, and fill what later ones find filled.
UNCOUNTED = 3


class ProcessorTime(keras.callbacks.Callback):
    """Seconds that all threads together spent on the steps behind the first ones."""

    def on_train_batch_end(self, batch, logs=None):
        """Begins to count, or counts."""
        now = time.process_time()
        if batch == UNCOUNTED - 1:
            self.begin = now
        self.end = now


def training_work(model, batch_size, num_steps, callbacks=()):
    """A function that trains `model` and gives the seconds of `num_steps` steps."""
    random = np.random.RandomState(0)
    images = random.standard_normal((batch_size, *model.input_shape[1:])).astype("float32")
    labels = random.randint(10, size=batch_size)
    batches = tf.data.Dataset.from_tensors((images, labels)).cache().repeat(UNCOUNTED + num_steps)

    def work():
        clock = ProcessorTime()
        model.fit(batches, verbose=0, shuffle=False, callbacks=[*callbacks, clock])
        return clock.end - clock.begin

    return work


def compiled(make_network, make_optimizer):
    """(compiled model, its groups)."""
    model, groups = make_network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(make_optimizer(groups), loss)
    return model, groups


def plain_adam(groups):
    """One rate for all."""
    return keras.optimizers.Adam(1e-4, weight_decay=1e-4)


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


def compare(title, works, *, rounds, num_steps):
    """Times the works and prints what each takes above the first."""
    seconds = side_by_side(works, rounds=rounds, warmups=1, own_clock=True)
    print_overheads(f"{title}, {num_steps} steps a round", seconds, steps=num_steps)


def bench_rates(rounds):
    """LayerwiseLearningRates and keras.optimizers.MultiOptimizer beside the plain optimizer."""
    for name, (make_network, *sizes) in NETWORKS.items():
        plain, _ = compiled(make_network, plain_adam)
        ours, groups = compiled(make_network, plain_adam)
        multi, _ = compiled(make_network, multi_optimizer)
        rates = LayerwiseLearningRates(groups, MULTIPLIERS)
        works = {
            "plain Adam": training_work(plain, *sizes),
            "LayerwiseLearningRates": training_work(ours, *sizes, [rates]),
            "keras.optimizers.MultiOptimizer": training_work(multi, *sizes),
        }
        compare(f"rates of four groups, {name}", works, rounds=rounds, num_steps=sizes[1])


def bench_freezing(rounds):
    """freeze_to beside a model of which everything trains."""
    for name, (make_network, *sizes) in NETWORKS.items():
        works = {}
        for label, level in (("everything trains", 0), ("half", 2), ("last group of four", -1)):
            model, groups = compiled(make_network, plain_adam)
            freeze_to(model, groups, level)
            works[label] = training_work(model, *sizes)
        compare(f"freeze_to, {name}", works, rounds=rounds, num_steps=sizes[1])


def bench_statistics(rounds):
    """TrainingStatistics, one measurement in ten steps, beside none.

    A measurement is a step of its own. So a whole batch costs a tenth of the training, and half
    a batch a twentieth, at the least: less than that no measuring of gradients can cost here.
    """
    make_network, batch_size, num_steps = NETWORKS["convolutions"]
    plain, _ = compiled(make_network, plain_adam)
    works = {"without": training_work(plain, batch_size, num_steps)}
    random = np.random.RandomState(1)
    for label, size in (("half a batch", batch_size // 2), ("a whole batch", batch_size)):
        model, _ = compiled(make_network, plain_adam)
        images = random.standard_normal((size, *model.input_shape[1:])).astype("float32")
        names = [layer.name for layer in model._flatten_layers() if "re_lu" in layer.name]
        statistics = TrainingStatistics(names, (images, random.randint(10, size=size)), every=10)
        works[f"of {len(names)} layers on {label}"] = training_work(
            model, batch_size, num_steps, [statistics]
        )
    compare("TrainingStatistics, one in 10 steps", works, rounds=rounds, num_steps=num_steps)


PARTS = {"rates": bench_rates, "freezing": bench_freezing, "statistics": bench_statistics}


def main():
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all without any")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - PARTS.keys()
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    print(environment_line("tensorflow", "keras"))
    for part in arguments.parts or PARTS:
        PARTS[part](arguments.rounds)


if __name__ == "__main__":
    main()
