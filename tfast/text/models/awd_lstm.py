"""The AWD-LSTM encoder, embedding and LSTMs with every kind of dropout, and its tied decoder.

fastai's names and ours:

    emb_sz     embed_size          embed_p    embedding_rate
    n_hid      hidden_size         input_p    input_rate
    n_layers   num_layers          hidden_p   hidden_rate
    drop_mult  drop_mult           weight_p   weight_rate
"""

import keras
from keras import ops

from tfast.text.models.dropouts import EmbeddingDropout, WindowDropout
from tfast.text.models.weight_drop import WeightDrop


@keras.saving.register_keras_serializable(package="tfast")
class AWDLSTM(keras.layers.Layer):
    """Token ids to one vector a token: an embedding and LSTMs, each layer dropped its own way.

    All widths are known from the start, so the weights exist as soon as the layer does. The
    state is an argument and a result: the layer itself remembers nothing from call to call.

    Args:
        vocab_size: number of different token ids.
        embed_size: width of the embedding and of the last layer's output.
        hidden_size: width of the layers between.
        num_layers: number of LSTM layers.
        input_rate: locked dropout of the embedded tokens.
        hidden_rate: locked dropout between LSTM layers.
        embedding_rate: dropout of whole words.
        weight_rate: dropout of recurrent weights.
        drop_mult: all four rates are multiplied by it.
        window: locked dropout draws its masks anew after so many tokens; None for never.
        seed: integer, for masks that can be repeated.

    Call arguments:
        token_ids: `(batch, time)`, integers.
        states: what an earlier call returned, or None to start anew with zeros.
        training: whether to drop.

    Returns:
        The last layer's outputs `(batch, time, embed_size)`, not dropped, and the states after
        the last token: hidden and cell state of each layer, in one list of `2 * num_layers`
        tensors `(batch, width)` with the widths of `state_widths`.

    Raises:
        ValueError: a size is below 1, or a rate times `drop_mult` is not in [0, 1).

    Source: Merity et al. 2017, Regularizing and Optimizing LSTM Language Models; fastai
        `AWD_LSTM`, whose defaults for language models these are.

    Differs: initial weights are Keras's (orthogonal recurrent kernels, forget bias 1) where
        PyTorch draws everything from one uniform distribution; there is one bias instead of two
        that add up.

    Example:
        >>> from keras import ops
        >>> encoder = AWDLSTM(50, embed_size=4, hidden_size=6, num_layers=2)
        >>> outputs, states = encoder(ops.zeros((2, 3), "int32"))
        >>> tuple(outputs.shape), [tuple(state.shape) for state in states]
        ((2, 3, 4), [(2, 6), (2, 6), (2, 4), (2, 4)])
    """

    def __init__(
        self,
        vocab_size,
        *,
        embed_size=400,
        hidden_size=1152,
        num_layers=3,
        input_rate=0.25,
        hidden_rate=0.15,
        embedding_rate=0.02,
        weight_rate=0.2,
        drop_mult=1.0,
        window=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.window = window
        self.settings = {
            "vocab_size": vocab_size,
            "embed_size": embed_size,
            "hidden_size": hidden_size,
            "num_layers": num_layers,
            "input_rate": input_rate,
            "hidden_rate": hidden_rate,
            "embedding_rate": embedding_rate,
            "weight_rate": weight_rate,
            "drop_mult": drop_mult,
            "seed": seed,
        }
        for name in ("vocab_size", "embed_size", "hidden_size", "num_layers"):
            if self.settings[name] < 1:
                raise ValueError(f"{name} must be at least 1, not {self.settings[name]}")
        input_rate = scaled_rate("input_rate", input_rate, drop_mult)
        hidden_rate = scaled_rate("hidden_rate", hidden_rate, drop_mult)
        embedding_rate = scaled_rate("embedding_rate", embedding_rate, drop_mult)
        weight_rate = scaled_rate("weight_rate", weight_rate, drop_mult)
        # Different layers must not draw the same mask.
        self.num_seeds = 2 * num_layers + 1
        seeds = iter(range(seed, seed + self.num_seeds) if seed is not None else ())
        dtype = self.dtype_policy

        def locked(rate, name):
            options = {"seed": next(seeds, None), "name": name, "dtype": dtype}
            if window is None:
                return keras.layers.SpatialDropout1D(rate, **options)
            return WindowDropout(rate, window, **options)

        table = keras.layers.Embedding(
            vocab_size, embed_size, keras.initializers.RandomUniform(-0.1, 0.1), dtype=dtype
        )
        self.embedding = EmbeddingDropout(
            table, embedding_rate, seed=next(seeds, None), name="embedding", dtype=dtype
        )
        self.input_dropout = locked(input_rate, "input_dropout")
        self.widths = [hidden_size] * (num_layers - 1) + [embed_size]
        self.lstms = [
            WeightDrop(
                keras.layers.LSTM(width, return_sequences=True, return_state=True, dtype=dtype),
                weight_rate,
                seed=next(seeds, None),
                name=f"lstm_{number}",
                dtype=dtype,
            )
            for number, width in enumerate(self.widths, start=1)
        ]
        self.hidden_dropouts = [
            locked(hidden_rate, f"hidden_dropout_{number}") for number in range(1, num_layers)
        ]
        self.build(None)
        self.built = True

    def build(self, input_shape):
        """Makes every weight; `input_shape` is not looked at."""
        del input_shape
        table, widths = self.embedding.layer, [self.embedding.layer.output_dim, *self.widths]
        self.embedding.build((None, None))
        self.input_dropout.build((None, None, table.output_dim))
        for lstm, width in zip(self.lstms, widths, strict=False):
            lstm.build((None, None, width))
        for dropout, width in zip(self.hidden_dropouts, self.widths, strict=False):
            dropout.build((None, None, width))

    @property
    def state_widths(self):
        """Width of each state: hidden and cell of the first layer, of the second, and so on."""
        return [width for width in self.widths for _ in range(2)]

    @property
    def embeddings(self):
        """The embedding's variable `(vocab, embed)`, to which a decoder may be tied."""
        return self.embedding.layer.embeddings

    def seeds_behind(self, count):
        """So many seeds that no dropout of the encoder has, for those of a model around it."""
        seed = self.settings["seed"]
        return [None if seed is None else seed + self.num_seeds + i for i in range(count)]

    def initial_states(self, batch_size):
        """States of zeros."""
        return [ops.zeros((batch_size, width), self.compute_dtype) for width in self.state_widths]

    def call(self, token_ids, states=None, training=False):
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

    def get_config(self):
        """Every argument as it was given."""
        return {**super().get_config(), **self.settings, "window": self.window}


def scaled_rate(name, rate, drop_mult):
    """`rate * drop_mult`, checked.

    Raises:
        ValueError: the product is not in [0, 1); the message starts with `name`.

    Example:
        >>> scaled_rate("weight_rate", 0.5, 0.5)
        0.25
    """
    if not 0 <= rate * drop_mult < 1:
        raise ValueError(
            f"{name} times drop_mult must be at least 0 and below 1, not {rate} times {drop_mult}"
        )
    return rate * drop_mult


@keras.saving.register_keras_serializable(package="tfast")
class TiedDecoder(keras.layers.Layer):
    """Hidden vectors to float32 logits by the embedding's own table and a bias.

    Args:
        vocab_size: number of different token ids.

    Call arguments:
        hidden: `(..., embed)`.
        embeddings: `(vocab, embed)`.

    Example:
        >>> from keras import ops
        >>> tuple(TiedDecoder(9)(ops.ones((2, 3, 4)), ops.ones((9, 4))).shape)
        (2, 3, 9)
    """

    def __init__(self, vocab_size, **kwargs):
        super().__init__(**kwargs)
        self.vocab_size = vocab_size
        self.bias = self.add_weight(shape=(vocab_size,), initializer="zeros", name="bias")
        self.built = True

    def call(self, hidden, embeddings):
        """The logits `(..., vocab)`."""
        embeddings = ops.cast(embeddings, self.compute_dtype)
        logits = ops.matmul(hidden, ops.transpose(embeddings))
        return ops.cast(logits, "float32") + ops.cast(self.bias, "float32")

    def get_config(self):
        """The size of the vocabulary."""
        return {**super().get_config(), "vocab_size": self.vocab_size}
