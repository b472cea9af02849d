import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_weights import golden_json

from tfast.training.optimizers.rectified_adam import RectifiedAdam

GOLDEN = golden_json("tensorflow_addons_optimizers.json")


def trajectory(optimizer, *, graph):
    """Values of both variables after each golden gradient."""
    start = [np.float32(GOLDEN["start"][name]) for name in ("w1", "w2")]
    gradients = zip(*(np.float32(GOLDEN["gradients"][name]) for name in ("w1", "w2")), strict=True)
    variables = [keras.Variable(value) for value in start]
    optimizer.build(variables)
    apply = lambda *gradients: optimizer.apply(list(gradients), variables)  # noqa: E731
    apply = tf.function(apply) if graph else apply
    for pair in gradients:
        apply(*[tf.constant(gradient) for gradient in pair])
        yield [np.asarray(variable) for variable in variables]


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_trajectory_equals_tensorflow_addons(graph):
    expected = GOLDEN["runs"]["rectified_adam_0.1"]["trajectory"]
    for actual, step in zip(trajectory(RectifiedAdam(0.1), graph=graph), expected, strict=True):
        for a, e in zip(actual, step, strict=True):
            np.testing.assert_allclose(a, e, atol=1e-5, rtol=0)


@pytest.mark.parametrize("epsilon", [1e-7, 0.1])
def test_rectified_adam_adds_epsilon_to_the_debiased_root(epsilon):
    start, gradient, steps = 1.0, 0.5, 8
    weight = keras.Variable([start])
    optimizer = RectifiedAdam(0.1, epsilon=epsilon)
    for _ in range(steps):
        optimizer.apply([tf.constant([gradient])], [weight])
    # Of a constant gradient both debiased moments are known. Addons' formula, and fastai's.
    longest, expected = 2 / (1 - 0.999) - 1, start
    for step in range(1, steps + 1):
        length = longest - 2 * step * 0.999**step / (1 - 0.999**step)
        factor = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        scale = np.sqrt(factor) / (gradient + epsilon) if length >= 5 else 1
        expected -= 0.1 * gradient * scale
    np.testing.assert_allclose(weight.numpy(), [expected], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "scale"),
    [({"clipvalue": 0.5}, 0.5), ({"gradient_accumulation_steps": 2}, 2)],
    ids=["clipping", "accumulation"],
)
def test_rectified_adam_clips_and_accumulates(options, scale):
    weights = []
    for factor, chosen in ((1, options), (scale, {})):
        weight = keras.Variable([1.0, -1.0])
        optimizer = RectifiedAdam(0.1, **chosen)
        gradient = tf.constant([1.0, 1.0])
        if "clipvalue" in options:
            gradients = [gradient * factor] * 8
        else:  # their mean is 2
            gradients = [gradient, 3 * gradient] * 8 if chosen else [gradient * factor] * 8
        for each in gradients:
            optimizer.apply([each], [weight])
        weights.append(weight.numpy())
    np.testing.assert_allclose(*weights, atol=1e-6)
