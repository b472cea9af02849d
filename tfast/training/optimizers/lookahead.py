"""Lookahead: slow weights that follow another optimizer, and "ranger", over RectifiedAdam."""

import keras
from keras import ops

from tfast.training.optimizers.keras_private import (
    UpdatesWithoutReduction,
    updated_variables,
    variable_index,
)
from tfast.training.optimizers.rectified_adam import RectifiedAdam


@keras.saving.register_keras_serializable(package="tfast")
class Lookahead(UpdatesWithoutReduction, keras.optimizers.Optimizer):
    """Lets another optimizer run ahead and then goes a part of the way after it.

    A second, slow copy of the weights stands still for `sync_period` updates; then it moves
    `slow_step` of the way to the weights, and the weights go back to it. Clipping, weight
    decay, averaging and gradient accumulation are the inner optimizer's: set them there.
    Loss scaling stands around: `LossScaleOptimizer(Lookahead(...))`, which is what Keras
    makes of it under `mixed_float16`.

    Args:
        inner_optimizer: the Keras optimizer that runs ahead.
        sync_period: updates between two synchronisations.
        slow_step: share of the way that the slow weights follow, above 0 up to 1.
        name: name of the optimizer.

    Raises:
        ValueError: an option is out of its range, or loss scaling is inside.

    Example:
        >>> weight = keras.Variable([0.0])
        >>> optimizer = Lookahead(keras.optimizers.SGD(1.0), sync_period=2)
        >>> for _ in range(2):
        ...     optimizer.apply([ops.convert_to_tensor([1.0])], [weight])
        >>> float(weight[0])
        -1.0

    Source: Zhang et al., arXiv:1907.08610; tensorflow_addons `Lookahead`.
    """

    def __init__(self, inner_optimizer, *, sync_period=6, slow_step=0.5, name="lookahead"):
        if isinstance(inner_optimizer, keras.optimizers.LossScaleOptimizer) or (
            getattr(inner_optimizer, "loss_scale_factor", None) is not None
        ):
            raise ValueError(
                "inner_optimizer must not scale the loss; write LossScaleOptimizer(Lookahead(...))"
            )
        if not isinstance(inner_optimizer, keras.optimizers.Optimizer):
            raise ValueError(f"inner_optimizer must be a Keras optimizer, got {inner_optimizer!r}")
        if sync_period != int(sync_period) or sync_period < 1:
            raise ValueError(f"sync_period must be a whole number from 1 on, got {sync_period!r}")
        if not 0 < slow_step <= 1:
            raise ValueError(f"slow_step must be above 0 and at most 1, got {slow_step!r}")
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.sync_period = int(sync_period)
        self.slow_step = slow_step

    def build(self, variables):
        """Makes the slow copy and the inner optimizer's state (called by Keras)."""
        if self.built:
            return
        super().build(variables)
        self._slow_weights = self.add_optimizer_variables(variables, "slow")
        self.inner_optimizer.build(variables)

    @property
    def variables(self):
        """The slow weights and the inner optimizer's variables."""
        return super().variables + self.inner_optimizer.variables

    def apply(self, grads, trainable_variables=None):
        """Updates the variables (called by Keras)."""
        if not self.built:
            self.build(list(trainable_variables))
        variables = list(trainable_variables or updated_variables(self))
        # Not when built: weights may have been loaded since.
        self._follow(variables, ops.equal(self.iterations, 0), share=1.0)
        self.inner_optimizer.apply(grads, trainable_variables)
        # Between the batches of one accumulated update it is due again, and changes nothing:
        # weights and slow weights are equal then.
        due = ops.equal(ops.mod(self.iterations, self.sync_period), 0)
        self._follow(variables, due, share=self.slow_step)

    def _follow(self, variables, due, *, share):
        # What is due is no gradient, and the same on each replica.
        self.update_each([ops.cast(due, "float32")] * len(variables), variables, share)

    def update_step(self, gradient, variable, learning_rate):
        """Where `gradient` > 0 the slow weights go that share of the way (called by Keras)."""
        slow_weight = self._slow_weights[variable_index(self, variable)]
        slow, fast = ops.convert_to_tensor(slow_weight), ops.convert_to_tensor(variable)
        share = ops.cast(learning_rate, variable.dtype)

        def follow():
            followed = slow * (1 - share) + fast * share
            return followed, followed

        slow, fast = ops.cond(gradient > 0, follow, lambda: (slow, fast))
        self.assign(slow_weight, slow)
        self.assign(variable, fast)

    @property
    def iterations(self):
        """Updates so far: the inner optimizer's."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self):
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.inner_optimizer.learning_rate = learning_rate

    def finalize_variable_values(self, var_list):
        """What the inner optimizer does when training ends."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self):
        """The whole configuration."""
        return {
            "inner_optimizer": keras.saving.serialize_keras_object(self.inner_optimizer),
            "sync_period": self.sync_period,
            "slow_step": self.slow_step,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The reverse of `get_config`."""
        inner = keras.saving.deserialize_keras_object(
            config["inner_optimizer"], custom_objects=custom_objects
        )
        return cls(**(config | {"inner_optimizer": inner}))


def ranger(learning_rate, *, beta_1=0.95, beta_2=0.99, epsilon=1e-6, weight_decay=0.01):
    """RectifiedAdam that Lookahead follows, with the options of fastai's leaderboard recipes.

    Args:
        learning_rate: a float or a `LearningRateSchedule`; fastai uses `FlatCosine` with it.
        beta_1: decay rate of the mean gradient.
        beta_2: decay rate of the mean squared gradient.
        epsilon: added to the root of the debiased mean squared gradient.
        weight_decay: share of a weight taken off in each step, times the rate.

    Returns:
        A `Lookahead` optimizer.

    Example:
        >>> ranger(4e-3).inner_optimizer.beta_1
        0.95

    Source: fastai `ranger`.
    """
    return Lookahead(
        RectifiedAdam(learning_rate, beta_1, beta_2, epsilon, weight_decay=weight_decay)
    )
