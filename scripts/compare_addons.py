"""tensorflow-addons 0.23 itself beside tfast: trajectory against trajectory, step against step.

    python scripts/compare_addons.py

Needs the extra `addons` (Python 3.11). Addons is at the end of its life and its objects cannot
meet those of Keras 3, so it runs in a process of its own, in which the name `keras` is an
alias of `tf_keras`. Both sides train the same network on the same batches from the same
weights, with a learning rate for each of two groups of layers.
"""

import environment  # noqa: F401  isort: skip  (before TensorFlow)

import argparse
import functools
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
from measure import environment_line, print_comparison, side_by_side

RATES = (0.01, 0.1)
OPTIMIZERS = {"Adam": {}, "SGD": {"momentum": 0.9}}
NUM_STEPS = 20  # of a trajectory
TIMED_STEPS = 100  # few: both sides of a round see the same seconds of the machine
PATIENCE = 300  # seconds for an answer of the other process


def why_not():
    """Why addons cannot run here, or None."""
    missing = [
        name for name in ("tensorflow_addons", "tf_keras") if not importlib.util.find_spec(name)
    ]
    if missing:
        return f"needs the extra `addons` (Python 3.11): no {' and no '.join(missing)}"
    return None


def make_network(keras, width, depth):
    """Dense layers of given weights, made with Keras 3 or with tf_keras; body and head."""
    body = [keras.layers.Dense(width, activation="tanh") for _ in range(depth)]
    head = [keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.layers.InputLayer((8,)), *body, *head])
    random = np.random.RandomState(1)
    scale = 1.2 / np.sqrt(width)
    model.set_weights([scale * random.standard_normal(w.shape) for w in model.get_weights()])
    return model, body, head


def train(model, num_steps, callbacks):
    """One pass over batches of 16 examples."""
    random = np.random.RandomState(2)
    inputs = random.standard_normal((num_steps * 16, 8)).astype("float32")
    labels = random.randint(3, size=(num_steps * 16, 1))
    model.fit(inputs, labels, batch_size=16, shuffle=False, verbose=0, callbacks=callbacks)


def trajectory(keras, model, callbacks):
    """All weights after each step, as one list of numbers a step."""
    steps = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(
            np.concatenate([weight.ravel() for weight in model.get_weights()]).tolist()
        )
    )
    train(model, NUM_STEPS, [*callbacks, watch])
    return steps


def timed(keras, model, callbacks):
    """Seconds of TIMED_STEPS steps behind the first of a fit."""
    ends = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter())
    )
    train(model, TIMED_STEPS + 1, [*callbacks, watch])
    return ends[-1] - ends[0]


def tfast_model(optimizer, width, depth):
    """(keras, compiled model, callbacks) with LayerwiseLearningRates."""
    import keras

    from tfast.training.learning_rates import LayerwiseLearningRates

    model, body, head = make_network(keras, width, depth)
    kind = getattr(keras.optimizers, optimizer)
    model.compile(kind(RATES[1], **OPTIMIZERS[optimizer]), "sparse_categorical_crossentropy")
    rates = LayerwiseLearningRates([body, head], [RATES[0] / RATES[1], 1])
    return keras, model, [rates]


def addons_model(optimizer, width, depth):
    """(keras, compiled model, callbacks) with addons' MultiOptimizer; in its process only."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tf_keras

    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "tf_keras":
            sys.modules["keras" + name.removeprefix("tf_keras")] = module
    import tensorflow_addons

    model, body, head = make_network(tf_keras, width, depth)
    kind = getattr(tf_keras.optimizers.legacy, optimizer)
    optimizers = [kind(rate, **OPTIMIZERS[optimizer]) for rate in RATES]
    multi = tensorflow_addons.optimizers.MultiOptimizer(
        [(optimizers[0], body), (optimizers[1], head)]
    )
    model.compile(multi, "sparse_categorical_crossentropy")
    return tf_keras, model, []


class Addons:
    """The process in which addons lives. It answers a line of JSON with a line of JSON."""

    def __enter__(self):
        command = [sys.executable, "-W", "ignore", __file__, "--addons"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(self, *exception):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def ask(self, **question):
        """The answer to a question, see `answer_questions`."""
        print(json.dumps(question), file=self.process.stdin, flush=True)
        # Killed when it takes too long, it closes the pipe that is read from.
        limit = threading.Timer(PATIENCE, self.process.kill)
        limit.start()
        answer = self.process.stdout.readline()
        limit.cancel()
        if not answer:
            raise RuntimeError(
                "the process of tensorflow-addons ended, with its error above, or gave no answer "
                f"in {PATIENCE} seconds and was killed"
            )
        return json.loads(answer)


def answer_questions():
    """What the process of addons does: builds models, trains them, says how it went."""
    # Whatever else prints goes elsewhere: the answers have the line for themselves.
    answers, sys.stdout = sys.stdout, sys.stderr
    models = {}
    for line in sys.stdin:
        question = json.loads(line)
        key = question["optimizer"], question["width"], question["depth"]
        if key not in models:
            models[key] = addons_model(*key)
        work = {"trajectory": trajectory, "timed": timed}[question["work"]]
        print(json.dumps(work(*models[key])), file=answers, flush=True)


def largest_differences(addons):
    """Mapping of optimizer to the largest difference of any weight after any step."""
    return {
        optimizer: float(
            np.abs(
                np.array(trajectory(*tfast_model(optimizer, width=16, depth=1)))
                - addons.ask(work="trajectory", optimizer=optimizer, width=16, depth=1)
            ).max()
        )
        for optimizer in OPTIMIZERS
    }


def main():
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--addons", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=21)
    arguments = parser.parse_args()
    if why_not():
        sys.exit(why_not())
    if arguments.addons:
        answer_questions()
        return
    print(environment_line("tensorflow", "keras", "tf-keras", "tensorflow-addons"))
    with Addons() as addons:
        for optimizer, difference in largest_differences(addons).items():
            print(f"{optimizer}: {NUM_STEPS} steps, weights differ by {difference:.2e} at most")
        for width, depth in ((64, 4), (512, 8)):
            sizes = {"optimizer": "Adam", "width": width, "depth": depth}
            ours = tfast_model(**sizes)
            works = {
                "tfast LayerwiseLearningRates": functools.partial(timed, *ours),
                "addons MultiOptimizer": functools.partial(addons.ask, work="timed", **sizes),
            }
            seconds = side_by_side(works, rounds=arguments.rounds, own_clock=True)
            title = f"Adam, {depth} layers of {width}, {TIMED_STEPS} steps of fit"
            print_comparison(title, seconds, amount=TIMED_STEPS, unit="steps")


if __name__ == "__main__":
    main()
