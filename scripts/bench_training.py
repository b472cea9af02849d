"""Times what the training toolkit adds to a step: rates for groups, freezing, statistics.

    python scripts/bench_training.py             # all parts
    python scripts/bench_training.py rates       # one of them

Each rival trains the same network on the same batches with `model.fit`, in turn.
"""

import environment  # noqa: F401  isort: skip  (before TensorFlow)

import argparse

import keras
import numpy as np
import tensorflow as tf
from measure import environment_line, print_comparison, side_by_side

from tfast.training.layer_groups import freeze_to
from tfast.training.learning_rates import LayerwiseLearningRates, discriminative
from tfast.training.statistics import TrainingStatistics

NUM_STEPS = 10
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


NETWORKS = {"convolutions": (convolutional_network, 16), "dense layers": (dense_network, 16)}


def training_work(model, batch_size, callbacks=()):
    """A function that trains `model` for NUM_STEPS batches."""
    random = np.random.RandomState(0)
    images = random.standard_normal((batch_size, *model.input_shape[1:])).astype("float32")
    labels = random.randint(10, size=batch_size)
    batches = tf.data.Dataset.from_tensors((images, labels)).cache().repeat(NUM_STEPS)

    def work():
        model.fit(batches, verbose=0, shuffle=False, callbacks=list(callbacks))

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


def bench_rates(rounds):
    """LayerwiseLearningRates beside the plain optimizer and keras.optimizers.MultiOptimizer."""
    for name, (make_network, batch_size) in NETWORKS.items():
        plain, _ = compiled(make_network, plain_adam)
        ours, groups = compiled(make_network, plain_adam)
        multi, _ = compiled(make_network, multi_optimizer)
        rates = LayerwiseLearningRates(groups, MULTIPLIERS)
        works = {
            "LayerwiseLearningRates": training_work(ours, batch_size, [rates]),
            "plain Adam": training_work(plain, batch_size),
            "keras.optimizers.MultiOptimizer": training_work(multi, batch_size),
        }
        print_comparison(
            f"rates of four groups, {name}, {NUM_STEPS} steps",
            side_by_side(works, rounds=rounds),
            amount=NUM_STEPS,
            unit="steps",
        )


def bench_freezing(rounds):
    """freeze_to against a model of which everything trains."""
    for name, (make_network, batch_size) in NETWORKS.items():
        works = {}
        for label, level in (("last group of four trains", -1), ("half", 2), ("everything", 0)):
            model, groups = compiled(make_network, plain_adam)
            freeze_to(model, groups, level)
            works[label] = training_work(model, batch_size)
        print_comparison(
            f"freeze_to, {name}, {NUM_STEPS} steps",
            side_by_side(works, rounds=rounds),
            amount=NUM_STEPS,
            unit="steps",
        )


def bench_statistics(rounds):
    """TrainingStatistics, one measurement in ten steps, beside none."""
    make_network, batch_size = NETWORKS["convolutions"]
    measured, _ = compiled(make_network, plain_adam)
    plain, _ = compiled(make_network, plain_adam)
    random = np.random.RandomState(1)
    probe = (
        random.standard_normal((batch_size // 2, *measured.input_shape[1:])).astype("float32"),
        random.randint(10, size=batch_size // 2),
    )
    names = [layer.name for layer in measured._flatten_layers() if "re_lu" in layer.name]
    statistics = TrainingStatistics(names, probe, every=NUM_STEPS)
    works = {
        f"of {len(names)} layers on half a batch": training_work(
            measured, batch_size, [statistics]
        ),
        "without": training_work(plain, batch_size),
    }
    print_comparison(
        f"TrainingStatistics, one in {NUM_STEPS} steps",
        side_by_side(works, rounds=rounds),
        amount=NUM_STEPS,
        unit="steps",
    )


PARTS = {"rates": bench_rates, "freezing": bench_freezing, "statistics": bench_statistics}


def main():
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all without any")
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - PARTS.keys()
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    print(environment_line("tensorflow", "keras"))
    for part in arguments.parts or PARTS:
        PARTS[part](arguments.rounds)


if __name__ == "__main__":
    main()
