"""Dropout of the recurrent weights of an LSTM or GRU."""

from typing import Any, TypeVar

import keras
from keras import ops

from tfast.text.models.dropouts import DropWrapper
from tfast.text.models.lstm_kernel import lstm_sequence
from tfast.types import Tensor

AnyLayer = TypeVar("AnyLayer", bound=keras.layers.Layer)


def _of_layer(name: str) -> property:
    """An attribute of a wrapper that is the wrapped layer's."""
    return property(
        lambda wrapper: getattr(wrapper.layer, name),
        lambda wrapper, value: setattr(wrapper.layer, name, value),
        doc="The wrapped layer's.",
    )


@keras.saving.register_keras_serializable(package="tfast")
class WeightDrop(DropWrapper):
    """Drops recurrent weights of an LSTM or GRU: one mask for a whole forward pass.

    The mask is sampled once per call, so that all time steps see the same weights, and what
    survives is divided by `1 - rate`. The stored weight is never changed; a dropped weight gets
    no gradient. Without `training` the result is that of the layer. `keras.layers.Bidirectional`
    accepts it like the layer.

    A plain LSTM with Keras's default activations runs through `lstm_sequence`, unless cuDNN can
    take it. Everything else runs through the wrapped layer itself, with the dropped weights
    instead of its cell's `recurrent_kernel`: GRUs, masks, subclasses, other cells, activity
    regularizers, cuDNN. Calls from several threads do not disturb each other.

    Args:
        layer: a `keras.layers.LSTM` or `keras.layers.GRU`. Its arguments decide what is
            returned.
        rate: probability of dropping a weight, in [0, 1).
        seed: integer, for masks that can be repeated.

    Call arguments:
        sequences: `(batch, time, features)`.
        initial_state: as for the wrapped layer.
        mask: as for the wrapped layer.
        training: whether to drop.

    Raises:
        ValueError: `layer` is no LSTM and no GRU, or `rate` is not in [0, 1); in `build`, the
            layer's cell has no `recurrent_kernel` to drop from.

    Source: Merity et al. 2017, Regularizing and Optimizing LSTM Language Models, section 2;
        fastai 2.8.12 `WeightDropout`.

    Examples:
        >>> import keras
        >>> layer = WeightDrop(keras.layers.LSTM(4, return_sequences=True), 0.5)
        >>> tuple(layer(keras.ops.ones((2, 3, 5)), training=True).shape)
        (2, 3, 4)
        >>> both = keras.layers.Bidirectional(WeightDrop(keras.layers.LSTM(4), 0.5))
        >>> tuple(both(keras.ops.ones((2, 3, 5)), training=True).shape)
        (2, 8)
    """

    def __init__(
        self, layer: keras.layers.Layer, rate: float, *, seed: int | None = None, **kwargs: Any
    ) -> None:
        if not isinstance(layer, keras.layers.LSTM | keras.layers.GRU):
            raise ValueError(f"layer must be a keras.layers.LSTM or GRU, got {layer!r}")
        super().__init__(layer, rate, seed=seed, **kwargs)
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def build(self, input_shape: Any = None) -> None:
        """Builds the wrapped layer, and looks for the weights to drop from."""
        super().build(input_shape)
        if not hasattr(self.layer.cell, "recurrent_kernel"):
            raise ValueError(
                f"layer must have a cell with a recurrent_kernel, got the cell {self.layer.cell!r}"
            )

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Tensor | None = None,
        training: bool = False,
    ) -> Any:
        """What the wrapped layer returns for `sequences`."""
        is_dropping = bool(training and self.rate)
        if mask is None and _suits_the_kernel(self.layer):
            kernel = self._dropped_kernel() if is_dropping else self.layer.cell.recurrent_kernel
            return self._run_kernel(sequences, initial_state, kernel, training)
        # Without dropping, nothing is replaced.
        layer = _with_kernel(self.layer, self._dropped_kernel()) if is_dropping else self.layer
        return layer(sequences, initial_state=initial_state, mask=mask, training=training)

    def _dropped_kernel(self) -> Tensor:
        cell = self.layer.cell
        kernel = ops.cast(cell.recurrent_kernel, cell.compute_dtype)
        return keras.random.dropout(kernel, self.rate, seed=self.seed_generator)

    def _run_kernel(
        self, sequences: Tensor, initial_state: Any, recurrent_kernel: Tensor, training: bool
    ) -> Any:
        layer, cell = self.layer, self.layer.cell
        states = initial_state
        if states is None:
            states = layer.get_initial_state(ops.shape(sequences)[0])
        sequences = ops.cast(sequences, layer.compute_dtype)
        if layer.go_backwards:
            sequences = ops.flip(sequences, axis=1)
        outputs, states = lstm_sequence(
            sequences, cell.kernel, recurrent_kernel, cell.bias, states, keep_gates=training
        )
        if not layer.return_sequences:
            outputs = states[0]
        return (outputs, *states) if layer.return_state else outputs

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Any:
        """The wrapped layer's."""
        return self.layer.compute_mask(inputs, mask)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        """The wrapped layer's."""
        return self.layer.compute_output_shape(sequences_shape, initial_state_shape)

    def reset_state(self) -> None:
        """Sets the states of a layer with `stateful=True` to zeros."""
        self.layer.reset_state()

    def get_config(self) -> dict[str, Any]:
        """The rate, the seed, the wrapped layer, and its direction."""
        # `Bidirectional` looks for the direction here and reverses it.
        return {**super().get_config(), "go_backwards": self.go_backwards}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "WeightDrop":
        """The inverse of `get_config`."""
        config = dict(config)
        go_backwards = config.pop("go_backwards", None)  # not in models saved by tfast 0.2
        wrapper = super().from_config(config, custom_objects=custom_objects)
        if go_backwards is not None:
            wrapper.layer.go_backwards = go_backwards
        return wrapper

    # What `keras.layers.Bidirectional` reads and sets.
    go_backwards = _of_layer("go_backwards")
    return_sequences = _of_layer("return_sequences")
    return_state = _of_layer("return_state")
    stateful = _of_layer("stateful")
    states = _of_layer("states")
    use_cudnn = _of_layer("use_cudnn")
    zero_output_for_mask = _of_layer("zero_output_for_mask")


def _suits_the_kernel(layer: keras.layers.Layer) -> bool:
    """Whether `lstm_sequence` computes what the layer would, and no faster way is available."""
    # Not isinstance: a subclass may compute something else.
    if type(layer) is not keras.layers.LSTM or type(layer.cell) is not keras.layers.LSTMCell:
        return False
    plain = (
        layer.activation is keras.activations.tanh
        and layer.recurrent_activation is keras.activations.sigmoid
        and layer.use_bias
        and layer.activity_regularizer is None
        and not (layer.stateful or layer.unroll)
        and not (layer.dropout or layer.recurrent_dropout)
    )
    # JAX's way to cuDNN takes float32 alone, and fails where Keras no longer looks (JAX 0.10).
    too_short = keras.backend.backend() == "jax" and layer.compute_dtype != "float32"
    return plain and (layer.use_cudnn is False or too_short or not _has_cudnn())


def _has_cudnn() -> bool:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.get_visible_devices("GPU"))
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() == "gpu"
    # PyTorch's LSTM is fused on every device.
    return keras.backend.backend() == "torch"


def _with_kernel(layer: keras.layers.Layer, recurrent_kernel: Tensor) -> keras.layers.Layer:
    """The layer a second time for one call, which differs in the cell's recurrent kernel alone.

    The layer itself does not change, for other threads and for the next call. Both have the same
    variables, and the same list of losses that the call adds to.
    """
    cell = _twin(layer.cell)
    vars(cell)["recurrent_kernel"] = recurrent_kernel
    layer = _twin(layer)
    vars(layer)["cell"] = cell
    return layer


def _twin(layer: AnyLayer) -> AnyLayer:
    # copy.copy would save and load the layer: that is how Keras pickles.
    twin = object.__new__(type(layer))
    # Not by setattr, which would track the attributes once more.
    vars(twin).update(vars(layer))
    return twin
