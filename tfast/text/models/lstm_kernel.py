"""The LSTM sequence loop that is fast on a processor, in training above all.

Keras's own loop repeats the input projection at every step and adds up the weight gradients
step by step. Here all inputs are projected before the loop, the gates are kept, and one product
after the backward loop gives each weight gradient. Only the recurrent product is left inside
the loops, and its weight is brought into the layout that the product reads fastest before they
start.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tfast.types import Tensor, TensorLike


def lstm_sequence(
    inputs: Tensor,
    kernel: TensorLike,
    recurrent_kernel: TensorLike,
    bias: TensorLike,
    states: Sequence[Tensor],
    *,
    keep_gates: bool = True,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Runs an LSTM over a sequence; the same values and gradients as `keras.layers.LSTM`.

    On TensorFlow the gradient is written out (see above); elsewhere `ops.scan` is
    differentiated by the backend. Nothing here is registered anywhere: a SavedModel that
    contains it loads without tfast.

    Args:
        inputs: `(batch, time, features)`, floating point.
        kernel: `(features, 4 * units)`, gates in Keras's order i, f, g, o.
        recurrent_kernel: `(units, 4 * units)`.
        bias: `(4 * units,)`.
        states: the pair hidden and cell state before the first step, `(batch, units)` each.
        keep_gates: False where no gradient is wanted: less memory. A gradient can still be
            taken, more slowly.

    Returns:
        The outputs `(batch, time, units)` and the pair of states after the last step, in the
        dtype of `inputs`.

    Raises:
        ValueError: the shapes of the weights do not belong together.

    Examples:
        >>> from keras import ops
        >>> outputs, (hidden, cell) = lstm_sequence(
        ...     ops.ones((2, 5, 3)), ops.ones((3, 16)), ops.ones((4, 16)), ops.zeros((16,)),
        ...     (ops.zeros((2, 4)), ops.zeros((2, 4))),
        ... )
        >>> tuple(outputs.shape), tuple(hidden.shape)
        ((2, 5, 4), (2, 4))
    """
    units = recurrent_kernel.shape[0]
    expected = ((inputs.shape[-1], 4 * units), (units, 4 * units), (4 * units,))
    came = tuple(tuple(weight.shape) for weight in (kernel, recurrent_kernel, bias))
    if came != expected:
        raise ValueError(
            f"kernel, recurrent_kernel and bias must have the shapes {expected} for inputs of "
            f"shape {tuple(inputs.shape)} and {units} units, got {came}"
        )
    dtype = keras.backend.standardize_dtype(inputs.dtype)
    # Tensors, not variables: a custom gradient treats variables apart.
    tensors = [ops.cast(x, dtype) for x in (inputs, kernel, recurrent_kernel, bias, *states)]
    if keras.backend.backend() != "tensorflow":
        outputs, hidden, cell = _plain_sequence(*tensors)
    elif keep_gates:
        outputs, hidden, cell = _sequence_with_kept_gates(*tensors)
    else:
        outputs, hidden, cell = _sequence_without_gates(*tensors)
    return outputs, (hidden, cell)


def _project(inputs: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """All inputs (time, batch, features) times the kernel in one product."""
    time, batch, features = ops.shape(inputs)
    projected = ops.matmul(ops.reshape(inputs, (-1, features)), kernel) + bias
    return ops.reshape(projected, (time, batch, kernel.shape[-1]))


def _activate(gates: Sequence[Tensor], cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The four gates activated, side by side, the new hidden and the new cell state."""
    i, f, g, o = gates
    i, f, g, o = ops.sigmoid(i), ops.sigmoid(f), ops.tanh(g), ops.sigmoid(o)
    cell = f * cell + i * g
    return ops.concatenate([i, f, g, o], axis=-1), o * ops.tanh(cell), cell


def _plain_sequence(*tensors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    inputs, kernel, recurrent_kernel, bias, hidden, cell = tensors

    def step(states: tuple[Tensor, Tensor], projected: Tensor) -> tuple[Any, Any]:
        hidden, cell = states
        gates = projected + ops.matmul(hidden, recurrent_kernel)
        _, hidden, cell = _activate(ops.split(gates, 4, axis=-1), cell)
        # Keras's scan on TensorFlow, where tests run this, wants outputs built like the states.
        return (hidden, cell), (hidden, cell)

    projected = _project(ops.transpose(inputs, (1, 0, 2)), kernel, bias)
    (hidden, cell), (outputs, _) = ops.scan(step, (hidden, cell), projected)
    return ops.transpose(outputs, (1, 0, 2)), hidden, cell


def _sequence_without_gates(*tensors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    hidden, cell, (outputs,) = _forward(*tensors)
    return ops.transpose(outputs, (1, 0, 2)), hidden, cell


def _sequence_with_kept_gates(*tensors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    import tensorflow as tf

    @tf.custom_gradient
    def sequence(*tensors: Tensor) -> tuple[Any, Any]:
        inputs, kernel, recurrent_kernel, _, hidden, cell = tensors
        last_hidden, last_cell, (outputs, gates, cells) = _forward(*tensors, keep_gates=True)
        time, batch = tf.shape(outputs)[0], tf.shape(outputs)[1]

        def gradient(d_outputs: Tensor, d_hidden: Tensor, d_cell: Tensor) -> tuple[Tensor, ...]:
            d_gates, d_hidden, d_cell = _backward(
                tf.transpose(d_outputs, (1, 0, 2)), d_hidden, d_cell,
                gates, tf.concat([cell[None], cells], axis=0), recurrent_kernel,
            )  # fmt: skip
            features, units = kernel.shape[0], recurrent_kernel.shape[0]
            inputs_by_time = tf.reshape(tf.transpose(inputs, (1, 0, 2)), (-1, features))
            hidden_before = tf.concat([hidden[None], outputs[:-1]], axis=0)
            # One product each for the whole sequence.
            d_inputs = tf.matmul(d_gates, kernel, transpose_b=True)
            d_inputs = tf.transpose(tf.reshape(d_inputs, (time, batch, features)), (1, 0, 2))
            d_kernel = tf.matmul(inputs_by_time, d_gates, transpose_a=True)
            d_recurrent_kernel = tf.matmul(
                tf.reshape(hidden_before, (-1, units)), d_gates, transpose_a=True
            )
            d_bias = tf.reduce_sum(d_gates, axis=0)
            return d_inputs, d_kernel, d_recurrent_kernel, d_bias, d_hidden, d_cell

        return (tf.transpose(outputs, (1, 0, 2)), last_hidden, last_cell), gradient

    return sequence(*tensors)


def _forward(
    inputs: Tensor,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor,
    hidden: Tensor,
    cell: Tensor,
    *,
    keep_gates: bool = False,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """The projections of the inputs, and the loop.

    Args:
        inputs: (batch, time, features).
        kernel: (features, 4 * units).
        recurrent_kernel: (units, 4 * units).
        bias: (4 * units,).
        hidden: (batch, units).
        cell: (batch, units).
        keep_gates: whether what the gradient needs is kept.

    Returns:
        The hidden and the cell state after the last step; a list, by time, of the outputs and, if
        kept, the activated gates (time, batch, 4 * units) and the cell states. These leave as
        tensors, not as TensorArrays, which a SavedModel cannot hold for a gradient.
    """
    import tensorflow as tf

    inputs = tf.transpose(inputs, (1, 0, 2))
    time, units = tf.shape(inputs)[0], recurrent_kernel.shape[0]
    # With oneDNN four square products are a quarter faster than one that is four times as wide,
    # and two nearly as much. For a single document each product beyond two costs the waking of
    # a core, unless it is so small that it stays on one. All large products are split alike: where
    # TensorFlow gives one thread to each operation, the parts still run in parallel.
    products = 4 if keep_gates or units <= 512 else 2
    kernels, recurrent_kernels, biases = (
        tf.split(weight, products, axis=-1) for weight in (kernel, recurrent_kernel, bias)
    )
    projections = [_project(inputs, k, b) for k, b in zip(kernels, biases, strict=True)]
    projections = [tf.TensorArray(p.dtype, size=time).unstack(p) for p in projections]
    widths = [units, 4 * units, units] if keep_gates else [units]
    shapes = [(inputs.shape[1], width) for width in widths]
    arrays = [tf.TensorArray(inputs.dtype, size=time, element_shape=s) for s in shapes]

    def step(t: Tensor, hidden: Tensor, cell: Tensor, arrays: list[Any]) -> tuple[Any, ...]:
        parts = [
            projection.read(t) + tf.matmul(hidden, k)
            for projection, k in zip(projections, recurrent_kernels, strict=True)
        ]
        gates = [gate for part in parts for gate in tf.split(part, 4 // products, axis=-1)]
        gates, hidden, cell = _activate(gates, cell)
        values = (hidden, gates, cell)[: len(arrays)]
        return t + 1, hidden, cell, [a.write(t, v) for a, v in zip(arrays, values, strict=True)]

    hidden, cell = tf.ensure_shape(hidden, shapes[0]), tf.ensure_shape(cell, shapes[0])
    _, hidden, cell, arrays = tf.while_loop(
        lambda t, *_: t < time, step, (0, hidden, cell, arrays), maximum_iterations=time
    )
    stacked = [array.stack() for array in arrays]
    for tensor, shape in zip(stacked, shapes, strict=True):
        tensor.set_shape((inputs.shape[0], *shape))
    return hidden, cell, stacked


def _backward(
    d_outputs: Tensor,
    d_hidden: Tensor,
    d_cell: Tensor,
    gates: Tensor,
    cells: Tensor,
    recurrent_kernel: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """The loop backwards.

    Args:
        d_outputs: (time, batch, units).
        d_hidden: of the last hidden state.
        d_cell: of the last cell state.
        gates: (time, batch, 4 * units), activated.
        cells: (1 + time, batch, units), the first cell state in front.
        recurrent_kernel: (units, 4 * units).

    Returns:
        The gradients of the gates before activation (time * batch, 4 * units), of the first
        hidden and of the first cell state.
    """
    import tensorflow as tf

    time = tf.shape(gates)[0]
    # Transposed once: a product with few rows reads a transposed weight far more slowly.
    recurrent_kernel = tf.transpose(recurrent_kernel)
    empty = tf.TensorArray(gates.dtype, size=time, element_shape=gates.shape[1:])

    def step(t: Tensor, d_hidden: Tensor, d_cell: Tensor, d_gates: Any) -> tuple[Any, ...]:
        i, f, g, o = tf.split(gates[t], 4, axis=-1)
        squashed = tf.tanh(cells[t + 1])
        d_hidden += d_outputs[t]
        d_cell += d_hidden * o * (1 - squashed * squashed)
        d_i = d_cell * g * i * (1 - i)
        d_f = d_cell * cells[t] * f * (1 - f)
        d_g = d_cell * i * (1 - g * g)
        d_o = d_hidden * squashed * o * (1 - o)
        d_gate = tf.concat([d_i, d_f, d_g, d_o], axis=-1)
        return t - 1, tf.matmul(d_gate, recurrent_kernel), d_cell * f, d_gates.write(t, d_gate)

    _, d_hidden, d_cell, d_gates = tf.while_loop(
        lambda t, *_: t >= 0, step, (time - 1, d_hidden, d_cell, empty), maximum_iterations=time
    )
    return d_gates.concat(), d_hidden, d_cell
