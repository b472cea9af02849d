"""Models and training tools on Keras's PyTorch backend: they work, and train what they should."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tfast.training.inspection.statistics import TrainingStatistics
from tfast.training.learning_rates import LayerwiseLearningRates
from tfast.training.momentum import MomentumSchedule

INPUTS = np.random.RandomState(0).standard_normal((8, 4)).astype("float32")
TARGETS = np.random.RandomState(1).standard_normal((8, 2)).astype("float32")


def trained(callback=None, *, rate=0.05, epochs=2, model=None):
    """The model, behind some epochs of momentum; two dense layers, `body` and `head`."""
    if model is None:
        keras.utils.set_random_seed(0)
        body, head = keras.layers.Dense(3, name="body"), keras.layers.Dense(2, name="head")
        model = keras.Sequential([keras.Input((4,)), body, head])
        model.compile(keras.optimizers.SGD(rate, momentum=0.9, weight_decay=0.1), "mse")
    callbacks = [callback(model)] if callback else []
    options = {"batch_size": 2, "shuffle": False, "verbose": 0, "epochs": epochs}
    model.fit(INPUTS, TARGETS, callbacks=callbacks, **options)
    return model


def rates(multipliers):
    return lambda model: LayerwiseLearningRates([[layer] for layer in model.layers], multipliers)


def test_one_multiplier_for_all_is_another_rate():
    halved, slow = trained(rates([0.5, 0.5])), trained(rate=0.025)
    for found, expected in zip(halved.get_weights(), slow.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_what_rests_stays_as_it_is_and_the_rest_goes_on():
    model = trained()
    body, head = (layer.get_weights()[0] for layer in model.layers)
    trained(rates([0, 1]), model=model)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], body)
    assert np.any(model.layers[1].get_weights()[0] != head)


def test_momentum_follows_the_step():
    def one_then_another(step):
        return 0.9 - 0.3 * keras.ops.cast(step % 2, "float32")

    model = trained(lambda model: MomentumSchedule(one_then_another), epochs=1)
    assert model.optimizer.momentum == 0.9
    expected = trained(epochs=0)
    for step in range(4):
        expected.optimizer.momentum = float(one_then_another(step))
        expected.train_on_batch(INPUTS[2 * step :][:2], TARGETS[2 * step :][:2])
    for found, weight in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(found, weight, atol=1e-6)
    assert np.any(np.abs(found - trained(epochs=1).get_weights()[-1]) > 1e-3)


def test_measuring_changes_nothing():
    kept = []

    def statistics(model):
        kept.append(TrainingStatistics(["body"], (INPUTS, TARGETS), every=3))
        return kept[0]

    measured, plain = trained(statistics), trained()
    assert kept[0].steps == [1, 4, 7]
    assert np.isfinite(kept[0].means["body"]).all()
    assert min(kept[0].gradient_ratios["head"]) > 0
    for found, expected in zip(measured.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("part", "precision"), [("images", "float32"), ("texts", "float16")])
def test_image_and_language_models_train_in_the_benchmark(monkeypatch, capsys, part, precision):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "scripts" / "benchmarks")
    import gpu

    gpu.main([part, "--tiny", "--rounds", "1", "--precisions", precision])
    written = capsys.readouterr().out
    assert "backend torch, device " in written
    assert f" 1.00 times {precision}; " in written
