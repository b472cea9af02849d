"""The dropouts of AWD-LSTM that Keras does not have.

One mask for all time steps ("locked" or "variational" dropout) is `keras.layers.SpatialDropout1D`;
`WindowDropout` is the same for texts of many windows.
"""

import contextlib

import keras
from keras import ops

from tfast.text.models.lstm_kernel import lstm_sequence


class _DropWrapper(keras.layers.Wrapper):
    """A wrapped layer with a rate and a seed of its own."""

    def __init__(self, layer, rate, *, seed=None, **kwargs):
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be at least 0 and below 1, not {rate}")
        super().__init__(layer, **kwargs)
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def get_config(self):
        """The rate, the seed and the wrapped layer."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable(package="tfast")
class WeightDrop(_DropWrapper):
    """Drops recurrent weights of an LSTM or GRU: one mask for a whole forward pass.

    The mask is drawn once per call, so that all time steps see the same weights, and what
    survives is divided by `1 - rate`. The stored weight is never changed; a dropped weight gets
    no gradient. Without `training` the layer is its own self.

    An LSTM with Keras's default activations runs through `lstm_sequence`, unless cuDNN can take
    it; everything else runs through the wrapped layer itself, cuDNN included.

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
        ValueError: `layer` is no LSTM and no GRU, or `rate` is not in [0, 1).

    Source: Merity et al. 2017, Regularizing and Optimizing LSTM Language Models, section 2;
        fastai `WeightDropout`.

    Example:
        >>> import keras
        >>> layer = WeightDrop(keras.layers.LSTM(4, return_sequences=True), 0.5)
        >>> tuple(layer(keras.ops.ones((2, 3, 5)), training=True).shape)
        (2, 3, 4)
    """

    def __init__(self, layer, rate, *, seed=None, **kwargs):
        if not isinstance(layer, keras.layers.LSTM | keras.layers.GRU):
            raise ValueError(f"layer must be a keras.layers.LSTM or GRU, not {layer!r}")
        super().__init__(layer, rate, seed=seed, **kwargs)
        self.supports_masking = True

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """What the wrapped layer returns for `sequences`."""
        recurrent_kernel = ops.cast(self.layer.cell.recurrent_kernel, self.compute_dtype)
        if training and self.rate:
            recurrent_kernel = keras.random.dropout(
                recurrent_kernel, self.rate, seed=self.seed_generator
            )
        if mask is None and _suits_the_kernel(self.layer):
            return self._run_kernel(sequences, initial_state, recurrent_kernel, training)
        with _attribute(self.layer.cell, "recurrent_kernel", recurrent_kernel):
            return self.layer(sequences, initial_state=initial_state, mask=mask, training=training)

    def _run_kernel(self, sequences, initial_state, recurrent_kernel, training):
        cell = self.layer.cell
        states = initial_state or self.layer.get_initial_state(ops.shape(sequences)[0])
        sequences = ops.cast(sequences, self.compute_dtype)
        outputs, states = lstm_sequence(
            sequences, cell.kernel, recurrent_kernel, cell.bias, states, keep_gates=training
        )
        if not self.layer.return_sequences:
            outputs = states[0]
        return (outputs, *states) if self.layer.return_state else outputs

    def compute_mask(self, inputs, mask=None):
        """The wrapped layer's."""
        return self.layer.compute_mask(inputs, mask)


def _suits_the_kernel(layer):
    """Whether `lstm_sequence` computes what the layer would, and no faster way is there."""
    if not isinstance(layer, keras.layers.LSTM):
        return False
    plain = (
        layer.activation is keras.activations.tanh
        and layer.recurrent_activation is keras.activations.sigmoid
        and layer.use_bias
        and not (layer.stateful or layer.go_backwards or layer.unroll)
        and not (layer.dropout or layer.recurrent_dropout)
    )
    # JAX's way to cuDNN takes float32 alone, and fails where Keras no longer looks (JAX 0.10).
    too_short = keras.backend.backend() == "jax" and layer.compute_dtype != "float32"
    return plain and (layer.use_cudnn is False or too_short or not _has_cudnn())


def _has_cudnn():
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.get_visible_devices("GPU"))
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() == "gpu"
    # PyTorch's LSTM is fused on every device.
    return keras.backend.backend() == "torch"


@contextlib.contextmanager
def _attribute(owner, name, value):
    """`owner` shows `value` as its attribute inside the block; Keras tracks nothing of it."""
    before = vars(owner)[name]
    vars(owner)[name] = value
    try:
        yield
    finally:
        vars(owner)[name] = before


@keras.saving.register_keras_serializable(package="tfast")
class EmbeddingDropout(_DropWrapper):
    """Drops whole words of an embedding: every occurrence in the batch becomes zeros.

    Rows that survive are divided by `1 - rate`. The mask is looked up with the words, so the
    table itself is not copied.

    Args:
        layer: a `keras.layers.Embedding`.
        rate: probability of dropping a word, in [0, 1).
        seed: integer, for masks that can be repeated.

    Call arguments:
        token_ids: integers of any shape.
        training: whether to drop.

    Raises:
        ValueError: `layer` is no Embedding, or `rate` is not in [0, 1).

    Source: Gal and Ghahramani 2016; fastai `EmbeddingDropout`.

    Example:
        >>> import keras
        >>> layer = EmbeddingDropout(keras.layers.Embedding(10, 4), 0.5)
        >>> tuple(layer(keras.ops.zeros((2, 3), "int32"), training=True).shape)
        (2, 3, 4)
    """

    def __init__(self, layer, rate, *, seed=None, **kwargs):
        if not isinstance(layer, keras.layers.Embedding):
            raise ValueError(f"layer must be a keras.layers.Embedding, not {layer!r}")
        super().__init__(layer, rate, seed=seed, **kwargs)

    def call(self, token_ids, training=False):
        """The words' vectors, `(..., embed)`."""
        vectors = self.layer(token_ids)
        if not (training and self.rate):
            return vectors
        words = ops.ones((self.layer.input_dim, 1), vectors.dtype)
        words = keras.random.dropout(words, self.rate, seed=self.seed_generator)
        return vectors * ops.take(words, token_ids, axis=0)


@keras.saving.register_keras_serializable(package="tfast")
class WindowDropout(keras.layers.SpatialDropout1D):
    """Locked dropout that draws its mask anew for every window of a long text.

    One mask for a document of a thousand tokens would hide the same features from all of it, its
    mean and its maximum; with many masks a document shows them all.

    Args:
        rate: probability of dropping a feature, in [0, 1).
        window: how many time steps share a mask, from the first on.
        seed: integer, for masks that can be repeated.

    Call arguments:
        inputs: `(batch, time, features)`.
        training: whether to drop.

    Raises:
        ValueError: `window` is less than 1, or `rate` not in [0, 1].

    Source: fastai, where each window of a document is a forward pass with masks of its own.

    Example:
        >>> outputs = WindowDropout(0.5, 2, seed=0)(ops.ones((1, 5, 64)), training=True)
        >>> [bool(ops.all(outputs[:, i] == outputs[:, i + 1])) for i in range(4)]
        [True, False, True, False]
    """

    def __init__(self, rate, window, seed=None, **kwargs):
        if window < 1:
            raise ValueError(f"window must be at least 1, not {window}")
        super().__init__(rate, seed=seed, **kwargs)
        self.window = window

    def call(self, inputs, training=False):
        """The inputs, dropped and scaled where training."""
        if not training or not self.rate:
            return inputs
        batch, time, features = ops.shape(inputs)
        ones = ops.ones((batch, -(-time // self.window), features), inputs.dtype)
        masks = keras.random.dropout(ones, self.rate, seed=self.seed_generator)
        return inputs * ops.take(masks, ops.arange(time) // self.window, axis=1)

    def get_config(self):
        """The rate, the window and the seed."""
        return {**super().get_config(), "window": self.window}
