import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.training.checkpoints.resume import resumable_fit
from tfast.training.inspection.statistics import TrainingStatistics
from tfast.training.layer_groups import freeze_to

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((16, 4)).astype("float32")
Y = RANDOM.standard_normal((16, 2)).astype("float32")


def make_model(*, drop_rate=0.5, **compile_options):
    layers = [
        keras.Input((4,)),
        keras.layers.Dense(6, name="dense"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.ReLU(name="relu"),
        keras.layers.Dropout(drop_rate, name="dropout"),
        keras.layers.Dense(2, name="head", dtype="float32"),
    ]
    model = keras.Sequential(layers)
    options = {"run_eagerly": True, "metrics": ["mae"]} | compile_options
    model.compile(keras.optimizers.Adam(0.01), "mse", **options)
    return model


def fit(model, callbacks=(), **options):
    options = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0} | options
    return model.fit(X, Y, callbacks=list(callbacks), **options)


def test_numbers_are_those_of_numpy():
    dense, head = (
        keras.layers.Dense(3, activation="relu", name="dense"),
        keras.layers.Dense(2, name="head"),
    )
    model = keras.Sequential([keras.Input((4,)), dense, head])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    statistics = TrainingStatistics(
        [dense], (X, Y), near_zero=0.3, histogram_range=(-1, 3), num_bins=4
    )
    fit(model, [statistics], epochs=1, batch_size=16)

    hidden = np.maximum(X @ dense.kernel.numpy(), 0)
    assert statistics.steps == [1]
    np.testing.assert_allclose(statistics.means["dense"], [hidden.mean()], rtol=1e-5)
    np.testing.assert_allclose(statistics.standard_deviations["dense"], [hidden.std()], rtol=1e-5)
    assert statistics.near_zero_shares["dense"] == pytest.approx([(hidden < 0.3).mean()])
    counts, _ = np.histogram(np.clip(hidden, -1, 2.999), bins=4, range=(-1, 3))
    np.testing.assert_allclose(statistics.histograms["dense"][0], counts / 48, atol=1e-6)

    error = 2 * (hidden @ head.kernel.numpy() - Y) / Y.size
    gradient = np.concatenate([(hidden.T @ error).ravel(), error.sum(0)])
    expected = np.linalg.norm(gradient) / np.linalg.norm(head.kernel.numpy())
    assert list(statistics.gradient_ratios) == ["dense", "head"]
    np.testing.assert_allclose(statistics.gradient_ratios["head"], [expected], rtol=1e-5)


def test_training_with_it_gives_the_same_bits():
    ends = []
    for callbacks in ([], [TrainingStatistics(["relu"], (X[:8], Y[:8]), every=3)]):
        keras.utils.set_random_seed(1)
        model = make_model(run_eagerly=False, jit_compile=False)
        history = fit(model, callbacks, validation_data=(X, Y))
        variables = model.variables + model.optimizer.variables
        ends.append(([np.asarray(v).tobytes() for v in variables], history.history))
    assert callbacks[0].steps == [1, 4, 7]
    assert ends[0] == ends[1]


def test_steps_of_one_execution_are_counted():
    statistics = TrainingStatistics(["relu"], (X, Y), every=4)
    model = make_model(run_eagerly=False, jit_compile=False, steps_per_execution=2)
    fit(model, [statistics])
    assert statistics.steps == [2, 6]


def test_second_fit_goes_on():
    statistics = TrainingStatistics(["relu"], (X, Y), every=2)
    model = make_model()
    for _ in range(2):
        fit(model, [statistics], epochs=1)
    assert statistics.steps == [1, 3, 5, 7]


def test_frozen_layers_have_no_gradient():
    model = make_model()
    groups = [model.layers[:2], model.layers[2:]]
    statistics = TrainingStatistics(["relu"], (X, Y), every=4)
    freeze_to(model, groups, 1)
    fit(model, [statistics], epochs=1)
    assert list(statistics.gradient_ratios) == ["norm", "head"]  # batch norm goes on
    freeze_to(model, groups, 0)
    fit(model, [statistics], epochs=1)
    dense = statistics.gradient_ratios["dense"]
    assert np.isnan(dense[0])
    assert dense[1] > 0


@pytest.mark.parametrize(
    ("change", "message", "step"),
    [
        (lambda model: model.layers[1].beta.assign(-100 * np.ones(6)), "relu has dead activ", 2),
        (lambda model: model.layers[1].gamma.assign(1e5 * np.ones(6)), "relu has exploding act", 1),
        (lambda model: model.layers[0].bias.assign(np.nan * np.ones(6)), "relu has activation", 1),
        (lambda model: model.layers[4].bias.assign(1e38 * np.ones(2)), "head has a gradient th", 1),
        (
            lambda model: model.layers[4].bias.assign(1e8 * np.ones(2)),
            "norm has an exploding gra",
            1,
        ),
    ],
)
def test_trouble_is_named_with_layer_and_step_once(change, message, step):
    model = make_model()
    change(model)
    statistics = TrainingStatistics(["relu"], (X, Y), every=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(model, [statistics], epochs=1)
    shown = [str(warning.message) for warning in caught]
    shown = [text for text in shown if message in text]
    assert len(shown) == 1
    assert shown[0].startswith("layer ")
    assert shown[0].endswith(f"at step {step}")


def test_nothing_is_said_of_a_healthy_model():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(make_model(), [TrainingStatistics(["relu"], (X, Y), every=1)])


def test_nothing_is_said_of_a_block_that_begins_with_zeros():
    norm = keras.layers.BatchNormalization(gamma_initializer="zeros", name="norm")
    head = keras.layers.Dense(2, bias_initializer="ones", name="head")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6), norm, head])
    model.compile(keras.optimizers.SGD(1e-4), "mse", run_eagerly=True)
    statistics = TrainingStatistics(["norm"], (X, Y), every=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(model, [statistics])
    assert max(statistics.gradient_ratios["norm"]) > 1e3
    assert min(statistics.near_zero_shares["norm"]) > 0.99


def test_killed_and_resumed_it_has_the_same_statistics(tmp_path):
    def run(path, *, kill=False):
        def interrupt(batch, logs):
            if kill and model.optimizer.iterations == 6:  # inside the second epoch
                raise KeyboardInterrupt

        keras.utils.set_random_seed(1)
        model = make_model()
        statistics = TrainingStatistics(["relu"], (X, Y), every=2)
        batches = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4).repeat()
        resumable_fit(
            model,
            lambda first_step: batches.skip(first_step),
            epochs=2,
            steps_per_epoch=4,
            checkpoint=path,
            save_every=1,
            callbacks=[statistics, keras.callbacks.LambdaCallback(on_train_batch_begin=interrupt)],
            verbose=0,
        )
        return statistics

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", kill=True)
    whole, resumed = run(tmp_path / "whole"), run(tmp_path / "killed")
    assert resumed.steps == [1, 3, 5, 7]
    for name, value in whole.get_state().items():
        np.testing.assert_array_equal(resumed.get_state()[name], value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": []}, "layers must be .*, got none"),
        ({"layers": ["relu"], "every": 0}, "every must be a whole number"),
        ({"layers": ["relu"], "num_bins": 0.5}, "num_bins must be a whole number"),
        ({"layers": ["relu"], "histogram_range": (1, 1)}, "histogram_range must rise"),
        ({"layers": ["nose"]}, "no layer 'nose'"),
        ({"layers": [keras.layers.ReLU(name="relu")]}, "no layer 'relu'"),
        ({"layers": ["relu", "relu"]}, "a name comes twice"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit(make_model(), [TrainingStatistics(data=(X, Y), **arguments)])
