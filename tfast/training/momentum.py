"""`MomentumSchedule`: an optimizer's momentum follows the step while `fit` runs."""

import keras

from tfast.training.layer_groups import with_inner_optimizers

# Every backend's optimizer calls it once per update, with the step's variables in scope.
_UPDATE = "_backend_update_step"


class MomentumSchedule(keras.callbacks.Callback):
    """Makes `momentum` or `beta_1` of the model's optimizer follow a schedule.

    Keras keeps both as Python floats, which tracing bakes into the compiled step. While `fit`
    runs this callback puts the schedule in their place inside the step and only there: the
    value is computed in the graph from the optimizer's own count of batches, as a learning
    rate's is, so that it is right with `steps_per_execution`, gradient accumulation and loss
    scaling. Between steps the float stands where it stood: a checkpoint written in the middle
    of `fit` is one of the stock optimizer. After `fit` the optimizer is a stock one. Keras
    does not tell callbacks of a `fit` that breaks; then the next `fit` begins with the stock
    optimizer.

    Works with each Keras optimizer that keeps a momentum, inside `LossScaleOptimizer` and
    `tfast.training.optimizers.lookahead.Lookahead` too, on the TensorFlow and JAX backends.

    Args:
        schedule: a `LearningRateSchedule`, say `OneCycleMomentum`, or any function from the
            step (an integer scalar tensor) to the momentum (a float scalar tensor).

    Raises:
        ValueError: (when `fit` begins) the optimizer has no momentum to follow, or was built
            without one.

    Example:
        >>> from tfast.training.schedules import OneCycle, OneCycleMomentum
        >>> optimizer = keras.optimizers.Adam(OneCycle(4e-3, total_steps=100))
        >>> callbacks = [MomentumSchedule(OneCycleMomentum(total_steps=100))]

    Source: fastai `ParamScheduler`, which sets the number before each batch.
    """

    def __init__(self, schedule):
        super().__init__()
        if not callable(schedule):
            raise ValueError(f"schedule must be a function of the step, got {schedule!r}")
        self.schedule = schedule

    def on_train_begin(self, logs=None):
        """Puts the schedule into the optimizer's step."""
        model = self.model
        *_, optimizer = with_inner_optimizers(model.optimizer)
        _detach(model, optimizer)  # what a run that was interrupted left
        # Each fit brings a `History` of its own.
        history = getattr(model, "history", None)
        scheduled = _ScheduledUpdate(
            optimizer,
            _momentum_name(optimizer),
            self.schedule,
            is_live=lambda: getattr(model, "history", None) is history,
        )
        model.make_train_function(force=True)
        _end_with_next_fit(model, scheduled)

    def on_train_end(self, logs=None):
        """Gives the stock optimizer back."""
        model = self.model
        *_, optimizer = with_inner_optimizers(model.optimizer)
        _detach(model, optimizer)
        model.make_train_function(force=True)


class _ScheduledUpdate:
    """Stands in an optimizer's instance before its `_backend_update_step`."""

    def __init__(self, optimizer, name, schedule, *, is_live):
        self.optimizer, self.name, self.schedule = optimizer, name, schedule
        self.is_live = is_live
        self.number = getattr(optimizer, name)
        self.found = vars(optimizer).get(_UPDATE)
        self.update = getattr(optimizer, _UPDATE)
        self.in_the_step = _StepValue()
        # Past __setattr__, which would track what is no part of the optimizer's state.
        vars(optimizer)[_UPDATE] = self

    def __call__(self, gradients, variables, learning_rate):
        if not self.is_live():  # another callback's shadow may still hold this one
            return self.update(gradients, variables, learning_rate)
        # Not `iterations`, which counts updates: learning rates follow the batches too.
        self.in_the_step.current = self.schedule(self.optimizer._iterations)
        vars(self.optimizer)[self.name] = self.in_the_step
        try:
            return self.update(gradients, variables, learning_rate)
        finally:
            # Known beforehand rather than read: MirroredStrategy's replicas are in here at
            # the same time, each with the value of another in place of the float.
            vars(self.optimizer)[self.name] = self.number


class _StepValue(keras.Variable):
    """A tensor where an optimizer expects a float.

    A variable, because that is what the ops of each backend take. To Python's comparisons
    it is a momentum above 0: SGD and RMSprop ask, and a traced tensor cannot answer.
    """

    def __init__(self):
        super().__init__(0.5, dtype="float32", trainable=False, name="momentum_now")
        self.current = 0.5

    @property
    def value(self):
        return self.current

    def __ne__(self, other):
        return True

    def __gt__(self, other):
        return True

    __hash__ = keras.Variable.__hash__


def _momentum_name(optimizer):
    """`momentum` or `beta_1`, whichever the optimizer keeps."""
    kind = type(optimizer).__name__
    if isinstance(optimizer, keras.optimizers.ScheduleFreeAdamW):
        # It divides by beta_1 to recover its averaged weights from those of the last step.
        raise ValueError(f"MomentumSchedule: the beta_1 of {kind} must not change")
    for name in ("momentum", "beta_1"):
        number = getattr(optimizer, name, None)
        if isinstance(number, float) and number > 0:
            return name
        if number is not None:
            raise ValueError(
                f"MomentumSchedule: {kind} has {name}={number!r} and keeps no momentum; "
                f"build it with {name} above 0"
            )
    raise ValueError(f"MomentumSchedule: {kind} has neither momentum nor beta_1")


def _end_with_next_fit(model, scheduled):
    """Each fit begins its epochs with `reset_metrics`, before a step is traced."""
    stock = model.reset_metrics

    def reset_metrics():
        if not scheduled.is_live():
            _detach(model, scheduled.optimizer)
            model.make_train_function(force=True)
        stock()

    vars(model)["reset_metrics"] = reset_metrics


def _detach(model, optimizer):
    vars(model).pop("reset_metrics", None)
    update = vars(optimizer).get(_UPDATE)
    if isinstance(update, _ScheduledUpdate):
        if update.found is None:
            del vars(optimizer)[_UPDATE]
        else:
            vars(optimizer)[_UPDATE] = update.found
