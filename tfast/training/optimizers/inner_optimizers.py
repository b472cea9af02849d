"""Optimizers inside others: Keras's `LossScaleOptimizer` and `Lookahead` wrap one."""

from collections.abc import Iterator

import keras


def with_inner_optimizers(
    optimizer: keras.optimizers.Optimizer,
) -> Iterator[keras.optimizers.Optimizer]:
    """Yields `optimizer`, then the one it wraps, and so on.

    Examples:
        >>> wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
        >>> [type(each).__name__ for each in with_inner_optimizers(wrapped)]
        ['LossScaleOptimizer', 'SGD']
    """
    while optimizer is not None:
        yield optimizer
        optimizer = getattr(optimizer, "inner_optimizer", None)


def innermost(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer that moves the weights: the one that wraps no other.

    Examples:
        >>> wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
        >>> type(innermost(wrapped)).__name__
        'SGD'
    """
    *_, last = with_inner_optimizers(optimizer)
    return last
