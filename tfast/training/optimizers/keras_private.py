"""Every private name of Keras that tfast depends on, one function for each use.

Keras promises nothing about these names, and a renamed one would often train wrongly without an
error. So nothing else in tfast uses any, and where one is missing the function that needs it
raises `RuntimeError: tfast 0.2.0 does not know Keras 3.99: Adam._momentums is missing`. A test
holds the list of names and signatures against the installed Keras. (The module is long because
there is one.)
"""

import contextlib
import dataclasses
import functools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

import tfast
from tfast.training.optimizers.inner_optimizers import with_inner_optimizers
from tfast.training.optimizers.untracked import Undo, set_untracked, wrap_method
from tfast.types import Tensor

# What Keras's callbacks carry from batch to batch in private. They have no `get_state`:
# https://github.com/keras-team/keras/issues/16252
SAVING_COUNTERS = ("_batches_seen_since_last_saving", "_last_batch_seen")
TENSORBOARD_COUNTERS = ("_global_train_batch", "_global_test_batch")
SWAPPED = ("_ema_weights_in_model",)  # whether model and averages are exchanged
MODEL_OF_CALLBACK = "_model"  # which every fit gives to its callbacks


def _known(owner: Any, name: str) -> Any:
    """An attribute of an object of Keras, or an error that names the versions."""
    try:
        return getattr(owner, name)
    except AttributeError:
        raise _unknown(f"{type(owner).__name__}.{name}") from None


def _unknown(name: str) -> RuntimeError:
    versions = f"tfast {tfast.__version__} does not know Keras {keras.__version__}"
    return RuntimeError(f"{versions}: {name} is missing")


def _wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> Undo:
    _known(owner, name)
    return wrap_method(owner, name, wrapper)


def global_seed_generator() -> Any:
    """The attribute of Keras's global state that unseeded random operations draw from.

    Returns:
        Two functions: one gives the `keras.random.SeedGenerator`, None where nothing was drawn
        yet, and one sets it.
    """
    try:
        from keras.src.backend.common import global_state
        from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR as NAME
    except ImportError as error:
        raise _unknown(str(error.name or error)) from None
    get = functools.partial(_known(global_state, "get_global_attribute"), NAME)
    return get, functools.partial(_known(global_state, "set_global_attribute"), NAME)


def seeds_of_tensorflow() -> tuple[random.Random | None, Callable[[], None]]:
    """What operations of TensorFlow outside of graphs get their seeds from, after `set_seed`.

    Returns:
        The generator, None before `set_seed`; and a function that lets operations of the same
        seeds draw from their beginning again.
    """
    from tensorflow.python.eager import context

    return _known(context.context(), "_rng"), _known(context.context(), "clear_kernel_cache")


# --- Layers and models -----------------------------------------------------------------------


def all_layers(layer: keras.Layer, *, include_self: bool = True) -> list[keras.Layer]:
    """A layer or model and all layers inside it, however deep.

    `model.layers` stops at the first level: https://github.com/keras-team/keras/issues/4398
    """
    return list(_known(layer, "_flatten_layers")(include_self=include_self))


def own_trainable_variables(layer: keras.Layer) -> list[keras.Variable]:
    """The trainable variables of a layer itself, without those of layers inside it."""
    return list(_known(layer, "_trainable_variables"))


def accept_python_values(layer: keras.Layer) -> None:
    """Lets a layer be called on strings and lists of them, which Keras refuses by default.

    https://github.com/keras-team/keras/issues/18676
    """
    _known(layer, "_allow_non_tensor_positional_args")
    layer._allow_non_tensor_positional_args = True


def function_nodes(model: keras.Model) -> list[Any]:
    """The calls of layers that a Functional model consists of (`operation`, `input_tensors`)."""
    return [node for nodes in _known(model, "_nodes_by_depth").values() for node in nodes]


def producing_operation(tensor: keras.KerasTensor) -> Any:
    """The layer or operation whose output a symbolic tensor is."""
    return _known(tensor, "_keras_history").operation


def strategy_scope(model: keras.Model) -> contextlib.AbstractContextManager[Any]:
    """Where variables of a model are made: on all devices of its strategy, if it has one."""
    strategy = getattr(model, "distribute_strategy", None)  # of TensorFlow's models alone
    return strategy.scope() if strategy else contextlib.nullcontext()


def build_for_training(model: keras.Model, batch: Any) -> None:
    """Makes all variables that Keras would only make in the first step.

    What is restored must exist before: https://github.com/keras-team/keras/issues/19389

    Args:
        model: a compiled model.
        batch: inputs and targets, or their specs.
    """
    with strategy_scope(model):
        _known(model, "_symbolic_build")(data_batch=batch)


def compilation(model: keras.Model) -> Any:
    """An object that is another one after each `model.compile`."""
    return _known(model, "_compile_config")


# --- Optimizers: what they hold --------------------------------------------------------------


def step_count(optimizer: keras.optimizers.Optimizer) -> keras.Variable:
    """The batches an optimizer has seen; `iterations` counts updates, fewer if accumulated."""
    return _known(optimizer, "_iterations")


def variable_key(optimizer: keras.optimizers.Optimizer, variable: Any) -> Any:
    """What a variable is known by to an optimizer, the same for each replica's copy."""
    return _known(optimizer, "_var_key")(variable)


def variable_index(optimizer: keras.optimizers.Optimizer, variable: Any) -> int:
    """The position of a variable, as `update_step` gets it, in the optimizer's lists of slots."""
    return _known(optimizer, "_get_variable_index")(variable)


def adam_slots(optimizer: keras.optimizers.Adam, variable: Any) -> tuple[Any, Any]:
    """The mean and the mean square of a variable's gradient, which a built Adam keeps."""
    index = variable_index(optimizer, variable)
    return _known(optimizer, "_momentums")[index], _known(optimizer, "_velocities")[index]


def updated_variables(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The variables that a built optimizer updates."""
    return _known(optimizer, "_trainable_variables")


def moving_averages(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The averages, with `use_ema`, of those variables."""
    return _known(optimizer, "_model_variables_moving_average")


def add_variable(optimizer: keras.optimizers.Optimizer, variable: keras.Variable) -> Undo:
    """Adds a variable to `optimizer.variables`: on JAX a traced step sees others as constants."""
    variables = _known(optimizer, "_variables")
    variables.append(variable)

    def undo() -> None:
        variables[:] = [each for each in variables if each is not variable]

    return undo


def replace_learning_rate(optimizer: keras.optimizers.Optimizer, schedule: Callable) -> Undo:
    """Sets a schedule as the rate, whatever the rate was; the setter forgets a variable."""
    _known(optimizer, "_learning_rate")
    return set_untracked(optimizer, "_learning_rate", schedule)


@dataclasses.dataclass(frozen=True)
class _Whole:
    """What an optimizer was built over, before it was restricted."""

    variables: list[keras.Variable]
    indices: dict[Any, int]
    averages: list[keras.Variable] | None


def restrict_optimizer_to(
    optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable]
) -> Undo:
    """Lets a built optimizer, and those inside it, believe it was built over fewer variables.

    JAX's `stateless_apply` and the moving averages of `use_ema` go through all variables an
    optimizer was built over, whatever it is given. Its state stays whole.
    https://github.com/keras-team/keras/pull/22104

    Args:
        optimizer: built over all of `variables`, and more.
        variables: those it shall update. A later call may name others, of all it was built over.

    Returns:
        A function that lifts the restriction.

    Raises:
        ValueError: the optimizer was built without one of them; it is as before then.
    """
    parts = list(with_inner_optimizers(optimizer))
    keys = [[variable_key(part, variable) for variable in variables] for part in parts]
    wholes = [_whole(part) for part in parts]
    for whole, part_keys in zip(wholes, keys, strict=True):
        for key, variable in zip(part_keys, variables, strict=True):
            if key not in whole.indices:
                raise ValueError(
                    f"the optimizer was built without {variable.path}, which was frozen then: "
                    "compile again with a new optimizer"
                )
    for part, whole, part_keys in zip(parts, wholes, keys, strict=True):
        indices = {key: whole.indices[key] for key in part_keys}
        averages = whole.averages and [whole.averages[index] for index in indices.values()]
        _believe(part, _Whole(list(variables), indices, averages))
        vars(part)["_built_over"] = whole

    def undo() -> None:
        for part, whole in zip(parts, wholes, strict=True):
            _believe(part, whole)
            vars(part).pop("_built_over", None)

    return undo


def _whole(optimizer: keras.optimizers.Optimizer) -> _Whole:
    averages = moving_averages(optimizer) if optimizer.use_ema else None
    indices = _known(optimizer, "_trainable_variables_indices")
    now = _Whole(updated_variables(optimizer), indices, averages)
    return vars(optimizer).get("_built_over", now)


def _believe(optimizer: keras.optimizers.Optimizer, whole: _Whole) -> None:
    vars(optimizer)["_trainable_variables"] = whole.variables
    vars(optimizer)["_trainable_variables_indices"] = whole.indices
    if whole.averages is not None:
        vars(optimizer)["_model_variables_moving_average"] = whole.averages


# --- Optimizers: what they do ----------------------------------------------------------------


def wrap_update(optimizer: keras.optimizers.Optimizer, wrapper: Callable[..., Any]) -> Undo:
    """Puts `wrapper(method, gradients, variables, rate)` around the update of all variables."""
    return _wrap(optimizer, "_backend_update_step", wrapper)


def wrap_update_on_devices(
    optimizer: keras.optimizers.Optimizer, wrapper: Callable[..., Any]
) -> Undo:
    """TensorFlow: `wrapper(method, strategy, gradients_and_variables, rate)`, once for all."""
    return _wrap(optimizer, "_distributed_tf_update_step", wrapper)


def wrap_weight_decay(optimizer: keras.optimizers.Optimizer, wrapper: Callable[..., Any]) -> Undo:
    """Puts `wrapper(method, variables)` around weight decay."""
    return _wrap(optimizer, "_apply_weight_decay", wrapper)


def wrap_apply_gradients(
    optimizer: keras.optimizers.Optimizer, wrapper: Callable[..., Any]
) -> Undo:
    """Puts `wrapper(method, gradients, variables)` around update and moving averages."""
    return _wrap(optimizer, "_backend_apply_gradients", wrapper)


def current_rate(optimizer: keras.optimizers.Optimizer) -> Tensor:
    """The learning rate of this step, whatever `shown_rate` shows meanwhile."""
    _known(optimizer, "_get_current_learning_rate")
    return type(optimizer)._get_current_learning_rate(optimizer)


@contextlib.contextmanager
def shown_rate(optimizer: keras.optimizers.Optimizer, rate: Tensor) -> Iterator[None]:
    """Inside, the optimizer's `learning_rate` is `rate`, a tensor."""
    # Not restored but removed: replicas are in here one after another, in threads.
    set_untracked(optimizer, "_get_current_learning_rate", lambda: rate)
    try:
        yield
    finally:
        vars(optimizer).pop("_get_current_learning_rate", None)


class UpdatesWithoutReduction:
    """Mixin of an optimizer that hands other things than gradients to its own `update_step`."""

    def update_each(self, values: Sequence[Tensor], variables: Sequence[Any], rate: Any) -> None:
        """`update_step(value, variable, rate)` for each pair, on each device."""
        _known(self, "_backend_update_step")(values, variables, rate)

    def _all_reduce_sum_gradients(self, pairs: Any) -> Any:
        # TensorFlow would add up the values of the replicas, as if they were gradients.
        return pairs
