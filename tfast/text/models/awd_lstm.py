"""The AWD-LSTM encoder, embedding and LSTMs with every kind of dropout, and its tied decoder."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops

from tfast import arguments
from tfast.text.models.config import AWDLSTMConfig, take_config
from tfast.text.models.dropouts import EmbeddingDropout, WindowDropout
from tfast.text.models.weight_drop import WeightDrop
from tfast.types import Tensor, TensorLike


@keras.saving.register_keras_serializable(package="tfast")
class AWDLSTM(keras.layers.Layer):
    """Token ids to one vector a token: an embedding and LSTMs, each layer dropped its own way.

    All widths are known from the start, so the weights exist as soon as the layer does. The
    state is an argument and a result: the layer itself remembers nothing from call to call.

    Args:
        vocab_size: number of different token ids, where no `config` is given.
        config: an `AWDLSTMConfig`. Its `output_rate` is for the model around the encoder.
        window: locked dropout has new masks after this number of tokens; None for never.
        **options: fields of `AWDLSTMConfig` by name, where no `config` is given; and `name`,
            `dtype`, `trainable`.

    Call arguments:
        token_ids: `(batch, time)`, integers.
        states: what an earlier call returned, or None to start with zeros.
        training: whether to drop.

    Returns:
        The last layer's outputs `(batch, time, embed_size)`, not dropped, and the states after
        the last token: hidden and cell state of each layer, in one list of `2 * num_layers`
        tensors `(batch, width)` with the widths of `state_widths`.

    Raises:
        ValueError: see `AWDLSTMConfig`; or `window` is below 1.

    Source: Merity et al. 2017, Regularizing and Optimizing LSTM Language Models; fastai 2.8.12
        `AWD_LSTM`.

    Differs: initial weights are Keras's (orthogonal recurrent kernels, forget bias 1) where
        PyTorch samples everything from one uniform distribution; there is one bias instead of
        two that add up.

    Examples:
        >>> from keras import ops
        >>> encoder = AWDLSTM(50, embed_size=4, hidden_size=6, num_layers=2)
        >>> outputs, states = encoder(ops.zeros((2, 3), "int32"))
        >>> tuple(outputs.shape), [tuple(state.shape) for state in states]
        ((2, 3, 4), [(2, 6), (2, 6), (2, 4), (2, 4)])
    """

    def __init__(
        self,
        vocab_size: int | None = None,
        *,
        config: AWDLSTMConfig | None = None,
        window: int | None = None,
        **options: Any,
    ) -> None:
        config = take_config(config, vocab_size, options)
        super().__init__(**options)
        self.config = config
        self.window = None if window is None else arguments.whole_number("window", window)
        # Different layers must not have the same mask.
        seeds = iter(config.seeds())
        self.widths = [config.hidden_size] * (config.num_layers - 1) + [config.embed_size]
        self.embedding = self._make_embedding(seeds)
        self.input_dropout = self._make_locked_dropout("input", "input_rate", seeds)
        self.lstms = [
            self._make_lstm(number, width, seeds) for number, width in enumerate(self.widths, 1)
        ]
        self.hidden_dropouts = [
            self._make_locked_dropout("hidden", "hidden_rate", seeds, f"_{number}")
            for number in range(1, config.num_layers)
        ]
        self.build(None)
        self.built = True

    def _make_embedding(self, seeds: Iterator[int | None]) -> EmbeddingDropout:
        table = keras.layers.Embedding(
            self.config.vocab_size,
            self.config.embed_size,
            keras.initializers.RandomUniform(-0.1, 0.1),
            dtype=self.dtype_policy,
        )
        return EmbeddingDropout(
            table,
            self.config.rate("embedding_rate"),
            seed=next(seeds, None),
            name="embedding",
            dtype=self.dtype_policy,
        )

    def _make_locked_dropout(
        self, where: str, rate: str, seeds: Iterator[int | None], suffix: str = ""
    ) -> keras.layers.Layer:
        options = {
            "rate": self.config.rate(rate),
            "seed": next(seeds, None),
            "name": f"{where}_dropout{suffix}",
            "dtype": self.dtype_policy,
        }
        if self.window is None:
            return keras.layers.SpatialDropout1D(**options)
        return WindowDropout(window=self.window, **options)

    def _make_lstm(self, number: int, width: int, seeds: Iterator[int | None]) -> WeightDrop:
        dtype = self.dtype_policy
        return WeightDrop(
            keras.layers.LSTM(width, return_sequences=True, return_state=True, dtype=dtype),
            self.config.rate("weight_rate"),
            seed=next(seeds, None),
            name=f"lstm_{number}",
            dtype=dtype,
        )

    def build(self, input_shape: Any) -> None:
        """Makes every weight; `input_shape` is not looked at."""
        del input_shape
        widths = [self.config.embed_size, *self.widths]
        self.embedding.build((None, None))
        self.input_dropout.build((None, None, widths[0]))
        for lstm, width in zip(self.lstms, widths, strict=False):
            lstm.build((None, None, width))
        for dropout, width in zip(self.hidden_dropouts, self.widths, strict=False):
            dropout.build((None, None, width))

    @property
    def state_widths(self) -> list[int]:
        """Width of each state: hidden and cell of the first layer, of the second, and so on."""
        return [width for width in self.widths for _ in range(2)]

    @property
    def embeddings(self) -> keras.Variable:
        """The embedding's variable `(vocab, embed)`, to which a decoder may be tied."""
        return self.embedding.layer.embeddings

    @property
    def settings(self) -> dict[str, Any]:
        """The fields of `config`, as a dict."""
        return dataclasses.asdict(self.config)

    def initial_states(self, batch_size: int | Tensor) -> list[Tensor]:
        """States of zeros."""
        return [ops.zeros((batch_size, width), self.compute_dtype) for width in self.state_widths]

    def call(
        self, token_ids: TensorLike, states: list[Tensor] | None = None, training: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        """Outputs `(batch, time, embed_size)` and the list of new states."""
        if states is None:
            states = self.initial_states(ops.shape(token_ids)[0])
        outputs = self.input_dropout(
            self.embedding(token_ids, training=training), training=training
        )
        new_states = []
        for number, lstm in enumerate(self.lstms):
            before = [ops.cast(s, self.compute_dtype) for s in states[2 * number : 2 * number + 2]]
            if number:
                outputs = self.hidden_dropouts[number - 1](outputs, training=training)
            outputs, *after = lstm(outputs, initial_state=before, training=training)
            new_states += after
        return outputs, new_states

    def get_config(self) -> dict[str, Any]:
        """Every argument, the fields of the config by name."""
        return {**super().get_config(), **self.settings, "window": self.window}


@keras.saving.register_keras_serializable(package="tfast")
class TiedDecoder(keras.layers.Layer):
    """Hidden vectors to float32 logits by the embedding's own table and a bias.

    Args:
        vocab_size: number of different token ids.
        **options: `name`, `dtype`, `trainable`.

    Call arguments:
        hidden: `(..., embed)`.
        embeddings: `(vocab, embed)`.

    Examples:
        >>> from keras import ops
        >>> tuple(TiedDecoder(9)(ops.ones((2, 3, 4)), ops.ones((9, 4))).shape)
        (2, 3, 9)
    """

    def __init__(self, vocab_size: int, **options: Any) -> None:
        super().__init__(**options)
        self.vocab_size = vocab_size
        self.supports_masking = True  # each position by itself
        self.bias = self.add_weight(shape=(vocab_size,), initializer="zeros", name="bias")
        self.built = True

    def call(self, hidden: Tensor, embeddings: Tensor) -> Tensor:
        """The logits `(..., vocab)`."""
        embeddings = ops.cast(embeddings, self.compute_dtype)
        logits = ops.matmul(hidden, ops.transpose(embeddings))
        return ops.cast(logits, "float32") + ops.cast(self.bias, "float32")

    def get_config(self) -> dict[str, Any]:
        """The size of the vocabulary."""
        return {**super().get_config(), "vocab_size": self.vocab_size}
