"""Times differentiable Swift against Keras: lesson 12 in small, and the gradient of an LSTM.

    python scripts/benchmarks/swift_training.py [--build swift_notes/.build/release]

Build first: `swift build -c release --package-path swift_notes`. Fifty steps of the same lesson
(mixup, label smoothing, one-cycle SGD with momentum), in three sizes:

    Swift           tfast-grad, one thread, in a process that has run the lesson before
    tf.function     a custom loop, one traced step called fifty times
    model.fit       with tfast's callback, as a user calls it: it traces its step in each fit

The two rivals use all processors unless TF_NUM_INTRAOP_THREADS says otherwise. Last comes what a
user waits for from the start of a process: `tfast-grad train` and the same in Python.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
LESSONS = {
    "hidden 32, batch 64": {"hidden": 32, "batch_size": 64},
    "hidden 256, batch 256": {"hidden": 256, "batch_size": 256},
    "hidden 1024, batch 512": {"hidden": 1024, "batch_size": 512},
}
STEPS = 50
LSTMS = {  # batch, time, inputs, units
    "LSTM 8 x 10, 32 units": (8, 10, 32, 32),
    "LSTM 16 x 35, 256 units": (16, 35, 400, 256),
}

sys.path.insert(0, str(ROOT / "swift_notes" / "python"))


def traced_training(lesson):
    """A function that trains as the lesson says, in one traced step, and returns the losses."""
    import keras
    import tensorflow as tf
    from digits_lesson import compiled_model, mixed_batches, set_first_weights

    from tfast.training import OneCycle, OneCycleMomentum

    model = compiled_model(lesson)
    variables = [variable.value for variable in model.trainable_variables]
    velocities = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
    smoothing = lesson["label_smoothing"]
    loss_function = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing
    )
    rates = OneCycle(lesson["peak_learning_rate"], total_steps=STEPS)
    momenta = OneCycleMomentum(total_steps=STEPS)

    @tf.function
    def step(number, images, labels):
        with tf.GradientTape() as tape:
            loss = loss_function(labels, model(images, training=True))
        gradients = tape.gradient(loss, variables)
        rate, momentum = rates(number), momenta(number)
        for variable, velocity, gradient in zip(variables, velocities, gradients, strict=True):
            velocity.assign(momentum * velocity - rate * gradient)
            variable.assign_add(velocity)
        return loss

    data = mixed_batches(lesson)

    def train():
        set_first_weights(model, lesson)
        for velocity in velocities:
            velocity.assign(tf.zeros_like(velocity))
        losses = [step(tf.constant(n), *batch) for n, batch in enumerate(data)]
        return [float(loss) for loss in losses]

    return train


def lstm_gradient(batch, length, inputs, units):
    """A function that computes the gradient of an LSTM's weights, traced."""
    import keras
    import tensorflow as tf

    layer = keras.layers.LSTM(units, return_sequences=True)
    sequence = tf.random.uniform((batch, length, inputs), -0.05, 0.05)
    layer.build(sequence.shape)
    variables = [variable.value for variable in layer.trainable_variables]

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(sequence))
        return tape.gradient(total, variables)

    return lambda: gradient()[0].numpy()


def compare_lessons(program, folder):
    """Prints a comparison for each lesson, and how far the losses are apart."""
    from digits_lesson import make_lesson, train_with_keras
    from timing import print_comparison, side_by_side

    for name, sizes in LESSONS.items():
        lesson = make_lesson(steps=STEPS, **sizes)
        file = Path(folder) / "lesson.json"
        file.write_text(json.dumps(lesson))
        train = traced_training(lesson)

        def swift(file=file):
            return statistics.median(run(program, "time", file, 3))

        rivals = {
            "Swift": swift,
            "tf.function": clocked(train),
            "model.fit": clocked(lambda lesson=lesson: train_with_keras(lesson)),
        }
        timings = side_by_side(rivals, rounds=7, own_clock=True)
        print_comparison(f"{STEPS} steps, {name}", timings, amount=STEPS, unit="steps")
        ours, keras_losses = run(program, "train", file)["losses"], train_with_keras(lesson)[0]
        for rival, losses in (("tf.function", train()), ("model.fit", keras_losses)):
            furthest = np.abs(np.array(ours) - losses).max()
            print(f"  largest difference of a loss from {rival}'s: {furthest:.1e}")


def compare_lstms(program):
    """Prints a comparison for each size of LSTM."""
    from timing import print_comparison, side_by_side

    for name, sizes in LSTMS.items():
        rivals = {
            "Swift": lambda sizes=sizes: statistics.median(run(program, "time-lstm", *sizes, 3)),
            "tf.function": clocked(lstm_gradient(*sizes)),
        }
        timings = side_by_side(rivals, rounds=7, own_clock=True)
        print_comparison(f"Gradient of the weights, {name}", timings)


def compare_starts(program, folder):
    """Prints what passes from the start of a process to the fiftieth loss."""
    from digits_lesson import make_lesson
    from timing import print_comparison, side_by_side

    file = Path(folder) / "lesson.json"
    file.write_text(json.dumps(make_lesson(steps=STEPS, **LESSONS["hidden 32, batch 64"])))
    code = (
        "import json, sys; from digits_lesson import train_with_keras; "
        "train_with_keras(json.load(open(sys.argv[1])))"
    )
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "swift_notes/python"), str(ROOT)])
    }
    timings = side_by_side(
        {
            "tfast-grad train": lambda: run(program, "train", file),
            "Python, model.fit": lambda: subprocess.run(
                [sys.executable, "-c", code, file],
                check=True,
                env=environment,
                stderr=subprocess.DEVNULL,
            ),
        },
        rounds=3,
        warmups=1,
    )
    print_comparison(f"From the start of a process, {STEPS} steps, hidden 32, batch 64", timings)


def clocked(work):
    """`work` as a function that returns the seconds it took, as the Swift program tells its own."""

    def timed():
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return timed


def run(program, *arguments):
    """The JSON that `tfast-grad` prints."""
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main():
    """Reads the command line and prints all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "swift_notes/.build/release")
    program = parser.parse_args().build / "tfast-grad"
    if not program.is_file():
        parser.error(f"--build must be a folder with tfast-grad, got {program.parent}")
    from timing import environment_line

    version = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=False)
    print(environment_line("tensorflow", "keras"))
    print(version.stdout.splitlines()[0])
    with tempfile.TemporaryDirectory() as folder:
        compare_starts(program, folder)
        compare_lessons(program, folder)
        compare_lstms(program)


if __name__ == "__main__":
    main()
