import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.training.optimizers.layerwise_steps import scale_steps

# Every optimizer of Keras, with the options that give it state that can move weights.
OPTIMIZERS = {
    "Adadelta": {},
    "Adafactor": {},
    "Adagrad": {},
    "Adam": {"amsgrad": True},
    "AdamW": {},
    "Adamax": {},
    "Ftrl": {"l1_regularization_strength": 0.01},
    "Lamb": {},
    "Lion": {},
    "Muon": {},
    "Nadam": {},
    "RMSprop": {"momentum": 0.9, "centered": True},
    "SGD": {"momentum": 0.9, "nesterov": True},
    "ScheduleFreeAdamW": {},
}


def make_optimizer(name, rate=0.05, **options):
    return getattr(keras.optimizers, name)(rate, **options)


def slots_of(optimizer, weights):
    """Whatever the optimizer keeps for these weights."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    places = [optimizer._get_variable_index(weight) for weight in weights]
    lists = [value for value in vars(optimizer).values() if isinstance(value, list)]
    count = len(optimizer._trainable_variables)
    lists = [each for each in lists if len(each) == count and each[0] is not weights[0]]
    slots = [each[place] for each in lists for place in places if each[place] is not None]
    return [slot for slot in slots if isinstance(slot, keras.Variable)]


def values(variables):
    return [keras.ops.convert_to_numpy(variable).copy() for variable in variables]


def assert_equal(actual, expected, tolerance=0.0):
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance)


class Weights:
    """Two groups of weights without a model, and an optimizer that is scaled."""

    def __init__(self, optimizer, multipliers=None):
        random = np.random.RandomState(0)
        shapes = {"body/kernel": (4, 3), "body/bias": (3,), "head/kernel": (3, 2)}
        self.weights = [
            keras.Variable(random.standard_normal(shape).astype("float32"), name=name[5:])
            for name, shape in shapes.items()
        ]
        self.body, self.head = self.weights[:2], self.weights[2:]
        self.optimizer = optimizer
        optimizer.build(self.weights)
        if multipliers is not None:
            self.multipliers = keras.Variable(multipliers, dtype="float32")
            scale_steps(optimizer, [self.body, self.head], self.multipliers)

    def step(self, count):
        random = np.random.RandomState(count)
        for _ in range(count):
            gradients = [random.standard_normal(w.shape).astype("float32") for w in self.weights]
            self.optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients])

    def body_state(self):
        return values([*self.body, *slots_of(self.optimizer, self.body)])


OPTIONS = [
    {"weight_decay": 0.1},
    {"gradient_accumulation_steps": 2},
    {"clipnorm": 0.1},
    {"clipvalue": 0.1},
    {"global_clipnorm": 0.1},
    {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
]
CASES = [*OPTIMIZERS.items(), *[("Adam", options) for options in OPTIONS]]
each_case = pytest.mark.parametrize(
    ("name", "options"), CASES, ids=lambda case: case if isinstance(case, str) else "-".join(case)
)


def test_every_optimizer_of_keras_is_tested():
    classes = {
        name
        for name, value in vars(keras.optimizers).items()
        if isinstance(value, type) and issubclass(value, keras.optimizers.Optimizer)
    }
    assert classes - {"Optimizer", "LossScaleOptimizer", "MultiOptimizer"} == OPTIMIZERS.keys()


@each_case
def test_weights_and_their_state_rest_at_zero_after_steps_at_one(name, options):
    case = Weights(make_optimizer(name, **options), [1, 1])
    case.step(4)
    body, head = case.body_state(), values(case.head)
    assert len(body) > 2
    case.multipliers.assign([0, 1])
    case.step(4)
    assert_equal(case.body_state(), body)
    assert np.any(values(case.head)[0] != head[0])
    case.multipliers.assign([1, 1])
    case.step(4)
    after = case.body_state()
    assert all(np.isfinite(value).all() for value in after)
    assert np.any(after[0] != body[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "jit_compile"),
    [(*case, False) for case in CASES]
    + [("Adam", OPTIONS[0], True), ("SGD", OPTIMIZERS["SGD"], True)],
)
def test_weights_and_their_state_rest_at_zero_in_a_traced_step(name, options, jit_compile):
    case, traces = Weights(make_optimizer(name, **options), [1, 1]), []

    @tf.function(jit_compile=jit_compile)
    def step():
        traces.append(1)
        case.step(4)

    step()
    body, head = case.body_state(), values(case.head)
    case.multipliers.assign([0, 1])
    step()
    assert_equal(case.body_state(), body)
    assert np.any(values(case.head)[0] != head[0])
    case.multipliers.assign([1, 1])
    step()
    assert np.any(case.body_state()[0] != body[0])
    assert len(traces) == 1


@each_case
def test_a_multiplier_for_all_is_a_plain_run_at_that_rate(name, options):
    scaled = Weights(make_optimizer(name, 0.05, **options), [0.5, 0.5])
    plain = Weights(make_optimizer(name, 0.025, **options))
    scaled.step(6), plain.step(6)
    assert_equal(scaled.body_state(), plain.body_state())
    assert_equal(values(scaled.head), values(plain.head))


@pytest.mark.parametrize("accumulate", [None, 2])
def test_constraints_leave_weights_that_rest_where_they_are(accumulate):
    case = Weights(make_optimizer("SGD", gradient_accumulation_steps=accumulate))
    for weight in case.weights:
        weight.constraint = keras.constraints.MinMaxNorm(0.5, 0.6, rate=0.5)
    multipliers = keras.Variable([0, 1], dtype="float32")
    undo = scale_steps(case.optimizer, [case.body, case.head], multipliers)
    before = case.body_state()
    case.step(2)
    assert_equal(case.body_state()[:2], before[:2])
    multipliers.assign([1, 1])
    case.step(20)
    norms = np.linalg.norm(case.weights[0], axis=0)
    assert np.all((norms > 0.4) & (norms < 0.8))
    undo()
    assert "apply" not in vars(case.optimizer)


def test_muons_own_weight_decay_is_scaled():
    case = Weights(make_optimizer("Muon", weight_decay=None, adam_weight_decay=0.5), [0, 1])
    before = case.body_state()
    case.step(2)
    assert_equal(case.body_state(), before)
