"""A text classifier on the AWD-LSTM encoder."""

import keras
from keras import ops

from tfast.text.models.awd_lstm import AWDLSTM, scaled_rate
from tfast.text.models.replicas import num_replicas
from tfast.training.batch_norm import BatchNorm


@keras.saving.register_keras_serializable(package="tfast")
class TextClassifier(keras.Model):
    """Encoder, pooling over a document's last tokens, and a head of two dense layers.

    Inputs are `{"token_ids": (batch, time) integers, "lengths": (batch,) integers}` as
    `classifier_batches` makes them: documents are padded behind, and a causal LSTM needs no
    mask for that. The result is logits `(batch, classes)`, float32; compile with
    `keras.losses.CategoricalCrossentropy(from_logits=True)`.

    A document's logits depend on that document alone. What is pooled (the last output, the
    maximum and the mean) are its own last `max_length` tokens, and they alone get gradients,
    up to the edge of a window. What stands before is read window by window for its state only,
    so memory is bounded however long a document is. A length of 0 counts as 1.

    Args:
        vocab_size: number of different token ids.
        num_classes: number of classes.
        embed_size: see `AWDLSTM`, as for all that is not explained here.
        hidden_size: width of the layers between.
        num_layers: number of LSTM layers.
        output_rate: dropout of what is pooled.
        hidden_rate: locked dropout between layers.
        input_rate: locked dropout of the embedded tokens.
        embedding_rate: dropout of whole words.
        weight_rate: dropout of recurrent weights.
        drop_mult: these five rates are multiplied by it.
        head_size: width of the dense layer between.
        head_rate: dropout before the last layer.
        window: how many tokens share the masks of locked dropout; and how many are read at a
            time before those that are pooled.
        max_length: how many tokens of a document are pooled at most.
        seed: integer, for masks that can be repeated.

    Raises:
        ValueError: a size is too small, or a rate times `drop_mult` not in [0, 1).

    Source: Howard and Ruder 2018, Universal Language Model Fine-tuning; fastai
        `get_text_classifier`, `SentenceEncoder`, `PoolingLinearClassifier`.

    Differs: fastai pads in front, pools part of the padding of short documents, counts
        `max_length` from the end of the longest document of the batch, and cuts gradients
        and drops other weights and words every 72 tokens, where here only locked dropout
        changes. Tokens before the last `max_length` are read without dropout here.

    Example:
        >>> import numpy as np
        >>> model = TextClassifier(50, 2, embed_size=4, hidden_size=6, num_layers=2)
        >>> ids, lengths = np.array([[2, 9, 8], [2, 7, 1]]), np.array([3, 2])
        >>> tuple(model({"token_ids": ids, "lengths": lengths}).shape)
        (2, 2)
    """

    def __init__(
        self,
        vocab_size,
        num_classes,
        *,
        embed_size=400,
        hidden_size=1152,
        num_layers=3,
        output_rate=0.4,
        hidden_rate=0.3,
        input_rate=0.4,
        embedding_rate=0.05,
        weight_rate=0.5,
        drop_mult=1.0,
        head_size=50,
        head_rate=0.1,
        window=72,
        max_length=1440,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.settings = {
            "num_classes": num_classes,
            "output_rate": output_rate,
            "head_size": head_size,
            "head_rate": head_rate,
            "window": window,
            "max_length": max_length,
        }
        for name, least in {"num_classes": 2, "head_size": 1, "window": 1, "max_length": 1}.items():
            if self.settings[name] < least:
                raise ValueError(f"{name} must be at least {least}, not {self.settings[name]}")
        self.window = window
        self.max_length = max_length
        dtype = self.dtype_policy
        self.encoder = AWDLSTM(
            vocab_size,
            embed_size=embed_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            input_rate=input_rate,
            hidden_rate=hidden_rate,
            embedding_rate=embedding_rate,
            weight_rate=weight_rate,
            drop_mult=drop_mult,
            window=window,
            seed=seed,
            dtype=dtype,
            name="encoder",
        )
        first_seed, second_seed = self.encoder.seeds_behind(2)
        self.head = [
            *_dense_block(
                1,
                head_size,
                scaled_rate("output_rate", output_rate, drop_mult),
                "relu",
                first_seed,
                dtype,
            ),
            *_dense_block(
                2, num_classes, scaled_rate("head_rate", head_rate, 1.0), None, second_seed, dtype
            ),
        ]
        width = 3 * embed_size
        for layer in self.head:
            layer.build((None, width))
            width = getattr(layer, "units", width)
        self.built = True

    def call(self, inputs, training=False):
        """The logits."""
        token_ids = inputs["token_ids"]
        lengths = ops.maximum(ops.cast(inputs["lengths"], "int32"), 1)
        states, token_ids, lengths = self._read_front(token_ids, lengths)
        outputs, _ = self.encoder(token_ids, states=states, training=training)
        features = concat_pooling(outputs, lengths, self.max_length)
        for layer in self.head:
            features = layer(features, training=training)
        return ops.cast(features, "float32")

    def _read_front(self, token_ids, lengths):
        """Reads the windows before the pooled tokens of each document.

        Returns:
            The states after them, the token ids that remain, and how many these are.
        """
        batch, time = ops.shape(token_ids)
        states = self.encoder.initial_states(batch)
        if isinstance(time, int) and time < self.max_length + self.window:
            return states, token_ids, lengths
        fronts = ops.maximum(lengths - self.max_length, 0) // self.window * self.window

        def read_window(number, states):
            begin = number * self.window
            here = ops.slice(token_ids, (0, begin), (batch, self.window))
            # Said outright: Keras would hand on the training of the call around this one.
            _, after = self.encoder(here, states=states, training=False)
            inside = (begin + self.window <= fronts)[:, None]
            return [ops.where(inside, a, b) for a, b in zip(after, states, strict=True)]

        # Where time is a number it must stay one: other backends want static loops and shapes.
        most, least = (max, min) if isinstance(time, int) else (ops.maximum, ops.minimum)
        num_windows = most(time - self.max_length, 0) // self.window
        states = ops.fori_loop(0, num_windows, read_window, states)
        places = fronts[:, None] + ops.arange(least(time, self.max_length + self.window - 1))
        rest = ops.take_along_axis(token_ids, ops.minimum(places, time - 1), axis=1)
        return [ops.stop_gradient(state) for state in states], rest, lengths - fronts

    def get_config(self):
        """Every argument as it was given."""
        return {**super().get_config(), **self.encoder.settings, **self.settings}


def _dense_block(number, units, rate, activation, seed, dtype):
    """Batch norm, dropout and a dense layer whose bias the next norm would undo.

    Source: fastai `LinBnDrop`.
    """
    return [
        BatchNorm(
            # Replicas see parts of one batch, and normalize by the whole.
            synchronized=num_replicas() > 1,
            name=f"norm_{number}",
            dtype=dtype,
        ),
        keras.layers.Dropout(rate, seed=seed, name=f"dropout_{number}", dtype=dtype),
        keras.layers.Dense(units, activation, use_bias=False, name=f"dense_{number}", dtype=dtype),
    ]


def concat_pooling(outputs, lengths, max_length):
    """Last, maximum and mean over the last `max_length` real time steps of each row.

    Args:
        outputs: `(batch, time, features)`.
        lengths: `(batch,)` int32, at least 1: real time steps, from the first.
        max_length: how many of them count.

    Returns:
        `(batch, 3 * features)` in the dtype of `outputs`; sums are float32.

    Source: fastai `masked_concat_pool`.

    Example:
        >>> import numpy as np
        >>> outputs = np.array([[[5.0], [1.0], [3.0], [9.0]]])
        >>> np.array(concat_pooling(outputs, np.array([3]), 2)).tolist()
        [[3.0, 3.0, 2.0]]
    """
    places = ops.arange(ops.shape(outputs)[1])[None]
    last = lengths[:, None]
    real = ((places < last) & (places >= last - max_length))[..., None]
    last_output = ops.take_along_axis(outputs, last[..., None] - 1, axis=1)[:, 0]
    lowest = ops.cast(-float("inf"), outputs.dtype)
    maximum = ops.max(ops.where(real, outputs, lowest), axis=1)
    total = ops.sum(ops.where(real, ops.cast(outputs, "float32"), 0.0), axis=1)
    mean = total / ops.cast(ops.minimum(last, max_length), "float32")
    return ops.concatenate([last_output, maximum, ops.cast(mean, outputs.dtype)], axis=-1)


def layer_groups(model):
    """The groups for gradual unfreezing: embedding, each LSTM, head.

    Args:
        model: a `TextClassifier`.

    Returns:
        List of lists of layers, the one nearest the input first.

    Source: fastai `awd_lstm_clas_split`.

    Example:
        >>> model = TextClassifier(50, 2, embed_size=4, hidden_size=6, num_layers=2)
        >>> [group[0].name for group in layer_groups(model)]
        ['embedding', 'lstm_1', 'lstm_2', 'norm_1']
    """
    return [[model.encoder.embedding], *([lstm] for lstm in model.encoder.lstms), model.head]
