"""The contract with Keras: the private names that tfast uses, and how it calls them."""

import ast
import inspect
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfast
from tfast.training.optimizers import keras_private
from tfast.training.optimizers.untracked import set_untracked

OPTIMIZER = keras.optimizers.Optimizer
SIGNATURES = {
    (keras.Layer, "_flatten_layers"): "(self, include_self=True, recursive=True)",
    (keras.Model, "_symbolic_build"): "(self, iterator=None, data_batch=None)",
    (OPTIMIZER, "_all_reduce_sum_gradients"): "(self, grads_and_vars)",
    (OPTIMIZER, "_apply_weight_decay"): "(self, variables)",
    (OPTIMIZER, "_backend_apply_gradients"): "(self, grads, trainable_variables)",
    (OPTIMIZER, "_backend_update_step"): "(self, grads, trainable_variables, learning_rate)",
    (OPTIMIZER, "_distributed_tf_update_step"): (
        "(self, distribution, grads_and_vars, learning_rate)"
    ),
    (OPTIMIZER, "_get_current_learning_rate"): "(self)",
    (OPTIMIZER, "_get_variable_index"): "(self, variable)",
    (OPTIMIZER, "_var_key"): "(self, variable)",
}
ATTRIBUTES = {
    "callback": ["_model"],
    "model checkpoint": ["_batches_seen_since_last_saving", "_last_batch_seen"],
    "swap": ["_ema_weights_in_model"],
    "tensorboard": ["_global_test_batch", "_global_train_batch"],
    "layer": ["_allow_non_tensor_positional_args", "_trainable_variables"],
    "model": ["_compile_config", "_nodes_by_depth"],
    "optimizer": [
        *("_iterations", "_learning_rate", "_model_variables_moving_average", "_momentums"),
        *("_trainable_variables", "_trainable_variables_indices", "_variables", "_velocities"),
    ],
    "tensor": ["_keras_history"],
}


@pytest.fixture(scope="module")
def owners():
    layer = keras.layers.Dense(1)
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.Adam(0.5, use_ema=True), "mse")
    keras_private.build_for_training(model, (np.ones((2, 3)), np.ones((2, 1))))
    return {
        "callback": keras.callbacks.Callback(),
        "model checkpoint": keras.callbacks.ModelCheckpoint("model.keras"),
        "swap": keras.callbacks.SwapEMAWeights(),
        "tensorboard": keras.callbacks.TensorBoard(),
        "layer": layer,
        "model": model,
        "optimizer": model.optimizer,
        "tensor": model.output,
    }


@pytest.mark.parametrize(("owner", "name"), SIGNATURES)
def test_methods_have_the_signatures_they_are_called_with(owner, name):
    assert str(inspect.signature(getattr(owner, name))) == SIGNATURES[owner, name]


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_objects_have_the_attributes(owners, kind):
    assert [name for name in ATTRIBUTES[kind] if not hasattr(owners[kind], name)] == []


def test_every_private_name_in_the_module_is_in_the_contract():
    tree = ast.parse(Path(keras_private.__file__).read_text())
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    words |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    words |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    own = {"_built_over", "_known", "_unknown", "_wrap", "_whole", "_believe"}
    own.add("_rng")  # TensorFlow's
    used = {w for w in words if isinstance(w, str) and w.isidentifier() and w[0] == "_" != w[1]}
    listed = {name for _, name in SIGNATURES} | {n for names in ATTRIBUTES.values() for n in names}
    assert used - own == listed


@pytest.mark.parametrize(
    ("kind", "name", "use"),
    [
        ("model", "_flatten_layers", lambda model: keras_private.all_layers(model)),
        ("model", "_symbolic_build", lambda m: keras_private.build_for_training(m, None)),
        ("optimizer", "_iterations", lambda optimizer: keras_private.step_count(optimizer)),
        ("optimizer", "_learning_rate", lambda o: keras_private.replace_learning_rate(o, None)),
        ("optimizer", "_momentums", lambda o: keras_private.adam_slots(o, o.variables)),
        ("optimizer", "_apply_weight_decay", lambda o: keras_private.wrap_weight_decay(o, None)),
        ("optimizer", "_trainable_variables", lambda o: keras_private.restrict_optimizer_to(o, [])),
    ],
)
def test_a_missing_name_ends_in_a_sentence_that_names_it(kind, name, use):
    class Newer:
        """An object of a Keras in which nothing has the name it had."""

        use_ema = distribute_strategy = None

        def __getattr__(self, other):
            if other == name:
                raise AttributeError(other)
            return lambda *arguments: 0

    versions = f"tfast {tfast.__version__} does not know Keras {keras.__version__}"
    with pytest.raises(RuntimeError, match=f"^{versions}: Newer.{name} is missing$"):
        use(Newer())


def test_restricted_and_lifted_the_optimizer_is_as_it_was(owners):
    kernel, bias = owners["layer"].weights
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(use_ema=True))
    optimizer.build([kernel, bias])
    inner, before = optimizer.inner_optimizer, dict(vars(optimizer.inner_optimizer))
    keras_private.restrict_optimizer_to(optimizer, [kernel])
    lift = keras_private.restrict_optimizer_to(optimizer, [bias])
    assert [id(v) for v in keras_private.updated_variables(optimizer)] == [id(bias)]
    (average,) = keras_private.moving_averages(inner)
    assert average is before["_model_variables_moving_average"][1]
    assert keras_private.variable_index(inner, bias) == 1  # the place of its slots
    lift()
    assert vars(inner) == before


def test_a_restriction_to_an_unknown_variable_is_refused_and_nothing_changes(owners):
    optimizer = keras.optimizers.SGD()
    optimizer.build(owners["layer"].weights[:1])
    before = dict(vars(optimizer))
    with pytest.raises(ValueError, match=r"built without .*bias"):
        keras_private.restrict_optimizer_to(optimizer, owners["layer"].weights)
    assert vars(optimizer) == before


def test_the_rate_shown_is_not_the_current_one():
    optimizer = keras.optimizers.SGD(0.5)
    with keras_private.shown_rate(optimizer, tf.constant(0.25)):
        assert float(optimizer.learning_rate) == 0.25
        assert float(keras_private.current_rate(optimizer)) == 0.5
    assert float(optimizer.learning_rate) == 0.5


def test_keras_and_tensorflow_draw_from_the_generators_that_are_found():
    keras.utils.set_random_seed(0)
    get, put = keras_private.global_seed_generator()
    put(None)
    keras.random.uniform((1,))
    assert isinstance(get(), keras.random.SeedGenerator)
    seeds, begin_again = keras_private.seeds_of_tensorflow()
    state = seeds.getstate()
    drawn = float(tf.random.uniform(()))
    seeds.setstate(state)
    assert float(tf.random.uniform(())) != drawn
    seeds.setstate(state)
    begin_again()
    assert float(tf.random.uniform(())) == drawn


def test_a_replaced_rate_is_put_back_as_the_variable_it_was():
    optimizer = keras.optimizers.SGD(0.5)
    variables = [id(variable) for variable in optimizer.variables]
    undo = keras_private.replace_learning_rate(optimizer, lambda: 0.25)
    assert float(optimizer.learning_rate) == 0.25
    undo()
    assert [id(variable) for variable in optimizer.variables] == variables
    optimizer.learning_rate = 0.125
    assert float(optimizer.learning_rate) == 0.125


def test_an_added_variable_is_among_the_optimizers_and_goes_again():
    optimizer, extra = keras.optimizers.SGD(0.5), keras.Variable([0.0])
    before = [id(variable) for variable in optimizer.variables]
    undo = keras_private.add_variable(optimizer, extra)
    assert optimizer.variables[-1] is extra
    undo()
    assert [id(variable) for variable in optimizer.variables] == before


def test_calls_and_producers_of_a_functional_model(owners):
    names = [node.operation.name for node in keras_private.function_nodes(owners["model"])]
    assert owners["layer"].name in names
    assert keras_private.producing_operation(owners["model"].output) is owners["layer"]


def test_compilation_changes_with_each_compile(owners):
    before = keras_private.compilation(owners["model"])
    assert keras_private.compilation(owners["model"]) is before
    owners["model"].compile(owners["model"].optimizer, "mse")
    assert keras_private.compilation(owners["model"]) is not before


def test_layers_inside_layers_are_found():
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="deep")])
    model = keras.Sequential([keras.Input((2,)), inner])
    assert model in keras_private.all_layers(model)
    inside = keras_private.all_layers(model, include_self=False)
    assert model not in inside
    assert inner.get_layer("deep") in inside
    assert keras_private.own_trainable_variables(model) == []
    assert len(keras_private.own_trainable_variables(inner.get_layer("deep"))) == 2


def test_a_marked_layer_takes_strings():
    class Lengths(keras.layers.Layer):
        def call(self, texts):
            return tf.strings.length(texts)

    with pytest.raises(ValueError, match="Only input tensors"):
        Lengths()(["a", "bc"])
    layer = Lengths()
    keras_private.accept_python_values(layer)
    assert layer(["a", "bc"]).numpy().tolist() == [1, 2]


def test_undone_attributes_leave_no_trace():
    layer = keras.layers.Dense(1)
    before = dict(vars(layer))
    undo_one = set_untracked(layer, "note", 1)
    undo_two = set_untracked(layer, "note", 2)
    assert layer.note == 2
    undo_two()
    assert layer.note == 1
    undo_one()
    assert vars(layer) == before
