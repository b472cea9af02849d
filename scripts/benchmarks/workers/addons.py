"""The side of addons.py where tensorflow-addons lives: `keras` is an alias of `tf_keras`."""

import functools
import os
import sys

from addons_network import OPTIMIZERS, RATES, make_network, timed, trajectory
from rivals import serve


@functools.cache
def addons_model(optimizer, width, depth):
    """(keras, compiled model, callbacks) with addons' MultiOptimizer."""
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


if __name__ == "__main__":
    works = {
        "trajectory": lambda **sizes: trajectory(*addons_model(**sizes)),
        "timed": lambda **sizes: timed(*addons_model(**sizes)),
    }
    serve("tensorflow-addons 0.23 on tf-keras", works)
