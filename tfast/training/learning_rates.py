"""A learning rate of its own for each group of layers."""

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tfast.training.attachment import attached_until_next_fit
from tfast.training.layer_groups import Groups, build_optimizer, group_weights
from tfast.training.optimizers.layerwise_steps import scale_steps
from tfast.training.optimizers.untracked import Undo


class LayerwiseLearningRates(keras.callbacks.Callback):
    """Multiplies the learning rate of each group of layers, while `fit` runs.

    The model keeps the optimizer it was compiled with, and its rate, schedule, clipping and
    accumulation. A group with multiplier m trains as if the optimizer's rate were `rate * m`,
    weight decay included. At 0 its weights, their moments and their moving averages stay
    exactly as they are (to save the work too, see `layer_groups.freeze_to`). Multipliers may
    be set between fits and inside one; the step is not traced again.

    When `fit` ends the optimizer is the stock one. So is what is saved in its middle: a file
    written by `ModelCheckpoint` loads with plain Keras. An interrupted fit (an exception,
    Ctrl-C) leaves the rates in place until the next fit begins.

    Works with the optimizers of Keras, `LossScaleOptimizer` included, and `RectifiedAdam`.
    `MultiOptimizer` is refused, and so is `Lookahead` (`ranger`), whose slow weights would
    pull those at 0 after them. Two keep what they do in stock Keras when their rate
    changes: Ftrl computes the weights afresh from the rate, so that another multiplier above 0
    rescales them, and Adafactor with `relative_step` takes `rate * m` for the upper bound that
    its rate is.

    On the JAX backend the optimizer's `variables` have an extra entry at their end, the
    multipliers, while `fit` runs.

    Args:
        groups: list of lists of layers, see `layer_groups.group_weights`.
        multipliers: a number from 0 on for each group.

    Raises:
        ValueError: a multiplier is negative or not finite, or their number is not that of the
            groups. When `fit` begins: groups that do not fit the model, or an optimizer that
            cannot be scaled right.

    Examples:
        >>> import numpy as np
        >>> body, head = keras.layers.Dense(3), keras.layers.Dense(1)
        >>> model = keras.Sequential([keras.Input((4,)), body, head])
        >>> model.compile(keras.optimizers.Adam(1e-2), "mse")
        >>> rates = LayerwiseLearningRates([[body], [head]], discriminative_rates(0.1, 1.0, 2))
        >>> data = np.ones((2, 4)), np.ones((2, 1))
        >>> history = model.fit(*data, callbacks=[rates], verbose=0)
        >>> rates.multipliers = [0, 1]  # the body does not move in the next fit

    Source: fastai's discriminative learning rates (Howard and Ruder, arXiv:1801.06146), and
        `tensorflow_addons.optimizers.MultiOptimizer`, whose trajectories these are.
    Differs: one optimizer instead of one for each group: gradients are clipped together.
    """

    def __init__(self, groups: Groups, multipliers: Sequence[float]) -> None:
        super().__init__()
        self.groups = groups
        self._multipliers = _checked(multipliers, len(groups))
        self._variable: keras.Variable | None = None  # read in the step; 1 if nothing is attached
        self._train_function: Any = None  # the one that reads `_variable`
        self._detach: Undo | None = None

    @property
    def multipliers(self) -> list[float]:
        """List of floats, one for each group."""
        return list(self._multipliers)

    @multipliers.setter
    def multipliers(self, multipliers: Sequence[float]) -> None:
        self._multipliers = _checked(multipliers, len(self.groups))
        if self._detach is not None:
            self._assign(self._multipliers)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Attaches to the optimizer."""
        model = self.model
        weights = group_weights(model, self.groups)
        build_optimizer(model)
        if self._variable is None:
            ones = [1.0] * len(self.groups)
            self._variable = keras.Variable(ones, trainable=False, dtype="float32", name="rates")
        unscale = scale_steps(model.optimizer, weights, self._variable)

        def undo() -> None:
            self._detach = None
            self._assign([1.0] * len(self.groups))  # a step already traced is the stock one too
            unscale()

        self._detach = attached_until_next_fit(model, undo)
        self._assign(self._multipliers)
        if model.train_function is not self._train_function:
            model.make_train_function(force=True)
            self._train_function = model.train_function

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Detaches: the optimizer is the stock one again."""
        if self._detach is not None:
            self._detach()

    state_is_optional = True  # see `resume.resumable_fit`

    def get_state(self) -> dict[str, Any]:
        """The multipliers, which may have been set since `fit` began."""
        return {"multipliers": np.asarray(self._multipliers)}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `get_state` gave."""
        self.multipliers = state["multipliers"].tolist()

    def _assign(self, values: Sequence[float]) -> None:
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()  # or the running step's own copy would come back
        if self._variable is not None:
            self._variable.assign(values)


def discriminative_rates(low: float | None, high: float, n: int) -> list[float]:
    """Rates or multipliers for `n` groups, each the same factor above the one before it.

    Args:
        low: the first group's, above 0; None for fastai's `slice(high)`: `high` for the last
            group and a tenth of it for the others.
        high: the last group's, above 0.
        n: number of groups, from 1 on. One group gets `high`.

    Returns:
        List of `n` floats in the unit of `low` and `high`: multipliers from multipliers. With
        rates, divide by the rate that the optimizer has.

    Raises:
        ValueError: a number is out of its range.

    Examples:
        >>> [round(m, 3) for m in discriminative_rates(0.01, 1.0, 3)]
        [0.01, 0.1, 1.0]
        >>> [round(m, 3) for m in discriminative_rates(2.6**-2, 1.0, 3)]  # ULMFiT: 2.6 times slower
        [0.148, 0.385, 1.0]

    Source: fastai `slice(low, high)` as a learning rate, `even_mults`.
    """
    for name, value in (("low", low), ("high", high)):
        if not (value is None and name == "low") and not _is_number(value, above=0):
            raise ValueError(f"{name} must be a number above 0, got {value!r}")
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"n must be a whole number from 1 on, got {n!r}")
    if low is None:
        return [high / 10.0] * (n - 1) + [float(high)]
    if n == 1:
        return [float(high)]
    return [low * (high / low) ** (position / (n - 1)) for position in range(n)]


def _checked(multipliers: Sequence[float], num_groups: int) -> list[float]:
    multipliers = list(multipliers)
    if len(multipliers) != num_groups:
        raise ValueError(
            f"multipliers must be one for each of the {num_groups} groups, got {multipliers!r}"
        )
    for multiplier in multipliers:
        if not (_is_number(multiplier, above=0) or multiplier == 0):
            raise ValueError(f"multipliers must be finite numbers from 0 on, got {multipliers!r}")
    return [float(multiplier) for multiplier in multipliers]


def _is_number(value: Any, *, above: float) -> bool:
    return isinstance(value, numbers.Real) and math.isfinite(value) and float(value) > above
