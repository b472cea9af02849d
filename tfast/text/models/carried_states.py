"""States that are carried from batch to batch."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tfast import arguments
from tfast.text.models.replicas import first_row, gather_rows
from tfast.types import Tensor


@keras.saving.register_keras_serializable(package="tfast")
class CarriedStates(keras.layers.Layer):
    """What a recurrent model remembers from one batch to the next, for training and otherwise.

    Keras's `stateful=True` binds a model to one batch size and lets validation write over the
    training state. Here a fixed number of rows is set aside for each of the two, and a batch
    uses as many as it has. Under a `tf.distribute` strategy all replicas keep the states of the
    whole batch, so that they are saved and loaded as those of one device.

    Args:
        widths: width of each state.
        max_batch_size: number of rows.

    Raises:
        ValueError: `max_batch_size` is below 1.
    """

    def __init__(self, widths: Sequence[int], max_batch_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widths = list(widths)
        self.max_batch_size = arguments.whole_number("max_batch_size", max_batch_size)
        self.of_training, self.of_evaluation = (
            [
                self.add_weight(
                    shape=(max_batch_size, width),
                    initializer="zeros",
                    trainable=False,
                    # All write the same: see `write`.
                    aggregation="only_first_replica",
                    name=f"{use}_{number}",
                )
                for number, width in enumerate(self.widths)
            ]
            for use in ("training", "evaluation")
        )
        self.built = True

    def read(self, starts_anew: Tensor, *, training: bool) -> list[Tensor]:
        """The states of a batch's rows, zeros where `starts_anew` `(batch,)` is true.

        Raises:
            ValueError: the batch has more than `max_batch_size` rows.
        """
        rows = starts_anew.shape[0]
        if rows is not None and rows > self.max_batch_size:
            raise ValueError(
                f"max_batch_size must be at least the {rows} rows of the batch, got "
                f"{self.max_batch_size}"
            )
        begin = first_row(starts_anew)
        end = begin + ops.shape(starts_anew)[0]
        restarts = ops.cast(starts_anew, "bool")[:, None]
        return [
            ops.where(restarts, ops.zeros((), state.dtype), ops.convert_to_tensor(state)[begin:end])
            for state in self._states(training)
        ]

    def write(self, states: list[Tensor], *, training: bool) -> None:
        """Keeps the states after a batch for the batch that follows."""
        variables = self._states(training)
        states = gather_rows([ops.cast(state, "float32") for state in states])
        for variable, state in zip(variables, states, strict=True):
            # Rows that the batch does not have stay as they are.
            others = ops.convert_to_tensor(variable)[ops.shape(state)[0] :]
            variable.assign(ops.concatenate([ops.cast(state, variable.dtype), others], axis=0))

    def _states(self, training: bool) -> list[keras.Variable]:
        return self.of_training if training else self.of_evaluation

    def get_config(self) -> dict[str, Any]:
        """The widths and the number of rows."""
        return {
            **super().get_config(),
            "widths": self.widths,
            "max_batch_size": self.max_batch_size,
        }
