import keras
import numpy as np

from tfast.training.checkpoints.resume import resumable_fit
from tfast.training.learning_rates import LayerwiseLearningRates

STEPS_PER_EPOCH = 4


def batches(first_step):
    step = first_step
    while True:
        random = np.random.RandomState(step)
        yield random.standard_normal((4, 3)).astype("float32"), random.standard_normal((4, 2))
        step += 1


class Stop(keras.callbacks.Callback):
    """Breaks the fit behind a step, counted over all epochs."""

    def __init__(self, steps):
        super().__init__()
        self.steps_left = steps

    def on_train_batch_end(self, batch, logs=None):
        self.steps_left -= 1
        if self.steps_left == 0:
            raise KeyboardInterrupt


def run(path, *, seed=0, stop_behind=0):
    """Weights and optimizer state behind two epochs with rates for two groups."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile(keras.optimizers.Adam(0.05, weight_decay=0.1), "mse")
    callbacks = [LayerwiseLearningRates([[layer] for layer in layers], [0.1, 1.0])]
    callbacks += [Stop(stop_behind)] if stop_behind else []
    options = {"epochs": 2, "steps_per_epoch": STEPS_PER_EPOCH, "save_every": 1, "verbose": 0}
    try:
        resumable_fit(model, batches, checkpoint=path, callbacks=callbacks, **options)
    except KeyboardInterrupt:
        return None
    return [np.array(each) for each in [*model.variables, *model.optimizer.variables]]


def test_broken_run_with_layer_wise_rates_ends_like_one_left_alone(tmp_path):
    alone = run(tmp_path / "alone.npz")
    assert run(tmp_path / "broken.npz", stop_behind=STEPS_PER_EPOCH + 2) is None
    found = run(tmp_path / "broken.npz", seed=9)
    for each, expected in zip(found, alone, strict=True):
        np.testing.assert_array_equal(each, expected)
