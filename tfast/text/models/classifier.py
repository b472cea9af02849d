"""A text classifier on the AWD-LSTM encoder."""

from typing import Any

import keras
from keras import ops

from tfast import arguments
from tfast.text.models.awd_lstm import AWDLSTM
from tfast.text.models.config import AWDLSTMConfig, take_config
from tfast.text.models.replicas import num_replicas
from tfast.training.batch_norm import BatchNorm
from tfast.types import PathLike, Tensor, TensorLike


@keras.saving.register_keras_serializable(package="tfast")
class TextClassifier(keras.Model):
    """Encoder, pooling over a document's last tokens, and a head of two dense layers.

    Inputs are `{"token_ids": (batch, time) integers, "lengths": (batch,) integers}` as
    `classifier_batches` makes them: documents are padded after their ends, and a causal LSTM needs
    no mask for that. The result is logits `(batch, classes)`, float32; compile with
    `keras.losses.CategoricalCrossentropy(from_logits=True)`.

    A document's logits depend on that document alone. What is pooled (the last output, the
    maximum and the mean) are its own last `max_length` tokens, and they alone get gradients,
    up to the edge of a window. What comes before is read window by window for its state only, so
    memory is bounded however long a document is. A length of 0 counts as 1.

    Args:
        vocab_size: number of different token ids, where no `config` is given.
        num_classes: number of classes.
        config: an `AWDLSTMConfig`.
        head_size: width of the dense layer between.
        head_rate: dropout before the last layer.
        window: how many tokens share the masks of locked dropout; and how many are read at a
            time before those that are pooled.
        max_length: how many tokens of a document are pooled at most.
        **options: fields of `AWDLSTMConfig` by name, where no `config` is given, with the
            defaults of `AWDLSTMConfig.for_classifier`; and `name`, `dtype`, `trainable`.

    Raises:
        ValueError: see `AWDLSTMConfig`; or a size is too small, or `head_rate` not in [0, 1).

    Source: Howard and Ruder 2018, Universal Language Model Fine-tuning; fastai 2.8.12
        `get_text_classifier`, `SentenceEncoder`, `PoolingLinearClassifier`.

    Differs: fastai pads in front, pools part of the padding of short documents, counts
        `max_length` from the end of the longest document of the batch, and cuts gradients
        and drops other weights and words every 72 tokens, where here only locked dropout
        changes. Tokens before the last `max_length` are read without dropout here.

    Examples:
        >>> import numpy as np
        >>> model = TextClassifier(50, 2, embed_size=4, hidden_size=6, num_layers=2)
        >>> ids, lengths = np.array([[2, 9, 8], [2, 7, 1]]), np.array([3, 2])
        >>> tuple(model({"token_ids": ids, "lengths": lengths}).shape)
        (2, 2)
    """

    def __init__(
        self,
        vocab_size: int | None = None,
        num_classes: int | None = None,
        *,
        config: AWDLSTMConfig | None = None,
        head_size: int = 50,
        head_rate: float = 0.1,
        window: int = 72,
        max_length: int = 1440,
        **options: Any,
    ) -> None:
        config = take_config(config, vocab_size, options, AWDLSTMConfig.for_classifier)
        super().__init__(**options)
        self.settings: dict[str, Any] = {
            "num_classes": arguments.whole_number("num_classes", num_classes, minimum=2),
            "head_size": arguments.whole_number("head_size", head_size),
            "head_rate": arguments.fraction("head_rate", head_rate),
            "window": arguments.whole_number("window", window),
            "max_length": arguments.whole_number("max_length", max_length),
        }
        self.window, self.max_length = self.settings["window"], self.settings["max_length"]
        dtype = self.dtype_policy
        self.encoder = AWDLSTM(config=config, window=self.window, dtype=dtype, name="encoder")
        first_seed, second_seed = config.later_seeds(2)
        rate = config.rate("output_rate")
        self.head = [
            *_dense_block(1, self.settings["head_size"], rate, "relu", first_seed, dtype),
            *_dense_block(2, self.settings["num_classes"], head_rate, None, second_seed, dtype),
        ]
        width = 3 * config.embed_size
        for layer in self.head:
            layer.build((None, width))
            width = getattr(layer, "units", width)
        self.built = True

    def call(self, inputs: dict[str, TensorLike], training: bool = False) -> Tensor:
        """The logits."""
        features = self.pool(inputs, training=training)
        for layer in self.head:
            features = layer(features, training=training)
        return ops.cast(features, "float32")

    def pool(self, inputs: dict[str, TensorLike], training: bool = False) -> Tensor:
        """What the head is given: see `concat_pooling`, `(batch, 3 * embed_size)`."""
        token_ids = inputs["token_ids"]
        lengths = ops.maximum(ops.cast(inputs["lengths"], "int32"), 1)
        states, token_ids, lengths = self._read_prefix(token_ids, lengths)
        outputs, _ = self.encoder(token_ids, states=states, training=training)
        return concat_pooling(outputs, lengths, self.max_length)

    def _read_prefix(
        self, token_ids: Tensor, lengths: Tensor
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """Reads what comes before the pooled tokens of each document, in whole windows.

        Returns:
            The states after these prefixes, the token ids that remain, and how many these are.
        """
        batch, time = ops.shape(token_ids)
        states = self.encoder.initial_states(batch)
        if isinstance(time, int) and time < self.max_length + self.window:
            return states, token_ids, lengths
        prefix_lengths = ops.maximum(lengths - self.max_length, 0) // self.window * self.window

        def read_window(number: Tensor, states: list[Tensor]) -> list[Tensor]:
            begin = number * self.window
            window_ids = ops.slice(token_ids, (0, begin), (batch, self.window))
            # Said outright: Keras would hand on the training of the call around this one.
            _, after = self.encoder(window_ids, states=states, training=False)
            is_prefix = (begin + self.window <= prefix_lengths)[:, None]
            return [ops.where(is_prefix, a, b) for a, b in zip(after, states, strict=True)]

        num_windows = _maximum(time - self.max_length, 0) // self.window
        states = ops.fori_loop(0, num_windows, read_window, states)
        most = _minimum(time, self.max_length + self.window - 1)
        positions = ops.minimum(prefix_lengths[:, None] + ops.arange(most), time - 1)
        remaining_ids = ops.take_along_axis(token_ids, positions, axis=1)
        return [ops.stop_gradient(s) for s in states], remaining_ids, lengths - prefix_lengths

    def export(self, filepath: PathLike, *positional: Any, **options: Any) -> None:
        """As `keras.Model.export`: token ids and lengths in, logits out.

        `tfast.export.text.export_text_classifier` exports the tokenizer and the vocabulary with
        the model: strings in, names of classes out.
        """
        options.setdefault("input_signature", [classifier_inputs()])
        super().export(filepath, *positional, **options)

    def get_config(self) -> dict[str, Any]:
        """Every argument, the fields of the config by name."""
        return {**super().get_config(), **self.encoder.settings, **self.settings}


def classifier_inputs() -> dict[str, keras.layers.InputSpec]:
    """What a classifier reads: of any number of documents, as long as they come."""
    return {
        "token_ids": keras.layers.InputSpec(dtype="int32", shape=(None, None), name="token_ids"),
        "lengths": keras.layers.InputSpec(dtype="int32", shape=(None,), name="lengths"),
    }


# Where time is an integer it must stay one: other backends want static loops and shapes.


def _maximum(a: Any, b: int) -> Any:
    return max(a, b) if isinstance(a, int) else ops.maximum(a, b)


def _minimum(a: Any, b: int) -> Any:
    return min(a, b) if isinstance(a, int) else ops.minimum(a, b)


def _dense_block(
    number: int, units: int, rate: float, activation: str | None, seed: int | None, dtype: Any
) -> list[keras.layers.Layer]:
    """Batch norm, dropout and a dense layer whose bias the next norm would undo.

    Source: fastai 2.8.12 `LinBnDrop`.
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


def concat_pooling(outputs: Tensor, lengths: Tensor, max_length: int) -> Tensor:
    """Last, maximum and mean over the last `max_length` real time steps of each row.

    Args:
        outputs: `(batch, time, features)`.
        lengths: `(batch,)` int32, at least 1: real time steps, from the first.
        max_length: how many of them count.

    Returns:
        `(batch, 3 * features)` in the dtype of `outputs`; sums are float32.

    Source: fastai 2.8.12 `masked_concat_pool`.

    Examples:
        >>> import numpy as np
        >>> outputs = np.array([[[5.0], [1.0], [3.0], [9.0]]])
        >>> np.array(concat_pooling(outputs, np.array([3]), 2)).tolist()
        [[3.0, 3.0, 2.0]]
    """
    positions = ops.arange(ops.shape(outputs)[1])[None]
    end = lengths[:, None]
    is_pooled = ((positions < end) & (positions >= end - max_length))[..., None]
    last_output = ops.take_along_axis(outputs, end[..., None] - 1, axis=1)[:, 0]
    lowest = ops.cast(-float("inf"), outputs.dtype)
    maximum = ops.max(ops.where(is_pooled, outputs, lowest), axis=1)
    total = ops.sum(ops.where(is_pooled, ops.cast(outputs, "float32"), 0.0), axis=1)
    mean = total / ops.cast(ops.minimum(end, max_length), "float32")
    return ops.concatenate([last_output, maximum, ops.cast(mean, outputs.dtype)], axis=-1)


def layer_groups(model: TextClassifier) -> list[list[keras.layers.Layer]]:
    """The groups for gradual unfreezing: embedding, each LSTM, head.

    Args:
        model: a `TextClassifier`.

    Returns:
        List of lists of layers, the one nearest the input first.

    Source: fastai 2.8.12 `awd_lstm_clas_split`.

    Examples:
        >>> model = TextClassifier(50, 2, embed_size=4, hidden_size=6, num_layers=2)
        >>> [group[0].name for group in layer_groups(model)]
        ['embedding', 'lstm_1', 'lstm_2', 'norm_1']
    """
    return [[model.encoder.embedding], *([lstm] for lstm in model.encoder.lstms), model.head]
