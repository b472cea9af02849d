"""`MomentumSchedule`: an optimizer's momentum follows the step while `fit` runs."""

from collections.abc import Callable
from typing import Any

import keras

from tfast.training.attachment import attached_until_next_fit
from tfast.training.optimizers.inner_optimizers import innermost
from tfast.training.optimizers.keras_private import step_count, wrap_update
from tfast.training.optimizers.untracked import Undo, set_untracked
from tfast.types import Tensor


class MomentumSchedule(keras.callbacks.Callback):
    """Makes `momentum` or `beta_1` of the model's optimizer follow a schedule.

    Keras keeps both as Python floats, which tracing bakes into the compiled step. While `fit`
    runs this callback puts the schedule in their place inside the step and only there: the
    value is computed in the graph from the optimizer's own count of batches, as a learning
    rate's is, so that it is right with `steps_per_execution`, gradient accumulation and loss
    scaling. Between steps the float is back: a checkpoint written in the middle
    of `fit` is one of the stock optimizer. After `fit` the optimizer is a stock one. Keras
    does not tell callbacks of a `fit` that breaks; then the next `fit` begins with the stock
    optimizer.

    Works with each Keras optimizer that keeps a momentum, inside `LossScaleOptimizer` and
    `tfast.training.optimizers.lookahead.Lookahead` too.

    Args:
        schedule: a `LearningRateSchedule`, say `OneCycleMomentum`, or any function from the
            step (an integer scalar tensor) to the momentum (a float scalar tensor).

    Raises:
        ValueError: (when `fit` begins) the optimizer has no momentum to follow, or was built
            without one.

    Examples:
        >>> from tfast.training.schedules import OneCycle, OneCycleMomentum
        >>> optimizer = keras.optimizers.Adam(OneCycle(4e-3, total_steps=100))
        >>> callbacks = [MomentumSchedule(OneCycleMomentum(total_steps=100))]

    Source: fastai `ParamScheduler`, which sets the number before each batch.
    """

    def __init__(self, schedule: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        if not callable(schedule):
            raise ValueError(f"schedule must be a function of the step, got {schedule!r}")
        self.schedule = schedule
        self.detach: Undo | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the schedule into the optimizer's step."""
        model = self.model
        unwrap = _schedule_momentum(innermost(model.optimizer), self.schedule)

        def undo() -> None:
            unwrap()
            model.train_function = None  # the next fit traces the stock optimizer's step

        self.detach = attached_until_next_fit(model, undo)
        model.make_train_function(force=True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Gives the stock optimizer back."""
        if self.detach is not None:
            self.detach()


def _schedule_momentum(optimizer: keras.optimizers.Optimizer, schedule: Callable) -> Undo:
    """Inside each update, and only there, the momentum is a tensor."""
    name = _momentum_name(optimizer)
    number = getattr(optimizer, name)
    momentum = _MomentumOfStep()
    on_torch = keras.backend.backend() == "torch"

    def update(method: Any, gradients: Any, variables: Any, learning_rate: Any) -> None:
        # The count of batches, not of updates: learning rates follow it too.
        momentum.current = schedule(step_count(optimizer))
        # On PyTorch nothing is traced, and its operations on many tensors take a number only.
        now = float(momentum.current) if on_torch else momentum
        set_untracked(optimizer, name, now)
        try:
            method(gradients, variables, learning_rate)
        finally:
            # The number that is known, not what was read: MirroredStrategy's replicas are in
            # here at the same time, each with the tensor of another in its place.
            set_untracked(optimizer, name, number)

    return wrap_update(optimizer, update)


class _MomentumOfStep(keras.Variable):
    """A tensor where Keras's optimizers keep a float.

    It is a `keras.Variable` because that is what the ops of each backend take. What optimizers
    ask the float in Python, `momentum != 0` and `momentum > 0`, means "do I keep momenta?".
    Inside a traced step a tensor has no answer to that; this has: they do, or
    `MomentumSchedule` would have refused them. Keras offers no way for a momentum that
    changes: https://github.com/keras-team/keras/issues/9861
    """

    def __init__(self) -> None:
        super().__init__(0.5, dtype="float32", trainable=False, name="momentum_of_step")
        self.current: Tensor = 0.5

    @property
    def value(self) -> Tensor:
        return self.current

    def __ne__(self, other: object) -> bool:
        return self._keeps_momenta(other)

    def __gt__(self, other: object) -> bool:
        return self._keeps_momenta(other)

    def _keeps_momenta(self, other: object) -> bool:
        if other != 0:
            raise TypeError(f"a momentum that follows the step cannot be compared with {other!r}")
        return True

    __hash__ = keras.Variable.__hash__


def _momentum_name(optimizer: keras.optimizers.Optimizer) -> str:
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
