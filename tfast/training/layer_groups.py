"""Ordered groups of layers, first the ones nearest the input, and freezing up to one of them.

A model's groups are a list of lists of layers; each model module makes its own. A container
stands for everything inside it.
"""

import numbers
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras

from tfast.training.optimizers.keras_private import (
    all_layers,
    restrict_optimizer_to,
    strategy_scope,
    updated_variables,
)
from tfast.training.optimizers.untracked import set_untracked

# A layer stands for all weights inside it.
Groups: TypeAlias = Sequence[Sequence[keras.Layer | keras.Variable]]

_MARK = "_frozen_by_freeze_to"


def group_weights(model: keras.Model, groups: Groups) -> list[list[keras.Variable]]:
    """The weights of each group, checked: every weight of the model is in exactly one.

    Args:
        model: a built Keras model.
        groups: list of lists of layers, the ones nearest the input first. A layer with layers
            inside stands for all of them. A weight (`keras.Variable`) may be given instead of a
            layer, where two layers share it. Layers without weights may be left out.

    Returns:
        List of lists of `keras.Variable`, one list for each group.

    Raises:
        ValueError: the model is not built; a group is empty or holds something else; a weight
            is in no group, in two, or not of this model.

    Examples:
        >>> body, head = keras.layers.Dense(3), keras.layers.Dense(2)
        >>> model = keras.Sequential([keras.Input((4,)), body, head])
        >>> [[w.path.split("/")[-1] for w in g] for g in group_weights(model, [[body], [head]])]
        [['kernel', 'bias'], ['kernel', 'bias']]
    """
    if not model.built:
        raise ValueError(f"model {model.name!r} has no weights yet: build it or call it on a batch")
    if not groups or not all(isinstance(group, list | tuple) and group for group in groups):
        raise ValueError(f"groups must be a list of lists of layers, none empty, got {groups!r}")
    layer_of = {id(w): layer for layer in all_layers(model) for w in layer.weights}
    group_of: dict[int, int] = {}
    for number, group in enumerate(groups):
        for item in group:
            for weight in _weights_of(item):
                if id(weight) not in layer_of:
                    raise ValueError(f"groups: {weight.path} is no weight of {model.name!r}")
                if group_of.setdefault(id(weight), number) != number:
                    raise ValueError(
                        f"groups: layer {item.name!r} with weight {weight.path} is in group "
                        f"{group_of[id(weight)]} and in group {number}; put it in one"
                    )
    for weight in model.weights:
        if id(weight) not in group_of:
            raise ValueError(
                f"groups: layer {layer_of[id(weight)].name!r} with weight {weight.path} "
                f"is in none of the {len(groups)} groups"
            )
    return [[w for w in model.weights if group_of[id(w)] == g] for g in range(len(groups))]


def _weights_of(item: Any) -> list[keras.Variable]:
    if isinstance(item, keras.Layer):
        return item.weights
    if isinstance(item, keras.Variable):
        return [item]
    raise ValueError(f"groups must hold layers, got {item!r} of type {type(item).__name__}")


def freeze_to(model: keras.Model, groups: Groups, n: int) -> None:
    """Freezes all groups before the n-th from the next fit on, and lets the others train.

    Frozen weights get no gradient (nothing is computed for them) and keep their optimizer
    state: it is untouched while they are frozen and goes on when they are not. Batch
    normalisation is spared: it goes on training and keeping statistics in frozen groups.

    Weights are frozen, not layers: the flag `trainable` of every layer stays on. So whatever
    saves the model while it is frozen (`model.save`, `ModelCheckpoint` inside fit) saves it
    with the flags on and the whole optimizer state, and stock `keras.saving.load_model`
    brings both back. The loaded model is unfrozen; the level is not in the file. Keep `n`
    beside it and call `freeze_to` again to go on frozen.

    Layers whose own flag was set to False stay frozen whatever `n` says.

    Args:
        model: a built and compiled model. Its optimizer is built over all weights that can
            train, if it is not built yet.
        groups: see `group_weights`.
        n: the first group that trains, from 0 (everything trains) to `len(groups) - 1`.
            Negative numbers count from the end: -1 trains the last group alone.

    Raises:
        ValueError: `n` out of range; groups that do not fit (see `group_weights`); a model
            that is not compiled, or whose optimizer was built without some of the weights.

    Examples:
        >>> body, head = keras.layers.Dense(3), keras.layers.Dense(2)
        >>> model = keras.Sequential([keras.Input((4,)), body, head])
        >>> model.compile("adam", "mse")
        >>> freeze_to(model, [[body], [head]], -1)
        >>> len(model.trainable_variables), body.trainable
        (2, True)

    Source: fastai `Learner.freeze_to`.
    Differs: fastai spares layer and instance normalisation too.
    """
    weights = group_weights(model, groups)
    if not isinstance(n, numbers.Integral) or not -len(groups) <= n < len(groups):
        raise ValueError(
            f"n must be from {-len(groups)} to {len(groups) - 1} with {len(groups)} groups, "
            f"got {n!r}"
        )
    if not model.compiled:
        raise ValueError(f"model {model.name!r} is not compiled: call model.compile first")
    before = [id(variable) for variable in model.trainable_variables]
    for weight in model.weights:
        # Only what this function froze: others may have their reasons for a frozen weight.
        if getattr(weight, _MARK, False):
            weight.trainable = True
            set_untracked(weight, _MARK, False)
    build_optimizer(model)
    # Refuses before anything is frozen; what was restricted for frozen weights is whole again.
    lift = restrict_optimizer_to(model.optimizer, model.trainable_variables)
    lift()
    spared = {id(weight) for layer in _batch_norms(model) for weight in layer.weights}
    for weight in [weight for group in weights[: n % len(groups)] for weight in group]:
        if weight.trainable and id(weight) not in spared:
            weight.trainable = False
            set_untracked(weight, _MARK, True)
    training = [id(variable) for variable in model.trainable_variables]
    if training != [id(variable) for variable in updated_variables(model.optimizer)]:
        restrict_optimizer_to(model.optimizer, model.trainable_variables)
    if training != before:
        # What trains is read when the step is traced.
        model.make_train_function(force=True)


def unfrozen_variables(model: keras.Model) -> list[keras.Variable]:
    """The variables of a model that train, and those that do but for `freeze_to`."""
    return [v for v in model.variables if v.trainable or getattr(v, _MARK, False)]


def _batch_norms(model: keras.Model) -> list[keras.Layer]:
    norm = keras.layers.BatchNormalization
    return [layer for layer in all_layers(model) if isinstance(layer, norm)]


def build_optimizer(model: keras.Model) -> None:
    """Gives the optimizer of a compiled model its state for all weights that train now."""
    if not model.optimizer.built:
        with strategy_scope(model):
            model.optimizer.build(model.trainable_variables)
