import keras
import numpy as np
import pytest
from checks import two_replicas
from golden_weights import golden_json

from tfast.training.learning_rates import LayerwiseLearningRates, discriminative_rates
from tfast.training.optimizers.lookahead import ranger

INPUTS = np.random.RandomState(0).standard_normal((8, 4)).astype("float32")
TARGETS = np.random.RandomState(1).standard_normal((8, 2)).astype("float32")
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


def make_model(optimizer, **compile_arguments):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, activation="tanh", name="body"),
            keras.layers.Dense(2, dtype="float32", name="head"),
        ]
    )
    model.compile(optimizer, CountTraces(), **compile_arguments)
    model.optimizer.build(model.trainable_variables)
    return model


@keras.saving.register_keras_serializable(package="tests")
class CountTraces(keras.losses.MeanSquaredError):
    """Python calls it while a step is traced, or eager."""

    traces = 0

    def call(self, targets, outputs):
        self.traces += 1
        return super().call(targets, outputs)


def groups_of(model):
    return [[model.get_layer("body")], [model.get_layer("head")]]


def fit(model, *callbacks, epochs=2):
    model.fit(
        INPUTS,
        TARGETS,
        batch_size=4,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
    )


def slots_of(optimizer, weights):
    """Whatever the optimizer keeps for these weights."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    places = [optimizer._get_variable_index(weight) for weight in weights]
    lists = [value for value in vars(optimizer).values() if isinstance(value, list)]
    count = len(optimizer._trainable_variables)
    lists = [each for each in lists if len(each) == count and each[0] is not weights[0]]
    slots = [each[place] for each in lists for place in places if each[place] is not None]
    return [slot for slot in slots if isinstance(slot, keras.Variable)]


def state_of(model, layer):
    weights = model.get_layer(layer).weights
    return values([*weights, *slots_of(model.optimizer, weights)])


def values(variables):
    return [keras.ops.convert_to_numpy(variable).copy() for variable in variables]


def assert_equal(actual, expected, tolerance=0.0):
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance)


def assert_rests_at_zero_only(model, rates):
    """After steps at 1 the body at 0 stays to the last bit, and moves again afterwards."""
    fit(model, rates, epochs=1)
    body, head = state_of(model, "body"), state_of(model, "head")
    traces = model.loss.traces
    rates.multipliers = [0, 1]
    fit(model, rates)
    assert_equal(state_of(model, "body"), body)
    assert any(np.any(a != b) for a, b in zip(state_of(model, "head"), head, strict=True))
    rates.multipliers = [1, 1]
    fit(model, rates, epochs=1)
    assert np.any(state_of(model, "body")[0] != body[0])
    assert model.loss.traces == traces


OPTIONS = [
    {"weight_decay": 0.1},
    {"gradient_accumulation_steps": 2},
    {"clipnorm": 0.1},
    {"clipvalue": 0.1},
    {"global_clipnorm": 0.1},
    {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
]


@pytest.mark.parametrize(
    "options", [OPTIONS[0] | OPTIONS[1] | OPTIONS[4], OPTIONS[5]], ids=["accumulation", "averages"]
)
def test_in_a_traced_fit_with_several_steps_an_execution(options):
    model = make_model(make_optimizer("Nadam", **options), steps_per_execution=4)
    assert_rests_at_zero_only(model, LayerwiseLearningRates(groups_of(model), [1, 1]))


def test_under_automatic_loss_scaling_overflowing_steps_included():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    model = make_model("adam")
    assert_rests_at_zero_only(model, LayerwiseLearningRates(groups_of(model), [1, 1]))
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert float(model.optimizer.dynamic_scale) <= 2.0**15
    rates = LayerwiseLearningRates(groups_of(model), [0, 1])
    body, head = state_of(model, "body"), state_of(model, "head")
    model.optimizer.dynamic_scale.assign(np.inf)
    fit(model, rates, epochs=1)
    assert_equal(state_of(model, "body"), body)
    assert_equal(state_of(model, "head"), head)


def test_under_mirrored_strategy_with_a_schedule_it_is_one_device_with_the_whole_batch():
    rate = keras.optimizers.schedules.PolynomialDecay(0.05, 20, 0.01)
    # Not clipped: Keras clips the gradients of each replica by themselves.
    options = {"weight_decay": 0.1}
    single = make_model(make_optimizer("Nadam", rate, **options), run_eagerly=True)
    with two_replicas().scope():
        mirrored = make_model(make_optimizer("Nadam", rate, **options))
    for model in (single, mirrored):
        fit(model, LayerwiseLearningRates(groups_of(model), [0.2, 1]))
    assert_equal(mirrored.get_weights(), single.get_weights(), 1e-6)


def test_under_mirrored_strategy_with_loss_scaling_and_averages():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    with two_replicas().scope():
        # Not overwritten in between: Keras cannot do that under the strategy.
        adam = make_optimizer("Adam", use_ema=True, ema_momentum=0.5)
        model = make_model(adam)
    assert_rests_at_zero_only(model, LayerwiseLearningRates(groups_of(model), [1, 1]))


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_keras_learning_rate_scheduler_sets_the_rate_that_is_multiplied(policy):
    keras.mixed_precision.set_dtype_policy(policy)
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    halved = keras.callbacks.LearningRateScheduler(lambda epoch: 0.05 / (epoch + 1))
    scaled = make_model(make_optimizer("SGD"), run_eagerly=True)
    plain = make_model(make_optimizer("SGD"), run_eagerly=True)
    fit(scaled, LayerwiseLearningRates(groups_of(scaled), [0.5, 0.5]), scheduler)
    fit(plain, halved)
    assert_equal(scaled.get_weights(), plain.get_weights(), 1e-6)
    assert float(keras.ops.convert_to_numpy(scaled.optimizer.learning_rate)) == np.float32(0.05)


class DotProducts(keras.layers.Layer):
    """Each weight vector times its input: its gradient is the input."""

    def __init__(self, start, **options):
        super().__init__(**options)
        self.start = np.array(start, "float32")

    def build(self, shape):
        self.vector = self.add_weight(
            shape=self.start.shape, initializer=lambda s, dtype: self.start
        )

    def call(self, inputs):
        return keras.ops.sum(inputs * self.vector, axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("run", "optimizer"),
    [
        # The kernels of then subtract in float32, Keras in Python: 1 - beta differs by 2e-5.
        (
            "multi_adam_lr0.1_lr0.01",
            {"name": "Adam", "beta_1": np.float32(0.9), "beta_2": np.float32(0.999)},
        ),
        ("multi_sgdmomentum0.9_lr0.1_lr0.01", {"name": "SGD", "momentum": 0.9}),
    ],
)
def test_trajectories_are_those_of_addons_multi_optimizer(run, optimizer):
    golden = golden_json("tensorflow_addons_optimizers.json")
    optimizer = make_optimizer(rate=0.1, **optimizer)
    first, second = (DotProducts(golden["start"][w]) for w in ("w1", "w2"))
    inputs = [keras.Input((3,)), keras.Input((2,))]
    model = keras.Model(inputs, first(inputs[0]) + second(inputs[1]))
    model.compile(optimizer, lambda target, output: output)
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(model.get_weights())
    )
    rates = LayerwiseLearningRates([[first], [second]], [1, 0.1])
    gradients = [np.array(golden["gradients"][w], "float32") for w in ("w1", "w2")]
    count = len(gradients[0])
    model.fit(
        gradients,
        np.zeros((count, 1)),
        batch_size=1,
        shuffle=False,
        verbose=0,
        callbacks=[rates, watch],
    )
    trajectory = golden["runs"][run]["trajectory"]
    assert len(seen) == len(trajectory) == 12
    for ours, theirs in zip(seen, trajectory, strict=True):
        assert_equal(ours, theirs, 1e-6)


def test_a_checkpoint_of_the_middle_of_fit_is_that_of_the_stock_optimizer(tmp_path):
    path = tmp_path / "middle.keras"
    model = make_model(make_optimizer("Adam", weight_decay=0.1))
    config = model.optimizer.get_config()
    fit(
        model,
        LayerwiseLearningRates(groups_of(model), [0.3, 1]),
        keras.callbacks.ModelCheckpoint(path),
    )
    loaded = keras.saving.load_model(path)
    assert type(loaded.optimizer) is type(model.optimizer) is keras.optimizers.Adam
    assert loaded.optimizer.get_config() == model.optimizer.get_config() == config
    assert_equal(loaded.optimizer.variables, model.optimizer.variables)
    fit(model), fit(loaded)
    assert_equal(loaded.get_weights(), model.get_weights())


def test_after_fit_the_optimizer_is_the_stock_one():
    model, plain = make_model("adam"), make_model("adam")
    stock = dict(vars(model.optimizer))
    fit(model, LayerwiseLearningRates(groups_of(model), [1, 1]))
    assert vars(model.optimizer).keys() == stock.keys()
    assert "make_train_function" not in vars(model)
    fit(model), fit(plain), fit(plain)
    assert_equal(model.get_weights(), plain.get_weights())


def test_multipliers_may_change_inside_a_fit_without_a_new_trace():
    model = make_model(make_optimizer("SGD", momentum=0.9))
    rates = LayerwiseLearningRates(groups_of(model), [1, 1])
    seen = []

    class FromTheThirdEpochOn(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            rates.multipliers = [1, 1] if epoch < 2 else [0, 1]
            seen.append((state_of(model, "body"), model.loss.traces))

    fit(model, rates, FromTheThirdEpochOn(), epochs=4)
    (first, _), (second, traces), (third, _), (fourth, _) = seen
    assert np.any(first[0] != second[0])
    assert np.any(second[0] != third[0])
    assert_equal(fourth, third)
    assert model.loss.traces == traces > 0


def test_an_interrupted_fit_leaves_nothing_behind_for_the_next():
    model, plain = make_model("sgd"), make_model("sgd")

    def interrupt(epoch, logs):
        raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(model, LayerwiseLearningRates(groups_of(model), [0, 0]), stop)
    fit(model), fit(plain)
    assert_equal(model.get_weights(), plain.get_weights())
    assert "update_step" not in vars(model.optimizer)


def test_other_groups_in_the_next_fit_take_effect():
    model = make_model("adam")
    body, head = groups_of(model)
    fit(model, LayerwiseLearningRates([body, head], [0, 1]))
    before = state_of(model, "head")
    fit(model, LayerwiseLearningRates([head, body], [0, 1]))
    assert_equal(state_of(model, "head"), before)


@pytest.mark.parametrize("multipliers", [[-0.1, 1], [np.nan, 1], [np.inf, 1], ["1", 1], [1], []])
def test_bad_multipliers_are_refused(multipliers):
    rates = LayerwiseLearningRates([[keras.layers.ReLU()], [keras.layers.ReLU()]], [1, 1])
    with pytest.raises(ValueError, match="multipliers must be"):
        rates.multipliers = multipliers
    with pytest.raises(ValueError, match="multipliers must be"):
        LayerwiseLearningRates(rates.groups, multipliers)


def test_groups_that_do_not_fit_are_refused_before_the_first_step():
    model = make_model("adam")
    with pytest.raises(ValueError, match=r"'head'.*none of the 1 groups"):
        fit(model, LayerwiseLearningRates(groups_of(model)[:1], [1]))
    with pytest.raises(ValueError, match="another callback"):
        fit(model, *[LayerwiseLearningRates(groups_of(model), [1, 1]) for _ in range(2)])


def test_an_optimizer_with_its_own_way_is_refused_by_name():
    multi = keras.optimizers.MultiOptimizer(lambda variable: make_optimizer("SGD"))
    for optimizer, name in ((multi, "MultiOptimizer"), (ranger(0.1), "Lookahead")):
        model = make_model(optimizer)
        with pytest.raises(ValueError, match=name):
            fit(model, LayerwiseLearningRates(groups_of(model), [1, 1]))


def test_discriminative_is_fastais_slice():
    np.testing.assert_allclose(discriminative_rates(1e-5, 1e-3, 3), [1e-5, 1e-4, 1e-3])
    assert discriminative_rates(None, 1.0, 3) == [0.1, 0.1, 1.0]
    assert discriminative_rates(0.1, 1.0, 1) == [1.0]


@pytest.mark.parametrize(
    ("arguments", "name"), [((0, 1, 2), "low"), ((1, None, 2), "high"), ((1, 1, 0), "n")]
)
def test_discriminative_refuses_bad_numbers(arguments, name):
    with pytest.raises(ValueError, match=name):
        discriminative_rates(*arguments)
