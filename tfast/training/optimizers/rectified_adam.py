"""Adam whose adaptive step is scaled by what is known of its variance."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from tfast.training.optimizers.keras_private import adam_slots
from tfast.types import Tensor


@keras.saving.register_keras_serializable(package="tfast")
class RectifiedAdam(keras.optimizers.Adam):
    """Adam that trusts its adaptive rate no further than its variance is known.

    In the first steps, while the second moment is of too few gradients, the step is
    plain momentum; from then on Adam's, scaled by a factor that grows to 1. It takes the
    place of a warm-up.

    Args:
        learning_rate: a float, a `LearningRateSchedule` or a function without arguments.
        beta_1: decay rate of the mean gradient.
        beta_2: decay rate of the mean squared gradient.
        epsilon: added to the root of the debiased mean squared gradient.
        threshold: length of the approximated moving average from which on it is trusted.
        **options: what each Keras optimizer takes: `weight_decay`, `clipnorm`, `use_ema`,
            `gradient_accumulation_steps`, `name`, ...

    Raises:
        ValueError: `amsgrad` is asked for; the rectification does not cover it.

    Examples:
        >>> weight = keras.Variable([1.0, -1.0])
        >>> optimizer = RectifiedAdam(0.1)
        >>> optimizer.apply([ops.convert_to_tensor([0.5, 2.0])], [weight])
        >>> [round(float(number), 3) for number in weight.numpy()]
        [0.95, -1.2]

    Source: Liu et al., arXiv:1908.03265; tensorflow_addons `RectifiedAdam`, fastai `radam_step`.
    Differs: weight decay is Keras's, times the rate, for every Keras optimizer has that.
    """

    def __init__(
        self,
        learning_rate: float | Callable[..., Tensor] = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *,
        threshold: float = 5.0,
        name: str = "rectified_adam",
        **options: Any,
    ) -> None:
        if options.pop("amsgrad", False):
            raise ValueError("RectifiedAdam has no amsgrad, got amsgrad=True")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name=name, **options)
        self.threshold = threshold

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """One step of one variable (called by Keras)."""
        gradient = ops.cast(gradient, variable.dtype)
        mean, square = adam_slots(self, variable)
        self.assign_add(mean, (gradient - mean) * (1 - self.beta_1))
        self.assign_add(square, (ops.square(gradient) - square) * (1 - self.beta_2))

        step = ops.cast(self.iterations + 1, "float32")
        # 1 - beta_2 ** step; beta_2 is so near 1 that float32 loses half its digits that way.
        filled = -ops.expm1(step * math.log(self.beta_2))
        longest = 2 / (1 - self.beta_2) - 1
        length = longest - 2 * step * (1 - filled) / filled
        # Below a length of 4 this is negative, and not used.
        rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        factor = ops.sqrt(ops.maximum(rectified, 0))
        rate = ops.cast(learning_rate, "float32") / (1 - ops.power(self.beta_1, step))
        factor, rate, filled = (ops.cast(each, variable.dtype) for each in (factor, rate, filled))
        adaptive = factor / (ops.sqrt(square / filled) + self.epsilon)
        scale = ops.where(length >= self.threshold, adaptive, ops.ones_like(adaptive))
        self.assign_sub(variable, rate * mean * scale)

    def get_config(self) -> dict[str, Any]:
        """The whole configuration."""
        config = super().get_config()
        del config["amsgrad"]
        return config | {"threshold": self.threshold}
