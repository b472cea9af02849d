"""States that go on from batch to batch."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfast")
class CarriedStates(keras.layers.Layer):
    """What a recurrent model remembers from one batch to the next, for training and otherwise.

    Keras's `stateful=True` binds a model to one batch size and lets validation write over the
    training state. Here a fixed number of rows is set aside for each of the two, and a batch
    uses as many as it has.

    Args:
        widths: width of each state.
        max_batch_size: number of rows.
    """

    def __init__(self, widths, max_batch_size, **kwargs):
        super().__init__(**kwargs)
        if max_batch_size < 1:
            raise ValueError(f"max_batch_size must be at least 1, not {max_batch_size}")
        self.widths = list(widths)
        self.max_batch_size = max_batch_size
        self.of_training, self.of_evaluation = (
            [
                self.add_weight(
                    shape=(max_batch_size, width),
                    initializer="zeros",
                    trainable=False,
                    name=f"{use}_{number}",
                )
                for number, width in enumerate(self.widths)
            ]
            for use in ("training", "evaluation")
        )
        self.built = True

    def read(self, starts_anew, *, training):
        """The states of a batch's rows, zeros where `starts_anew` `(batch,)` is true."""
        batch = starts_anew.shape[0]
        if batch is not None and batch > self.max_batch_size:
            raise ValueError(
                f"the batch has {batch} rows, but states are carried for max_batch_size="
                f"{self.max_batch_size}: make the model with a larger one"
            )
        batch = ops.shape(starts_anew)[0]
        anew = ops.cast(starts_anew, "bool")[:, None]
        return [
            ops.where(anew, ops.zeros((), state.dtype), ops.convert_to_tensor(state)[:batch])
            for state in self._states(training)
        ]

    def write(self, states, *, training):
        """Keeps the states after a batch for the batch that follows."""
        for kept, state in zip(self._states(training), states, strict=True):
            rest = ops.convert_to_tensor(kept)[ops.shape(state)[0] :]
            kept.assign(ops.concatenate([ops.cast(state, kept.dtype), rest], axis=0))

    def _states(self, training):
        return self.of_training if training else self.of_evaluation

    def get_config(self):
        """The widths and the number of rows."""
        return {
            **super().get_config(),
            "widths": self.widths,
            "max_batch_size": self.max_batch_size,
        }
