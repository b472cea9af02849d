"""Lookahead: slow weights that follow another optimizer, and "ranger", over RectifiedAdam."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from tfast.arguments import fraction, whole_number
from tfast.training.optimizers.keras_private import (
    UpdatesWithoutReduction,
    updated_variables,
    variable_index,
)
from tfast.training.optimizers.rectified_adam import RectifiedAdam
from tfast.types import Tensor


@keras.saving.register_keras_serializable(package="tfast")
class Lookahead(UpdatesWithoutReduction, keras.optimizers.Optimizer):
    """Lets another optimizer run ahead, and then follows a part of the way.

    A second, slow copy of the weights does not move for `sync_period` updates; then it goes
    `slow_step` of the way to the weights, and the weights go back to it. Clipping, weight
    decay, averaging and gradient accumulation are the inner optimizer's: set them there.
    Loss scaling goes around it: `LossScaleOptimizer(Lookahead(...))`, which is what Keras
    makes of it under `mixed_float16`.

    Args:
        inner_optimizer: the Keras optimizer that runs ahead.
        sync_period: updates between two synchronisations.
        slow_step: fraction of the way that the slow weights follow, above 0 up to 1.
        name: name of the optimizer.

    Raises:
        ValueError: an option is out of its range, or loss scaling is inside.

    Examples:
        >>> weight = keras.Variable([0.0])
        >>> optimizer = Lookahead(keras.optimizers.SGD(1.0), sync_period=2)
        >>> for _ in range(2):
        ...     optimizer.apply([ops.convert_to_tensor([1.0])], [weight])
        >>> float(weight[0])
        -1.0

    Source: Zhang et al., arXiv:1907.08610; tensorflow_addons `Lookahead`.
    """

    def __init__(
        self,
        inner_optimizer: keras.optimizers.Optimizer,
        *,
        sync_period: int = 6,
        slow_step: float = 0.5,
        name: str = "lookahead",
    ) -> None:
        if isinstance(inner_optimizer, keras.optimizers.LossScaleOptimizer) or (
            getattr(inner_optimizer, "loss_scale_factor", None) is not None
        ):
            raise ValueError(
                "inner_optimizer must not scale the loss; write LossScaleOptimizer(Lookahead(...))"
            )
        if not isinstance(inner_optimizer, keras.optimizers.Optimizer):
            raise ValueError(f"inner_optimizer must be a Keras optimizer, got {inner_optimizer!r}")
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.sync_period = whole_number("sync_period", sync_period)
        self.slow_step = fraction("slow_step", slow_step, zero=False, one=True)

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes the slow copy and the inner optimizer's state (called by Keras)."""
        if self.built:
            return
        super().build(variables)
        self._slow_weights = self.add_optimizer_variables(variables, "slow")
        self.inner_optimizer.build(variables)

    @property
    def variables(self) -> list[keras.Variable]:
        """The slow weights and the inner optimizer's variables."""
        return super().variables + self.inner_optimizer.variables

    def apply(
        self, grads: Sequence[Tensor], trainable_variables: Sequence[Any] | None = None
    ) -> None:
        """Updates the variables (called by Keras)."""
        if not self.built:
            self.build(list(trainable_variables or []))
        variables = list(trainable_variables or updated_variables(self))
        # Not when built: weights may have been loaded since.
        self._follow(variables, ops.equal(self.iterations, 0), fraction=1.0)
        self.inner_optimizer.apply(grads, trainable_variables)
        # Between the batches of one accumulated update it is due again, and changes nothing:
        # weights and slow weights are equal then.
        due = ops.equal(ops.mod(self.iterations, self.sync_period), 0)
        self._follow(variables, due, fraction=self.slow_step)

    def _follow(self, variables: list[Any], due: Tensor, *, fraction: float) -> None:
        # What is due is no gradient, and the same on each replica.
        self.update_each([ops.cast(due, "float32")] * len(variables), variables, fraction)

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """Where `gradient` > 0 slow weights go that fraction of the way (called by Keras)."""
        slow_weight = self._slow_weights[variable_index(self, variable)]
        slow, fast = ops.convert_to_tensor(slow_weight), ops.convert_to_tensor(variable)
        step = ops.cast(learning_rate, variable.dtype)

        def follow() -> tuple[Tensor, Tensor]:
            followed = slow * (1 - step) + fast * step
            return followed, followed

        slow, fast = ops.cond(gradient > 0, follow, lambda: (slow, fast))
        self.assign(slow_weight, slow)
        self.assign(variable, fast)

    @property
    def iterations(self) -> Tensor:
        """Updates so far: the inner optimizer's."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    def finalize_variable_values(self, var_list: Sequence[keras.Variable]) -> None:
        """What the inner optimizer does when training ends."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """The whole configuration."""
        return {
            "inner_optimizer": keras.saving.serialize_keras_object(self.inner_optimizer),
            "sync_period": self.sync_period,
            "slow_step": self.slow_step,
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "Lookahead":
        """The reverse of `get_config`."""
        inner = keras.saving.deserialize_keras_object(
            config["inner_optimizer"], custom_objects=custom_objects
        )
        return cls(**(config | {"inner_optimizer": inner}))


def ranger(
    learning_rate: float | Callable[..., Tensor],
    *,
    beta_1: float = 0.95,
    beta_2: float = 0.99,
    epsilon: float = 1e-6,
    weight_decay: float = 0.01,
) -> Lookahead:
    """RectifiedAdam that Lookahead follows, with the options of fastai's leaderboard recipes.

    Args:
        learning_rate: a float or a `LearningRateSchedule`; fastai uses `FlatCosine` with it.
        beta_1: decay rate of the mean gradient.
        beta_2: decay rate of the mean squared gradient.
        epsilon: added to the root of the debiased mean squared gradient.
        weight_decay: fraction of a weight taken off in each step, times the rate.

    Returns:
        A `Lookahead` optimizer.

    Examples:
        >>> ranger(4e-3).inner_optimizer.beta_1
        0.95

    Source: fastai `ranger`.
    """
    return Lookahead(
        RectifiedAdam(learning_rate, beta_1, beta_2, epsilon, weight_decay=weight_decay)
    )
