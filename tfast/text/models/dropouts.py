"""The dropouts of AWD-LSTM that Keras does not have; `weight_drop` has the one of LSTM weights.

One mask for all time steps ("locked" or "variational" dropout) is `keras.layers.SpatialDropout1D`;
`WindowDropout` is the same for texts of many windows.
"""

from typing import Any

import keras
from keras import ops

from tfast import arguments
from tfast.types import Tensor, TensorLike


class DropWrapper(keras.layers.Wrapper):
    """A wrapped layer with a rate and a seed of its own."""

    def __init__(
        self, layer: keras.layers.Layer, rate: float, *, seed: int | None = None, **kwargs: Any
    ) -> None:
        arguments.fraction("rate", rate)
        super().__init__(layer, **kwargs)
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def get_config(self) -> dict[str, Any]:
        """The rate, the seed and the wrapped layer."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable(package="tfast")
class EmbeddingDropout(DropWrapper):
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

    Examples:
        >>> import keras
        >>> layer = EmbeddingDropout(keras.layers.Embedding(10, 4), 0.5)
        >>> tuple(layer(keras.ops.zeros((2, 3), "int32"), training=True).shape)
        (2, 3, 4)
    """

    def __init__(
        self, layer: keras.layers.Embedding, rate: float, *, seed: int | None = None, **kwargs: Any
    ) -> None:
        if not isinstance(layer, keras.layers.Embedding):
            raise ValueError(f"layer must be a keras.layers.Embedding, got {layer!r}")
        super().__init__(layer, rate, seed=seed, **kwargs)
        self.supports_masking = True

    def call(self, token_ids: TensorLike, training: bool = False) -> Tensor:
        """The words' vectors, `(..., embed)`."""
        vectors = self.layer(token_ids)
        if not (training and self.rate):
            return vectors
        words = ops.ones((self.layer.input_dim, 1), vectors.dtype)
        words = keras.random.dropout(words, self.rate, seed=self.seed_generator)
        return vectors * ops.take(words, token_ids, axis=0)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
        """The wrapped layer's: with `mask_zero`, which token ids are not 0."""
        return self.layer.compute_mask(inputs, mask)


@keras.saving.register_keras_serializable(package="tfast")
class WindowDropout(keras.layers.SpatialDropout1D):
    """Locked dropout with a new mask for every window of a long text.

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

    Examples:
        >>> outputs = WindowDropout(0.5, 2, seed=0)(ops.ones((1, 5, 64)), training=True)
        >>> [bool(ops.all(outputs[:, i] == outputs[:, i + 1])) for i in range(4)]
        [True, False, True, False]
    """

    def __init__(self, rate: float, window: int, seed: int | None = None, **kwargs: Any) -> None:
        self.window = arguments.whole_number("window", window)
        super().__init__(rate, seed=seed, **kwargs)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """The inputs, dropped and scaled where training."""
        if not training or not self.rate:
            return inputs
        batch, time, features = ops.shape(inputs)
        ones = ops.ones((batch, -(-time // self.window), features), inputs.dtype)
        masks = keras.random.dropout(ones, self.rate, seed=self.seed_generator)
        return inputs * ops.take(masks, ops.arange(time) // self.window, axis=1)

    def get_config(self) -> dict[str, Any]:
        """The rate, the window and the seed."""
        return {**super().get_config(), "window": self.window}
