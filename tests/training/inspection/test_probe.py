import keras
import numpy as np
import pytest

from tfast.training.inspection.probe import Probe
from tfast.training.inspection.statistics import TrainingStatistics

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


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_gradient_of_an_embedding_counts_repeated_rows_together(policy):
    keras.mixed_precision.set_dtype_policy(policy)
    embedding = keras.layers.Embedding(5, 3, name="embedding")
    layers = [embedding, keras.layers.Flatten(), keras.layers.Dense(1, dtype="float32")]
    model = keras.Sequential([keras.Input((6,), dtype="int32"), *layers])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    ids, targets = np.ones((4, 6), "int32"), np.ones((4, 1), "float32")
    statistics = TrainingStatistics(["embedding"], (ids, targets))
    model.fit(ids, targets, verbose=0, callbacks=[statistics])
    kernel, table = layers[2].kernel.numpy(), embedding.embeddings.numpy()
    error = table[1] @ kernel.reshape(6, 3).sum(0) - 1
    gradient = 2 * error * kernel.reshape(6, 3).sum(0)
    expected = np.linalg.norm(gradient) / np.linalg.norm(table)
    tolerance = 1e-5 if policy == "float32" else 1e-2
    np.testing.assert_allclose(statistics.gradient_ratios["embedding"], [expected], rtol=tolerance)


def test_another_loss_is_measured_after_compile():
    model, statistics = make_model(drop_rate=0.0), TrainingStatistics(["relu"], (X, Y), every=4)
    optimizer = keras.optimizers.SGD(0.0)
    for factor in (1, 1000):
        model.compile(optimizer, "mse", loss_weights=[factor], run_eagerly=True)
        fit(model, [statistics], epochs=1)
    one, thousand = statistics.gradient_ratios["head"]
    assert thousand == pytest.approx(1000 * one, rel=1e-3)


def test_float16_gradients_are_those_of_float32():
    ratios = []
    for policy in ("float32", "mixed_float16"):
        keras.mixed_precision.set_dtype_policy(policy)
        keras.utils.set_random_seed(3)
        statistics = TrainingStatistics(["relu"], (X, Y))
        # Dropout would draw other masks.
        fit(make_model(drop_rate=0.0), [statistics], epochs=1)
        ratios.append([values[0] for values in statistics.gradient_ratios.values()])
    np.testing.assert_allclose(*ratios, rtol=0.05)


def test_measuring_changes_nothing_but_what_it_returns():
    model = make_model(run_eagerly=False)
    fit(model, epochs=1)
    state = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    before = [np.array(variable) for variable in state]
    options = {"near_zero": 0.05, "histogram_range": (-1, 1), "num_bins": 4}
    probe = Probe(model, [model.get_layer("relu")], **options)
    moments, histograms, ratios = probe.measure((X, Y))
    assert probe.belongs_to(model)
    assert not probe.belongs_to(make_model())
    for variable, value in zip(state, before, strict=True):
        np.testing.assert_array_equal(np.array(variable), value)
    assert np.shape(moments) == (1, 3)
    assert histograms[0].sum() == pytest.approx(1)
    assert list(ratios) == ["dense", "norm", "head"]
    assert "call" not in vars(model.get_layer("relu"))
