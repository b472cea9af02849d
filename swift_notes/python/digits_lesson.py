"""Lesson 12 in small, the Keras side: every choice of a run as numbers, and the run itself.

A lesson is a dictionary that JSON can hold. `tfast-grad train FILE` reads it and takes the
same steps in Swift.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

from tfast.training import MomentumSchedule, OneCycle, OneCycleMomentum
from tfast.vision.mixup import blend_examples, draw_mix

NUM_CLASSES = 10


def make_lesson(
    *,
    num_images: int | None = None,
    steps: int = 50,
    batch_size: int = 64,
    hidden: int = 32,
    alpha: float = 0.4,
    label_smoothing: float = 0.1,
    peak_learning_rate: float = 0.3,
    seed: int = 0,
) -> dict:
    """Draws a lesson on scikit-learn's digits.

    Args:
        num_images: how many of the 1,797 digits; None for all. The last fifth is for counting
            right answers, the others are trained on.
        steps: training steps.
        batch_size: images in a step.
        hidden: units of the hidden layer.
        alpha: of mixup's Beta distribution.
        label_smoothing: from 0 to below 1.
        peak_learning_rate: top of the one-cycle schedule.
        seed: of every random choice.

    Returns:
        The lesson. Weights are rounded to four digits, so that the file is short and both
        sides read the same numbers.
    """
    pixels, labels = load_digits(return_X_y=True)
    pixels, labels = pixels[:num_images].astype(int), labels[:num_images]
    num_training = len(labels) - len(labels) // 5
    random = np.random.default_rng(seed)
    order = np.concatenate(
        [random.permutation(num_training) for _ in range(1 + steps * batch_size // num_training)]
    )
    mixes = [draw_mix(batch_size, alpha, seed=[seed, step]) for step in range(steps)]
    return {
        # A letter for each pixel, "a" for 0 to "q" for 16.
        "images": ["".join(chr(ord("a") + pixel) for pixel in image) for image in pixels],
        "labels": labels.tolist(),
        "classes": NUM_CLASSES,
        "training_images": num_training,
        "hidden_kernel": _glorot(random, pixels.shape[1], hidden),
        "output_kernel": _glorot(random, hidden, NUM_CLASSES),
        "batches": order[: steps * batch_size].reshape(steps, batch_size).tolist(),
        "partners": [partners.numpy().tolist() for _, partners in mixes],
        "weights": [_rounded(weights.numpy()) for weights, _ in mixes],
        "label_smoothing": label_smoothing,
        "peak_learning_rate": peak_learning_rate,
    }


def train_with_keras(lesson: dict) -> tuple[list[float], float]:
    """Trains as the lesson says, with `model.fit`, Keras's SGD and tfast's one-cycle.

    Args:
        lesson: what `make_lesson` returned.

    Returns:
        The loss of each step before its update, and the fraction right among the images that
        were not trained on.
    """
    model, losses = compiled_model(lesson), _StepLosses()
    data, watchers = mixed_batches(lesson), [*callbacks(lesson), losses]
    model.fit(data, callbacks=watchers, shuffle=False, verbose=0)
    pixels, labels = _pixels(lesson), np.array(lesson["labels"])
    unseen = slice(lesson["training_images"], None)
    answers = model.predict(pixels[unseen], verbose=0).argmax(axis=1)
    return losses.losses, float(np.mean(answers == labels[unseen]))


def compiled_model(lesson: dict) -> keras.Model:
    """The two-layer network with its first weights, its loss and its optimizer."""
    steps, hidden = len(lesson["batches"]), len(lesson["output_kernel"])
    model = keras.Sequential(
        [
            keras.Input((len(lesson["hidden_kernel"]),)),
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dense(lesson["classes"]),
        ]
    )
    set_first_weights(model, lesson)
    schedule = OneCycle(lesson["peak_learning_rate"], total_steps=steps)
    model.compile(
        # Keras builds its velocity only when it starts with a momentum.
        optimizer=keras.optimizers.SGD(schedule, momentum=0.9),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=lesson["label_smoothing"]
        ),
    )
    return model


def set_first_weights(model: keras.Model, lesson: dict) -> None:
    """Puts the model back to the weights with which the lesson begins."""
    hidden, classes = len(lesson["output_kernel"]), lesson["classes"]
    model.set_weights(
        [
            np.array(lesson["hidden_kernel"], "float32"),
            np.zeros(hidden, "float32"),
            np.array(lesson["output_kernel"], "float32"),
            np.zeros(classes, "float32"),
        ]
    )


def callbacks(lesson: dict) -> list[keras.callbacks.Callback]:
    """One-cycle's momentum."""
    return [MomentumSchedule(OneCycleMomentum(total_steps=len(lesson["batches"])))]


def mixed_batches(lesson: dict) -> tf.data.Dataset:
    """The batches of the lesson in their order, blended by `tfast.vision.mixup`."""
    pixels = _pixels(lesson)
    targets = np.eye(lesson["classes"], dtype="float32")[lesson["labels"]]
    choices = (
        np.array(lesson["batches"], "int32"),
        np.array(lesson["weights"], "float32"),
        np.array(lesson["partners"], "int32"),
    )

    def mix_batch(batch, weights, partners):
        images, labels = tf.gather(pixels, batch), tf.gather(targets, batch)
        return blend_examples(images, labels, weights, partners)

    return tf.data.Dataset.from_tensor_slices(choices).map(mix_batch)


class _StepLosses(keras.callbacks.Callback):
    """The loss of each batch alone; what `fit` reports is the mean since the epoch began."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(float(logs["loss"]))


def _pixels(lesson):
    codes = np.frombuffer("".join(lesson["images"]).encode(), np.uint8) - ord("a")
    return (codes.reshape(len(lesson["images"]), -1) / 16).astype("float32")


def _glorot(random, inputs, outputs):
    limit = np.sqrt(6 / (inputs + outputs))
    return [_rounded(row) for row in random.uniform(-limit, limit, (inputs, outputs))]


def _rounded(values):
    return [round(float(value), 4) for value in values]
