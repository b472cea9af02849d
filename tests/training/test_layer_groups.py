import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.training.layer_groups import freeze_to, group_weights

INPUTS = np.random.RandomState(0).standard_normal((8, 4)).astype("float32")
TARGETS = np.random.RandomState(1).standard_normal((8, 2)).astype("float32")


def make_model(optimizer="adam", **compile_arguments):
    body = keras.Sequential(
        [keras.layers.Dense(5, name="low"), keras.layers.BatchNormalization(name="norm")],
        name="body",
    )
    middle = keras.layers.Dense(3, activation="tanh", name="middle")
    head = keras.layers.Dense(2, name="head")
    model = keras.Sequential([keras.Input((4,)), body, middle, keras.layers.ReLU(), head])
    model.compile(optimizer, "mse", **compile_arguments)
    return model


def groups_of(model):
    return [[model.get_layer(name)] for name in ("body", "middle", "head")]


def fit(model, epochs=2, **arguments):
    model.fit(INPUTS, TARGETS, batch_size=4, epochs=epochs, shuffle=False, verbose=0, **arguments)


def values(variables):
    return {v.path: np.array(v) for v in variables}


def assert_same(actual, expected):
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)


def test_a_container_stands_for_the_layers_inside():
    model = make_model()
    body = group_weights(model, groups_of(model))[0]
    assert [w.path.split("/")[-1] for w in body] == [
        *("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")
    ]


def test_a_layer_in_no_group_is_named():
    model = make_model()
    with pytest.raises(ValueError, match=r"'middle'.*none of the 2 groups"):
        group_weights(model, [[model.get_layer("body")], [model.get_layer("head")]])


def test_a_layer_in_two_groups_is_named():
    model = make_model()
    body, middle, head = groups_of(model)
    with pytest.raises(ValueError, match=r"'low'.*group 0 and in group 1"):
        group_weights(model, [body, [*middle, body[0].layers[0]], head])


def test_a_weight_two_layers_share_may_stand_for_itself():
    model = make_model()
    body, middle, head = groups_of(model)
    low = body[0].get_layer("low")
    groups = [[low.kernel], [low.bias, body[0].get_layer("norm"), *middle], head]
    assert [len(group) for group in group_weights(model, groups)] == [1, 7, 2]


@pytest.mark.parametrize("groups", [[], [[]], "body", [["body"]], [[keras.layers.ReLU()], []]])
def test_bad_groups_are_refused(groups):
    with pytest.raises(ValueError, match="groups"):
        group_weights(make_model(), groups)


def test_weights_of_another_model_are_refused():
    model, other = make_model(), make_model()
    with pytest.raises(ValueError, match="no weight of"):
        group_weights(model, groups_of(other))


@pytest.mark.parametrize("n", [3, -4, 1.0, None])
def test_a_level_out_of_range_is_refused(n):
    model = make_model()
    with pytest.raises(ValueError, match="n must be from -3 to 2"):
        freeze_to(model, groups_of(model), n)


def test_a_model_that_is_not_compiled_or_not_built_is_refused():
    dense = keras.layers.Dense(2)
    with pytest.raises(ValueError, match="not compiled"):
        freeze_to(keras.Sequential([keras.Input((4,)), dense]), [[dense]], 0)
    with pytest.raises(ValueError, match="no weights yet"):
        freeze_to(keras.Sequential([keras.layers.Dense(2)]), [[dense]], 0)


def test_freezing_spares_batch_norm_and_leaves_the_flags_of_layers_on():
    model = make_model()
    freeze_to(model, groups_of(model), np.int64(-1))
    names = ["/".join(v.path.split("/")[-2:]) for v in model.trainable_variables]
    assert names == ["norm/gamma", "norm/beta", "head/kernel", "head/bias"]
    assert all(layer.trainable for layer in model._flatten_layers())
    norm = model.get_layer("body").get_layer("norm")
    before = values(norm.weights)
    fit(model, epochs=1)
    assert all(np.any(v != before[path]) for path, v in values(norm.weights).items())


def test_frozen_weights_and_their_moments_stay_and_go_on_afterwards():
    model = make_model(keras.optimizers.SGD(0.1, momentum=0.9))
    fit(model)
    freeze_to(model, groups_of(model), 1)
    frozen = {id(v) for v in model.variables} - {id(v) for v in model.trainable_variables}
    low = model.get_layer("body").get_layer("low")
    momentum = model.optimizer.momentums[0]
    before = values([*low.weights, momentum])
    assert np.any(before[momentum.path])
    assert id(low.kernel) in frozen
    head = np.array(model.get_layer("head").kernel)
    fit(model)
    assert_same(values([*low.weights, momentum]), before)
    assert np.any(np.array(model.get_layer("head").kernel) != head)
    freeze_to(model, groups_of(model), 0)
    fit(model)
    assert np.any(np.array(low.kernel) != before[low.kernel.path])


def test_freezing_everything_free_changes_nothing():
    one, two = make_model(run_eagerly=True), make_model(run_eagerly=True)
    two.set_weights(one.get_weights())
    freeze_to(two, groups_of(two), -1)
    freeze_to(two, groups_of(two), 0)
    fit(one), fit(two)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_frozen_gradients_are_not_computed():
    def matrix_products(model):
        step = tf.function(lambda: model.train_step((INPUTS, TARGETS)))
        graph = step.get_concrete_function().graph
        # What runs: the ops that something with an effect depends on.
        ends = [op.name for op in graph.control_outputs]
        running = tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), ends)
        return sum(node.op == "MatMul" for node in running.node)

    model = make_model()
    freeze_to(model, groups_of(model), 0)
    free = matrix_products(model)
    freeze_to(model, groups_of(model), -1)
    # Two kernels freeze; batch norm below still needs what flows through `middle`.
    assert matrix_products(model) == free - 2


def test_recompiling_while_frozen_and_unfreezing_goes_on():
    model = make_model(run_eagerly=True)
    low = model.get_layer("body").get_layer("low")
    kernels = [np.array(low.kernel)]

    def freeze_and_fit(n):
        freeze_to(model, groups_of(model), n)
        fit(model)
        kernels.append(np.array(low.kernel))

    freeze_and_fit(-1)
    model.compile(model.optimizer, "mse", run_eagerly=True)
    freeze_and_fit(0)
    model.compile("sgd", "mse", run_eagerly=True)
    freeze_and_fit(1)
    assert [bool(np.any(a != b)) for a, b in itertools.pairwise(kernels)] == [False, True, False]


def test_only_what_it_froze_is_unfrozen():
    model = make_model()
    model.get_layer("middle").bias.trainable = False
    model.get_layer("head").trainable = False
    freeze_to(model, groups_of(model), -2)
    freeze_to(model, groups_of(model), 0)
    assert not model.get_layer("middle").bias.trainable
    assert not model.get_layer("head").trainable_weights


def test_an_optimizer_built_without_a_weight_is_refused_and_nothing_is_frozen():
    model = make_model()
    model.get_layer("middle").trainable = False
    model.optimizer.build(model.trainable_variables)
    model.get_layer("middle").trainable = True
    with pytest.raises(ValueError, match=r"built without .*middle/kernel"):
        freeze_to(model, groups_of(model), -1)
    assert len(model.trainable_variables) == 8


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_saved_while_frozen_it_loads_with_all_moments_and_goes_on(policy, tmp_path):
    keras.mixed_precision.set_dtype_policy(policy)
    path = tmp_path / "frozen.keras"
    model = make_model("adam", run_eagerly=True)
    fit(model)
    freeze_to(model, groups_of(model), -1)
    fit(model, callbacks=[keras.callbacks.ModelCheckpoint(path)])
    loaded = keras.saving.load_model(path)
    assert loaded.optimizer.built
    for a, b in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for each in (model, loaded):
        freeze_to(each, groups_of(each), 0)
        fit(each)
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_moving_averages_of_frozen_weights_stay():
    adam = keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3)
    model = make_model(adam, run_eagerly=True)
    fit(model)
    low = model.get_layer("body").get_layer("low")
    average = adam._model_variables_moving_average[0]
    freeze_to(model, groups_of(model), -1)
    before = values([*low.weights, average])
    fit(model)
    assert_same(values([*low.weights, average]), before)


@pytest.mark.parametrize(
    "options",
    [
        {"gradient_accumulation_steps": 2},
        {"clipnorm": 0.1},
        {"clipvalue": 0.1},
        {"global_clipnorm": 0.1},
        {"weight_decay": 0.1},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
    ],
    ids=lambda options: next(iter(options)),
)
def test_it_trains_as_keras_does_with_frozen_layers_under(options):
    ours, stock = (
        make_model(keras.optimizers.Adam(0.1, **options), run_eagerly=True) for _ in range(2)
    )
    start = ours.get_weights()
    stock.set_weights(start)
    freeze_to(ours, groups_of(ours), 1)
    stock.get_layer("body").get_layer("low").trainable = False
    fit(ours), fit(stock)
    for a, b in zip(ours.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    moved = [bool(np.any(a != b)) for a, b in zip(ours.get_weights(), start, strict=True)]
    assert moved == [False] * 2 + [True] * (len(start) - 2)


def test_freezing_with_several_steps_an_execution():
    model = make_model(steps_per_execution=4)
    low, head = model.get_layer("body").get_layer("low"), model.get_layer("head")
    before = values([*low.weights, *head.weights])
    freeze_to(model, groups_of(model), 1)
    fit(model)
    after = values([*low.weights, *head.weights])
    assert_same(values(low.weights), {path: before[path] for path in values(low.weights)})
    assert all(np.any(after[v.path] != before[v.path]) for v in head.weights)
