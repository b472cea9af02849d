"""An optimizer whose steps are scaled group by group, and that is the stock one afterwards.

Nothing is swapped or subclassed: while attached, a few methods of the one optimizer object
are wrapped. What is saved knows nothing of them.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import keras
from keras import ops

from tfast.training.optimizers import keras_private
from tfast.training.optimizers.inner_optimizers import innermost, with_inner_optimizers
from tfast.training.optimizers.untracked import Undo, set_untracked, wrap_method
from tfast.types import Tensor

Item = TypeVar("Item")
_MARK = "_has_scaled_steps"


def scale_steps(
    optimizer: keras.optimizers.Optimizer,
    groups: Sequence[Sequence[keras.Variable]],
    multipliers: keras.Variable,
) -> Undo:
    """Scales what an optimizer does to the weights of each group, where the rate is used.

    The rate of group g becomes `rate * multipliers[g]`, for the step and for weight decay.
    Where `multipliers[g]` is 0 the weights of the group, their slots and their moving averages
    stay exactly as they are. What all weights share (the count of steps, Nadam's product of
    momenta, the norm of `global_clipnorm`) goes on as ever. Scaling gradients instead would
    not scale Adam's step. https://github.com/keras-team/keras/issues/21741

    Args:
        optimizer: a built Keras optimizer, or a `LossScaleOptimizer` around one.
        groups: lists of `keras.Variable`, see `layer_groups.group_weights`.
        multipliers: float32 `keras.Variable` of shape (groups,), from 0 on. It is read in the
            step: other values need no new trace.

    Returns:
        A function that takes everything back.

    Raises:
        ValueError: the optimizer applies gradients in a way of its own, or is scaled already.
    """
    check_scalable(optimizer)
    inner = innermost(optimizer)
    if getattr(inner, _MARK, False):
        raise ValueError("layer-wise rates: another callback of the kind is in this fit")
    steps = _STEPS[keras.backend.backend()](inner, groups, multipliers)
    undos = [
        set_untracked(inner, _MARK, True),
        *steps.attach(list(with_inner_optimizers(optimizer))),
    ]

    def undo() -> None:
        while undos:
            undos.pop()()

    return undo


class _ScaledSteps:
    """A step and weight decay that take a rate for each group; subclasses know the backend."""

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        groups: Sequence[Sequence[keras.Variable]],
        multipliers: keras.Variable,
    ) -> None:
        self.optimizer = optimizer
        self.multipliers = multipliers
        self.num_groups = len(groups)
        key = functools.partial(keras_private.variable_key, optimizer)
        self.group_of = {key(weight): g for g, group in enumerate(groups) for weight in group}
        self.rates: list[Tensor] = []  # of this step, one for each group

    def attach(self, optimizers: list[keras.optimizers.Optimizer]) -> list[Undo]:
        """Wraps the methods; `optimizers` are this one and those around it."""
        optimizer = self.optimizer
        undos = [
            keras_private.wrap_update(optimizer, self.step),
            keras_private.wrap_weight_decay(optimizer, self.decay),
        ]
        if optimizer.use_ema:
            # Averages move, and overwrite weights, outside of the step.
            keep = functools.partial(self.keep_frozen, self._weights_and_averages)
            undos += [
                keras_private.wrap_apply_gradients(optimizer, keep),
                wrap_method(optimizer, "finalize_variable_values", keep),
            ]
        if self._constrained_weights():
            # Constraints are put on weights after the step, and may move frozen ones.
            keep = functools.partial(self.keep_frozen, self._constrained_weights)
            undos.append(wrap_method(optimizer, "apply", keep))
        return undos

    def step(self, method: Callable, gradients: Any, variables: Any, rate: Any) -> None:
        """The update of all variables."""
        # Not one group after another: Nadam's product of momenta must advance once, and the
        # gradients of all replicas are best reduced together.
        self.rates = [rate * multiplier for multiplier in self.unstacked_multipliers()]
        method(gradients, variables, rate)

    def decay(self, method: Callable, variables: Any) -> None:
        """Weight decay asks the optimizer for the rate: for each group it gets another answer."""
        optimizer = self.optimizer
        if optimizer.weight_decay is None and not hasattr(optimizer, "adam_weight_decay"):
            return
        rate = keras_private.current_rate(optimizer)
        multipliers = self.unstacked_multipliers()
        for group, members in self.by_group(variables, lambda variable: variable):
            # Once for the group: Keras asks for each of its weights.
            with keras_private.shown_rate(optimizer, rate * multipliers[group]):
                method(members)

    def keep_frozen(self, find: Callable, method: Callable, *arguments: Any, **options: Any) -> Any:
        """The method goes on, but what it does to groups at 0 is undone.

        `find` gives tuples, each of a weight and variables that belong to it.
        """
        found = find()
        before = [[ops.copy(each) for each in variables] for variables in found]
        method(*arguments, **options)
        for variables, values in zip(found, before, strict=True):
            moves = self.multipliers[self.group(variables[0])] > 0
            for each, value in zip(variables, values, strict=True):
                each.assign(ops.where(moves, ops.convert_to_tensor(each), value))

    def group(self, variable: Any) -> int:
        """The number of the variable's group."""
        return self.group_of[keras_private.variable_key(self.optimizer, variable)]

    def by_group(
        self, items: Sequence[Item], variable_of: Callable[[Item], Any]
    ) -> Iterator[tuple[int, list[Item]]]:
        """Yields (group, items of the group) for the groups that have any."""
        for group in range(self.num_groups):
            members = [item for item in items if self.group(variable_of(item)) == group]
            if members:
                yield group, members

    def unstacked_multipliers(self) -> list[Tensor]:
        """A scalar for each group."""
        return ops.unstack(ops.convert_to_tensor(self.multipliers), self.num_groups)

    def _weights_and_averages(self) -> list[tuple[keras.Variable, ...]]:
        weights = keras_private.updated_variables(self.optimizer)
        averages = keras_private.moving_averages(self.optimizer)
        return list(zip(weights, averages, strict=True))

    def _constrained_weights(self) -> list[tuple[keras.Variable, ...]]:
        weights = keras_private.updated_variables(self.optimizer)
        return [(weight,) for weight in weights if weight.constraint is not None]


class _TensorFlowSteps(_ScaledSteps):
    """A branch for each group, taken if its multiplier is not 0."""

    def attach(self, optimizers: list[keras.optimizers.Optimizer]) -> list[Undo]:
        on_devices = keras_private.wrap_update_on_devices(self.optimizer, self.step_on_devices)
        return [*super().attach(optimizers), on_devices]

    def step_on_devices(self, method: Callable, strategy: Any, pairs: Any, rate: Any) -> None:
        """The update, on all devices, of (gradient, variable) pairs."""
        rates, multipliers = self.rates, self.unstacked_multipliers()
        for group, members in self.by_group(pairs, lambda pair: pair[1]):
            branch = functools.partial(method, strategy, members, rates[group])
            ops.cond(multipliers[group] > 0, branch, lambda: None)


class _JaxSteps(_ScaledSteps):
    """Branches cannot assign on JAX: every step is taken, and its results are kept or not."""

    def attach(self, optimizers: list[keras.optimizers.Optimizer]) -> list[Undo]:
        undos = super().attach(optimizers)
        undos.append(wrap_method(self.optimizer, "update_step", self.update_or_keep))
        # Whatever saves or loads the optimizer meanwhile does not see the multipliers.
        for optimizer in optimizers:
            for name in ("save_own_variables", "load_own_variables"):
                undos.append(wrap_method(optimizer, name, self.without_multipliers))
        self.remove_multipliers = keras_private.add_variable(self.optimizer, self.multipliers)
        return [*undos, lambda: self.remove_multipliers()]

    def update_or_keep(self, method: Callable, gradient: Any, variable: Any, rate: Any) -> None:
        """The update of one variable."""
        group = self.group(variable)
        state = [variable, *self.optimizer.variables]
        before = [each.value for each in state]
        method(gradient, variable, self.rates[group])
        moves = self.multipliers[group] > 0
        for each, value in zip(state, before, strict=True):
            if each.value is not value:
                each.assign(ops.where(moves, each.value, value))

    def without_multipliers(self, method: Callable, store: Any) -> None:
        """Saves or loads."""
        self.remove_multipliers()
        try:
            method(store)
        finally:
            self.remove_multipliers = keras_private.add_variable(self.optimizer, self.multipliers)


class _TorchSteps(_ScaledSteps):
    """Nothing is traced, so Python decides. Keras steps many variables at once."""

    def step(self, method: Callable, gradients: Any, variables: Any, rate: Any) -> None:
        """The update of all variables, one group after another."""
        pairs = list(zip(gradients, variables, strict=True))
        for group, members in self.by_group(pairs, lambda pair: pair[1]):
            multiplier = float(self.multipliers[group])
            if multiplier > 0:
                method(*map(list, zip(*members, strict=True)), rate * multiplier)


_STEPS = {"tensorflow": _TensorFlowSteps, "jax": _JaxSteps, "torch": _TorchSteps}


def check_scalable(optimizer: keras.optimizers.Optimizer) -> None:
    """Raises a ValueError that names an optimizer whose steps cannot be scaled group by group."""
    *wrappers, optimizer = with_inner_optimizers(optimizer)
    for each in wrappers:
        if not isinstance(each, keras.optimizers.LossScaleOptimizer):
            raise ValueError(f"layer-wise rates do not reach into {type(each).__name__}")
    name = type(optimizer).__name__
    if type(optimizer).apply is not keras.optimizers.Optimizer.apply:
        raise ValueError(f"layer-wise rates cannot be given to {name}: it has its own way to apply")
    if keras.backend.backend() == "torch" and isinstance(optimizer, keras.optimizers.Nadam):
        # Its product of momenta would advance once for each group.
        raise ValueError(f"layer-wise rates cannot be given to {name} on the PyTorch backend")
