"""Images per second of tfast's XResNets next to keras.applications and fastai; time of mixup.

    python scripts/benchmarks/images.py --fastai-python ~/fastai/bin/python

The rivals take turns, so that a slow minute of the machine hits them all. What is timed is the
bare step on one batch in memory: no reading of images. fastai runs in a process of its own,
channels-last, once with its Adam and once with PyTorch's fused one; without --fastai-python its
lines are left out.
"""

from tfast.cli import environment  # isort: skip

environment.prepare()

import argparse

import keras
import numpy as np
import tensorflow as tf
from rivals import rival
from timing import environment_line, print_comparison, side_by_side

from tfast.training import FusedAdam
from tfast.vision import mixup, xresnet

# Name, pixels, batch size, steps a timed call, rivals in keras.applications.
CASES = [
    ("xresnet50", 128, 16, 1, {"keras ResNet50": keras.applications.ResNet50}),
    ("xresnet18", 32, 64, 3, {}),
]


def main():
    """Prints every comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fastai-python", help="a Python with fastai")
    parser.add_argument("--rounds", type=int, default=9, help="timed calls of each rival")
    arguments = parser.parse_args()
    print(environment_line("tfast", "tensorflow", "keras"))
    missing = "fastai: left out, see --fastai-python"
    with rival(arguments.fastai_python, "images_fastai.py", missing=missing) as fastai:
        for case in CASES:
            compare_models(*case, fastai, arguments.rounds)
    compare_mixups(arguments.rounds)


def compare_models(name, pixels, batch_size, steps, rivals, fastai, rounds):
    """Training, then inference, of one model of ours and its rivals."""
    shape = (pixels, pixels, 3)
    models = {f"tfast {name}": (getattr(xresnet, name)(10, input_shape=shape), FusedAdam)}
    for label, make in rivals.items():
        model = make(weights=None, classes=10, input_shape=shape, classifier_activation=None)
        models[label] = model, keras.optimizers.Adam
    training, inference = {}, {}
    for label, (model, optimizer) in models.items():
        training[label], inference[label] = steps_of(model, optimizer, batch_size, steps)
    if fastai:
        sizes = {"model": name, "pixels": pixels, "batch_size": batch_size, "steps": steps}
        training[f"fastai {name}"] = fastai.work("train", **sizes)
        training["  with PyTorch's fused Adam"] = fastai.work("train_fused", **sizes)
        inference[f"fastai {name}"] = fastai.work("predict", **sizes)
    case = f"{name}, {pixels} px, batch {batch_size}"
    amount = steps * batch_size
    for title, works in ((f"Training, {case}", training), (f"Inference, {case}", inference)):
        print_comparison(title, side_by_side(works, rounds=rounds), amount=amount, unit="images")


def steps_of(model, optimizer, batch_size, steps):
    """Two functions, each for `steps` steps on one batch: training, inference."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(1e-3), loss)
    images = tf.random.normal((batch_size, *model.input_shape[1:]))
    labels = tf.range(batch_size) % 10

    def train():
        for _ in range(steps):
            model.train_on_batch(images, labels)

    def predict():
        for _ in range(steps):
            model.predict_on_batch(images)

    return train, predict


def compare_mixups(rounds, *, batches=20, shape=(64, 128, 128, 3)):
    """Maps of a dataset's batches: two that mix them, and one that copies them."""
    images = np.random.default_rng(0).random(shape, dtype="float32")
    labels = np.eye(10, dtype="float32")[np.arange(shape[0]) % 10]
    dataset = tf.data.Dataset.from_tensors((images, labels)).repeat()
    stock = keras.layers.MixUp(alpha=0.4)

    def stock_map(images, labels):
        mixed = stock({"images": images, "labels": labels}, training=True)
        return mixed["images"], mixed["labels"]

    def copy(images, labels):
        # tf.identity would pass on the same memory.
        return tf.raw_ops.DeepCopy(x=images), tf.raw_ops.DeepCopy(x=labels)

    def take(function):
        iterator = iter(dataset.map(function))
        return lambda: [next(iterator) for _ in range(batches)]

    works = {
        "tfast mixup": take(mixup(alpha=0.4)),
        "keras.layers.MixUp": take(stock_map),
        "copying each batch once": take(copy),
    }
    print_comparison(
        f"Mixup of {batches} batches {shape}",
        side_by_side(works, rounds=rounds),
        amount=batches,
        unit="batches",
    )


if __name__ == "__main__":
    main()
