import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.recipes import DivergedError
from tfast.recipes.ulmfit_stage import StageFiles, fit_stage, num_weights
from tfast.training.unfreezing import Stage

OPTIONS = {"settings": {"seed": 0}, "clip_norm": None, "loss": "mse"}


def make_batches(first_step):
    x = np.linspace(0, 1, 8, dtype="float32").reshape(4, 2, 1)
    dataset = tf.data.Dataset.from_tensor_slices((x, 2 * x))
    return dataset if first_step is None else dataset.repeat().skip(first_step)


def make_model():
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1), keras.layers.Dense(1)])


def fit(model, output, rate=0.1, **options):
    groups = [[layer] for layer in model.layers]
    files = StageFiles(output, "general/model")
    stages = [Stage(-1, rate, 1), Stage(0, rate, 1)]
    return fit_stage(
        files, model, groups=groups, stages=stages, make_batches=make_batches,
        validation=make_batches(None), save_every=100, **OPTIONS | options,
    )  # fmt: skip


def test_a_stage_leaves_history_and_curves_and_is_not_fitted_twice(tmp_path):
    model, seconds = fit(make_model(), tmp_path)
    names = ["model_curves.png", "model_history.csv"]
    assert sorted(path.name for path in (tmp_path / "general").iterdir()) == names
    assert (tmp_path / "checkpoints" / "general" / "model.npz").is_file()
    again, same_seconds = fit(make_model(), tmp_path)
    assert same_seconds == seconds
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_epoch_may_be_a_number_of_steps(tmp_path):
    model, _ = fit(make_model(), tmp_path, steps_per_epoch=3)
    assert int(model.optimizer.iterations) == 2 * 3


def test_a_stage_that_diverges_leaves_no_model(tmp_path):
    with pytest.raises(DivergedError, match="diverged"):
        fit(make_model(), tmp_path, rate=1e38)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoints"]


def test_carried_states_are_not_counted_as_weights():
    model = make_model()
    model.layers[0].trainable = False
    assert num_weights(model) == 2
