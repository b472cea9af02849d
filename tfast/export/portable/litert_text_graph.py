"""Text classifiers from token ids on, written for LiteRT.

A document is read window by window, each layer in turn, and pooled on the way: time grows with
its length, memory does not. The result is that of the model itself, up to rounding.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfast.export.float32 import in_float32
from tfast.export.portable.litert import litert_bytes
from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.tokenization.special_tokens import PADDING_ID
from tfast.types import Tensor

# How many tokens are read at a time. LiteRT's loops copy what they carry at each step, so one; but
# float products want some rows, without which they wait for the weights.
INT8_WINDOW, FLOAT_WINDOW = 1, 16

_CORE_INPUTS = [
    tf.TensorSpec([None, None], tf.int32, name="token_ids"),
    tf.TensorSpec([None], tf.int32, name="lengths"),
]


def litert_text_core_bytes(model: keras.Model, *, precision: str = "float32") -> bytes:
    """The core of a text classifier, from token ids on, for LiteRT.

    Its signature takes `token_ids`, int32 `(batch, time)`, padded at the end, and `lengths`, int32
    `(batch,)`; it returns `probabilities`, float32 `(batch, classes)`. Documents are pooled
    over their last `max_length` tokens, as the model does it. A model of mixed precision is
    written as the same in float32: LiteRT has no other products of this kind.

    Args:
        model: as for `export_portable_text_classifier`.
        precision: as for `export_portable_text_classifier`.

    Returns:
        bytes.
    """
    model = in_float32(model)
    window = INT8_WINDOW if precision == "int8" else FLOAT_WINDOW

    def core(token_ids: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        logits = classifier_logits(model, token_ids, lengths, window=window)
        return {"probabilities": tf.nn.softmax(logits)}

    return litert_bytes(core, _CORE_INPUTS, parts=[model], precision=precision)


def has_core(model: Any) -> bool:
    """Whether `model` is one that this module knows to read texts with."""
    if isinstance(model, BlendedClassifier):
        return has_core(model.classifier)
    return isinstance(model, (TextClassifier, ForwardBackwardClassifier))


def single_classifiers(model: keras.Model) -> list[tuple[TextClassifier, bool]]:
    """Each `TextClassifier` in `model`, and whether it reads documents from their end."""
    if isinstance(model, ForwardBackwardClassifier):
        return [(model.forward, False), (model.backward, True)]
    return [(model, False)]


def classifier_logits(
    model: keras.Model, token_ids: Tensor, lengths: Tensor, *, window: int
) -> Tensor:
    """What `model` gives for documents at inference.

    Args:
        model: one that `has_core`.
        token_ids: int32 `(batch, time)`, padded at the end.
        lengths: int32 `(batch,)`; 0 counts as 1.
        window: how many tokens are read at a time.

    Returns:
        float32 `(batch, classes)`.
    """
    lengths = tf.maximum(lengths, 1)
    # Texts of no token are texts of padding.
    missing = tf.maximum(1 - tf.shape(token_ids)[1], 0)
    token_ids = tf.pad(token_ids, [[0, 0], [0, missing]], constant_values=PADDING_ID)
    if isinstance(model, BlendedClassifier):
        parts = []
        if model.weight > 0:
            logits = classifier_logits(model.classifier, token_ids, lengths, window=window)
            parts.append(model.weight * tf.nn.log_softmax(logits))
        if model.weight < 1:
            logits = model.tfidf({"token_ids": token_ids, "lengths": lengths})
            parts.append((1 - model.weight) * tf.nn.log_softmax(logits))
        return model.sharpness * tf.add_n(parts)
    logits = []
    for part, reverse in single_classifiers(model):
        ids = tf.reverse_sequence(token_ids, lengths, seq_axis=1) if reverse else token_ids
        logits.append(_logits(part, ids, lengths, window))
    if len(logits) == 1:
        return logits[0]
    mean = tf.add_n([tf.nn.softmax(some) for some in logits]) / len(logits)
    return tf.math.log(tf.maximum(mean, keras.config.epsilon()))


def _logits(model: TextClassifier, token_ids: Tensor, lengths: Tensor, window: int) -> Tensor:
    features = _pooled(model, token_ids, lengths, window)
    for layer in model.head:
        features = layer(features, training=False)
    return tf.cast(features, "float32")


def _pooled(model: TextClassifier, token_ids: Tensor, lengths: Tensor, window: int) -> Tensor:
    """What `concat_pooling` makes of the encoder's outputs: float32 (batch, 3 * embed)."""
    encoder = model.encoder
    batch, time = tf.unstack(tf.shape(token_ids))
    first_pool = lengths - model.max_length

    def read_window(
        begin: Tensor, last: Tensor, maximum: Tensor, total: Tensor, *states: Tensor
    ) -> tuple[Tensor, ...]:
        positions = begin + tf.range(window)
        # Behind the end stands the last column again: a shape that never changes is faster.
        here = tf.gather(token_ids, tf.minimum(positions, time - 1), axis=1)
        time_first = tf.reshape(tf.transpose(here), [-1])
        outputs = tf.gather(_tensor(encoder.embeddings), time_first)
        after = []
        for number, lstm in enumerate(encoder.lstms):
            before = states[2 * number : 2 * number + 2]
            outputs, *new = _run_lstm(lstm.layer.cell, outputs, before, window, time - begin)
            after += new
        outputs = tf.reshape(outputs, (window, -1, encoder.widths[-1]))
        positions = positions[:, None]
        real = ((positions < lengths) & (positions >= first_pool))[..., None]
        is_last = (positions == lengths - 1)[..., None]
        last += tf.reduce_sum(tf.where(is_last, outputs, 0.0), axis=0)
        maximum = tf.maximum(maximum, tf.reduce_max(tf.where(real, outputs, -1.0), axis=0))
        total += tf.reduce_sum(tf.where(real, outputs, 0.0), axis=0)
        return begin + window, last, maximum, total, *after

    zeros = tf.zeros((batch, encoder.widths[-1]))
    # No output of an LSTM is below -1.
    pools = zeros, zeros - 1.0, zeros
    states = [tf.zeros((batch, width)) for width in encoder.state_widths]
    _, last, maximum, total, *_ = tf.while_loop(
        lambda begin, *_: begin < time, read_window, (0, *pools, *states)
    )
    num_pooled = tf.minimum(lengths, model.max_length)
    return tf.concat([last, maximum, total / tf.cast(num_pooled, "float32")[:, None]], axis=-1)


def _run_lstm(
    cell: Any, inputs: Tensor, states: Sequence[Tensor], window: int, num_steps: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One LSTM layer over a window. LiteRT knows no arrays of unknown batch.

    Its loops copy all they carry from step to step, the projected inputs too. A window of one
    token goes without a loop, and without tensors of three dimensions, which it is slower with.

    Args:
        cell: the `keras.layers.LSTM`'s cell.
        inputs: `(window * batch, features)`, time first.
        states: hidden and cell state, `(batch, units)` each.
        window: how many tokens of each document `inputs` are.
        num_steps: int32 scalar: how many of them are to be read; more is all.

    Returns:
        The outputs `(window * batch, units)` and the two states after them. Outputs after
        `num_steps` are of no meaning.
    """
    units, recurrent_kernel = cell.units, _tensor(cell.recurrent_kernel)
    projected = tf.matmul(inputs, _tensor(cell.kernel)) + _tensor(cell.bias)
    if window == 1:
        hidden, cell_state = states
        gates = projected + tf.matmul(hidden, recurrent_kernel)
        hidden, cell_state = _new_states(gates, cell_state)
        return hidden, hidden, cell_state

    projected = tf.reshape(projected, (window, -1, 4 * units))
    steps = tf.minimum(num_steps, window)

    def step(
        position: Tensor, hidden: Tensor, cell_state: Tensor, outputs: Tensor
    ) -> tuple[Tensor, ...]:
        gates = projected[position] + tf.matmul(hidden, recurrent_kernel)
        hidden, cell_state = _new_states(gates, cell_state)
        return position + 1, hidden, cell_state, tf.concat([outputs[1:], hidden[None]], axis=0)

    outputs = tf.zeros_like(projected[..., :units])
    _, hidden, cell_state, outputs = tf.while_loop(
        lambda position, *_: position < steps, step, (0, *states, outputs)
    )
    # After fewer steps than the window has, the first output is further back.
    positions = tf.minimum(tf.range(window) + window - steps, window - 1)
    return tf.reshape(tf.gather(outputs, positions), (-1, units)), hidden, cell_state


def _new_states(gates: Tensor, cell_state: Tensor) -> tuple[Tensor, Tensor]:
    """The hidden and the cell state from gates (batch, 4 * units) in Keras's order."""
    i, f, g, o = tf.split(gates, 4, axis=-1)
    cell_state = tf.sigmoid(f) * cell_state + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(cell_state), cell_state


def _tensor(weight: Any) -> Tensor:
    return tf.convert_to_tensor(weight)
