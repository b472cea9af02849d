"""An optimizer whose steps are scaled group by group, and that is the stock one afterwards.

Nothing is swapped or subclassed: while attached, a few methods of the one optimizer object
are shadowed by attributes of the same name. What is saved knows nothing of them.
"""

import keras
from keras import ops

from tfast.training.layer_groups import with_inner_optimizers


class ScaledSteps:
    """Scales what an optimizer does to the weights of each group, where the rate is used.

    The rate of group g becomes `rate * multipliers[g]`, for the step and for weight decay.
    Where `multipliers[g]` is 0 the weights of the group, their slots and their moving averages
    stay exactly as they are. What all weights share (the count of steps, Nadam's product of
    momenta, the norm of `global_clipnorm`) goes on as ever.

    Args:
        optimizer: a built Keras optimizer, or a `LossScaleOptimizer` around one.
        groups: list of lists of `keras.Variable`, see `layer_groups.group_weights`.
        multipliers: float32 `keras.Variable` of shape (groups,), from 0 on. It is read in the
            step: other values need no new trace.

    Raises:
        ValueError: the optimizer applies gradients in a way of its own.
    """

    def __init__(self, optimizer, groups, multipliers):
        check_scalable(optimizer)
        *self.wrappers, self.optimizer = with_inner_optimizers(optimizer)
        self.multipliers = multipliers
        self.num_groups = len(groups)
        key = self.optimizer._var_key
        self.group_of = {key(weight): g for g, group in enumerate(groups) for weight in group}
        self.shadows = []

    def attach(self):
        """Shadows the optimizer's methods with those of this object."""
        optimizer = self.optimizer
        # Looked up here, so that whatever else shadows a method goes on working underneath.
        self.stock_step = optimizer._backend_update_step
        self.stock_update = optimizer.update_step
        self.stock_decay = optimizer._apply_weight_decay
        self._shadow(optimizer, "_apply_weight_decay", self._decay_by_group)
        backend = keras.backend.backend()
        if backend == "torch":
            # Its steps take many variables at once.
            self._shadow(optimizer, "_backend_update_step", self._step_by_group)
        else:
            self._shadow(optimizer, "_backend_update_step", self._step_with_rates)
        if backend == "tensorflow":
            self.stock_updates = optimizer._distributed_tf_update_step
            self._shadow(optimizer, "_distributed_tf_update_step", self._branch_by_group)
            self._shadow(optimizer, "update_step", self._update)
        elif backend == "jax":
            self._shadow(optimizer, "update_step", self._update_or_keep)
            self._carry_multipliers()
        if optimizer.use_ema:
            for name in ("_backend_apply_gradients", "finalize_variable_values"):
                self._shadow_keeping(name, self._weights_and_averages)
        if any(weight.constraint for weight in optimizer._trainable_variables):
            self._shadow_keeping("apply", self._constrained_weights)

    def detach(self):
        """Takes everything back: the optimizer is the stock one again."""
        for optimizer, name in self.shadows:
            vars(optimizer).pop(name, None)
        self.shadows = []
        if keras.backend.backend() == "jax":
            self._drop_multipliers()

    def _shadow(self, optimizer, name, function):
        # Past __setattr__, which would take note of a new part of the optimizer.
        vars(optimizer)[name] = function
        self.shadows.append((optimizer, name))

    def _group(self, variable):
        return self.group_of[self.optimizer._var_key(variable)]

    def _split(self, items, variable_of):
        """Yields (group, items of the group) for the groups that have any."""
        for group in range(self.num_groups):
            members = [item for item in items if self._group(variable_of(item)) == group]
            if members:
                yield group, members

    def _multiplier_of_each(self):
        return ops.unstack(ops.convert_to_tensor(self.multipliers), self.num_groups)

    def _step_with_rates(self, gradients, variables, learning_rate):
        """Hands a rate for each group through to `update_step`, in the place of the rate.

        Not the group's variables to one step after another: Nadam's product of momenta must
        advance once, and the gradients of all replicas are best reduced together.
        """
        multipliers = self._multiplier_of_each()
        self.stock_step(gradients, variables, [learning_rate * m for m in multipliers])

    def _update(self, gradient, variable, rates):
        self.stock_update(gradient, variable, rates[self._group(variable)])

    def _branch_by_group(self, distribution, gradients_and_variables, rates):
        """TensorFlow: a branch for each group, taken if its multiplier is not 0."""
        multipliers = self._multiplier_of_each()
        for group, pairs in self._split(gradients_and_variables, lambda pair: pair[1]):

            def step(pairs=pairs):
                self.stock_updates(distribution, pairs, rates)

            ops.cond(multipliers[group] > 0, step, lambda: None)

    def _update_or_keep(self, gradient, variable, rates):
        """JAX: branches cannot assign, so take every step and keep its results or not."""
        state = [variable, *self.optimizer.variables]
        before = [each.value for each in state]
        self._update(gradient, variable, rates)
        moves = self.multipliers[self._group(variable)] > 0
        for each, value in zip(state, before, strict=True):
            if each.value is not value:
                each.assign(ops.where(moves, each.value, value))

    def _step_by_group(self, gradients, variables, learning_rate):
        """PyTorch: nothing is traced, so Python decides."""
        pairs = list(zip(gradients, variables, strict=True))
        for group, members in self._split(pairs, lambda pair: pair[1]):
            multiplier = float(self.multipliers[group])
            if multiplier > 0:
                self.stock_step(*map(list, zip(*members, strict=True)), learning_rate * multiplier)

    def _decay_by_group(self, variables):
        """Weight decay asks the optimizer for the rate: for each group it gets another answer."""
        if self.optimizer.weight_decay is None and not hasattr(self.optimizer, "adam_weight_decay"):
            return
        name = "_get_current_learning_rate"
        # The class's: replicas pass here one after another, and another answer may stand already.
        stock_rate = getattr(type(self.optimizer), name)(self.optimizer)
        multipliers = self._multiplier_of_each()
        for group, members in self._split(variables, lambda variable: variable):
            # Once for the group: Keras asks for each of its weights.
            rate = stock_rate * multipliers[group]
            vars(self.optimizer)[name] = lambda rate=rate: rate
            try:
                self.stock_decay(members)
            finally:
                vars(self.optimizer).pop(name, None)  # the first replica may have taken it back

    def _weights_and_averages(self):
        """`use_ema`: averages move, and overwrite weights, outside of the step."""
        averages = self.optimizer._model_variables_moving_average
        return list(zip(self.optimizer._trainable_variables, averages, strict=True))

    def _constrained_weights(self):
        """Constraints are put on weights behind the step, and may move those that rest."""
        weights = self.optimizer._trainable_variables
        return [(weight,) for weight in weights if weight.constraint is not None]

    def _shadow_keeping(self, name, find_variables):
        """The method goes on, but what it does to resting groups is undone.

        `find_variables` gives tuples, each of a weight and variables that belong to it.
        """
        stock = getattr(self.optimizer, name)

        def keeping(*arguments, **options):
            found = find_variables()
            before = [[ops.copy(each) for each in variables] for variables in found]
            stock(*arguments, **options)
            for variables, values in zip(found, before, strict=True):
                moves = self.multipliers[self._group(variables[0])] > 0
                for each, value in zip(variables, values, strict=True):
                    each.assign(ops.where(moves, ops.convert_to_tensor(each), value))

        self._shadow(self.optimizer, name, keeping)

    def _carry_multipliers(self):
        """JAX: a traced step sees the variables among the optimizer's state, others are constants.

        Whatever saves or loads the optimizer meanwhile does not see the guest.
        """
        for optimizer in (self.optimizer, *self.wrappers):
            for name in ("save_own_variables", "load_own_variables"):
                self._shadow(optimizer, name, self._without_guest(getattr(optimizer, name)))
        self.optimizer._variables.append(self.multipliers)

    def _drop_multipliers(self):
        variables = self.optimizer._variables
        variables[:] = [each for each in variables if each is not self.multipliers]

    def _without_guest(self, stock):
        def without(store):
            self._drop_multipliers()
            try:
                return stock(store)
            finally:
                self.optimizer._variables.append(self.multipliers)

        return without


def check_scalable(optimizer):
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
