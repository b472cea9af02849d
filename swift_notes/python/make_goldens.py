"""Writes what the Swift tests compare with: values and gradients from TensorFlow and Keras.

    python swift_notes/python/make_goldens.py

Run it from the repository's root, with tfast installed. The files it writes, in
`swift_notes/Tests/TfastGradTests/Goldens`, are committed.
"""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from digits_lesson import make_lesson, train_with_keras

from tfast.training import OneCycle, OneCycleMomentum
from tfast.vision.mixup import blend_examples

GOLDENS = Path(__file__).parents[1] / "Tests/TfastGradTests/Goldens"


def lstm() -> dict:
    """`keras.layers.LSTM` over a short sequence, and the gradients of all it reads."""
    random = np.random.default_rng(1)
    batch, time, inputs, units = 3, 5, 4, 6
    values = {
        "kernel": _normal(random, inputs, 4 * units),
        "recurrent_kernel": _normal(random, units, 4 * units),
        "bias": _normal(random, 1, 4 * units),
        "inputs": _normal(random, time, batch, inputs),
        "hidden": _normal(random, batch, units),
        "carry": _normal(random, batch, units),
        # The loss: every output times a number of its own, summed.
        "output_weights": _normal(random, time, batch, units),
    }
    layer = keras.layers.LSTM(units, return_sequences=True, return_state=True)
    layer.build((batch, time, inputs))
    layer.set_weights([values["kernel"], values["recurrent_kernel"], values["bias"][0]])
    sequence, hidden, carry = (tf.constant(values[name]) for name in ("inputs", "hidden", "carry"))
    with tf.GradientTape() as tape:
        tape.watch([sequence, hidden, carry])
        by_batch = tf.transpose(sequence, [1, 0, 2])
        outputs, last_hidden, last_carry = layer(by_batch, initial_state=[hidden, carry])
        weights = tf.transpose(values["output_weights"], [1, 0, 2])
        loss = tf.reduce_sum(outputs * weights)
    watched = [weight.value for weight in layer.trainable_weights] + [sequence, hidden, carry]
    kernel, recurrent_kernel, bias, *others = tape.gradient(loss, watched)
    names = ("kernel", "recurrent_kernel", "bias", "inputs", "hidden", "carry")
    gradients = [kernel, recurrent_kernel, bias[tf.newaxis], *others]
    return {
        **values,
        "loss": loss,
        "last_hidden": last_hidden,
        "last_carry": last_carry,
        "gradients": dict(zip(names, gradients, strict=True)),
    }


def losses() -> dict:
    """Cross-entropy with and without label smoothing, against one-hot and mixed labels."""
    random = np.random.default_rng(2)
    logits = 2 * _normal(random, 6, 10)
    labels, partners = random.integers(0, 10, 6), random.permutation(6)
    weights = np.round(random.uniform(0.5, 1, 6), 4).astype("float32")
    one_hot = tf.one_hot(labels, 10)
    _, mixed = blend_examples(logits, one_hot, weights, partners)
    cases = []
    for targets in (one_hot, mixed):
        for smoothing in (0.0, 0.1, 0.3):
            loss_function = keras.losses.CategoricalCrossentropy(
                from_logits=True, label_smoothing=smoothing
            )
            watched = tf.constant(logits)
            with tf.GradientTape() as tape:
                tape.watch(watched)
                loss = loss_function(targets, watched)
            cases.append(
                {
                    "mixed": targets is mixed,
                    "label_smoothing": smoothing,
                    "loss": loss,
                    "gradient": tape.gradient(loss, watched),
                }
            )
    return {
        "logits": logits,
        "labels": labels,
        "partners": partners,
        "weights": weights,
        "cases": cases,
    }


def one_cycle() -> dict:
    """Schedules of rate and momentum, and two steps after their end."""
    rate, momentum = OneCycle(0.3, total_steps=40), OneCycleMomentum(total_steps=40)
    steps = range(42)
    return {
        "peak": 0.3,
        "total_steps": 40,
        "learning_rates": [rate(step) for step in steps],
        "momenta": [momentum(step) for step in steps],
    }


def digits() -> dict:
    """The lesson on the first 640 digits, and what Keras made of it."""
    lesson = make_lesson(num_images=640)
    step_losses, accuracy = train_with_keras(lesson)
    return {"lesson": lesson, "losses": step_losses, "accuracy": accuracy}


def _normal(random, *shape):
    """Standard normal numbers of four digits."""
    return np.round(random.standard_normal(shape), 4).astype("float32")


def _plain(value):
    """Arrays and tensors as lists; float32 in as few digits as tell it apart."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(part) for part in value]
    if hasattr(value, "numpy"):
        return _plain(value.numpy())
    if isinstance(value, np.ndarray):
        return [_plain(part) for part in value] if value.ndim else _plain(value[()])
    if isinstance(value, np.floating):
        return float(str(value))
    return value.item() if isinstance(value, np.integer) else value


def main() -> None:
    """Writes the four files."""
    GOLDENS.mkdir(parents=True, exist_ok=True)
    for make in (lstm, losses, one_cycle, digits):
        text = json.dumps(_plain(make()), separators=(",", ":"))
        (GOLDENS / f"{make.__name__}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
