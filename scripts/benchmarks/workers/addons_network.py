"""The network, the data and the two kinds of work that both sides of addons.py share."""

import time

import numpy as np

RATES = (0.01, 0.1)
OPTIMIZERS = {"Adam": {}, "SGD": {"momentum": 0.9}}
NUM_STEPS = 20  # of a trajectory
TIMED_STEPS = 100  # few: both sides of a round see the same seconds of the machine


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
    """Seconds of TIMED_STEPS steps after the first of a fit."""
    ends = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter())
    )
    train(model, TIMED_STEPS + 1, [*callbacks, watch])
    return ends[-1] - ends[0]
