import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.text.models import lstm_kernel
from tfast.text.models.lstm_kernel import lstm_sequence

BATCH, TIME, FEATURES, UNITS = 3, 7, 5, 4


def random_tensors(dtype, units=UNITS):
    shapes = [
        (BATCH, TIME, FEATURES),
        (FEATURES, 4 * units),
        (units, 4 * units),
        (4 * units,),
        (BATCH, units),
        (BATCH, units),
    ]
    random = np.random.RandomState(0)
    return [tf.constant(0.5 * random.standard_normal(shape), dtype) for shape in shapes]


def stock_layer(dtype):
    """`keras.layers.LSTM` as a function of the same six tensors."""
    layer = keras.layers.LSTM(UNITS, return_sequences=True, return_state=True, dtype=dtype)
    layer.build((BATCH, TIME, FEATURES))

    def run(inputs, kernel, recurrent_kernel, bias, hidden, cell):
        vars(layer.cell).update(kernel=kernel, recurrent_kernel=recurrent_kernel, bias=bias)
        return layer(inputs, initial_state=[hidden, cell])

    return run


def ours(inputs, kernel, recurrent_kernel, bias, hidden, cell):
    outputs, states = lstm_sequence(inputs, kernel, recurrent_kernel, bias, (hidden, cell))
    return outputs, *states


def plain(*tensors):
    return lstm_kernel._plain_sequence(*tensors)


def values_and_gradients(function, tensors):
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        results = function(*tensors)
        # Every result counts, and differently at each place.
        loss = sum(tf.reduce_sum(tf.sin(tf.cast(r, "float32")) ** 2) for r in results)
    return [*results, *tape.gradient(loss, tensors)]


@pytest.mark.parametrize("function", [ours, plain])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float16", 2e-2)])
def test_equals_the_keras_layer_in_values_and_gradients(function, dtype, tolerance):
    tensors = random_tensors(dtype)
    expected = values_and_gradients(stock_layer(dtype), tensors)
    actual = values_and_gradients(tf.function(function), tensors)
    assert len(actual) == len(expected) == 9
    for a, e in zip(actual, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("units", [UNITS, 520])  # cut into four products, and into two
def test_inference_without_gates_gives_the_same(units):
    tensors = random_tensors("float32", units)
    tensors[2] /= units**0.5  # or wide layers saturate

    def without_gates(inputs, kernel, recurrent_kernel, bias, *states):
        weights = kernel, recurrent_kernel, bias
        outputs, states = lstm_sequence(inputs, *weights, states, keep_gates=False)
        return outputs, *states

    expected = values_and_gradients(ours, tensors)
    actual = values_and_gradients(tf.function(without_gates), tensors)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-4, atol=1e-4)


def test_eager_equals_graph_and_any_length_is_taken():
    tensors = random_tensors("float32")
    graph = tf.function(
        ours,
        input_signature=[tf.TensorSpec((None, None, FEATURES))]
        + [tf.TensorSpec(t.shape) for t in tensors[1:4]]
        + [tf.TensorSpec((None, UNITS))] * 2,
    )
    for length in (1, 4, TIME):
        shorter = [tensors[0][:, :length], *tensors[1:]]
        for a, e in zip(
            values_and_gradients(graph, shorter), values_and_gradients(ours, shorter), strict=True
        ):
            np.testing.assert_allclose(a, e, rtol=1e-5, atol=1e-6)


def test_two_windows_with_the_state_carried_equal_one():
    tensors = random_tensors("float32")
    inputs, kernel, recurrent_kernel, bias, *states = tensors
    whole, last = lstm_sequence(inputs, kernel, recurrent_kernel, bias, states)
    first, states = lstm_sequence(inputs[:, :3], kernel, recurrent_kernel, bias, states)
    second, states = lstm_sequence(inputs[:, 3:], kernel, recurrent_kernel, bias, states)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)
    np.testing.assert_allclose(states, last, atol=1e-6)


def test_saved_model_loads_where_tfast_is_missing(tmp_path):
    tensors = random_tensors("float32")
    module = tf.Module()
    module.serve = tf.function(ours).get_concrete_function(*tensors)
    tf.saved_model.save(module, str(tmp_path / "model"))
    np.savez(tmp_path / "case.npz", *tensors, expected=ours(*tensors)[0])
    code = (
        "import sys; sys.modules['tfast'] = None\n"
        "import numpy as np, tensorflow as tf\n"
        "case = np.load('case.npz'); expected = case['expected']\n"
        "serve = tf.saved_model.load('model').serve\n"
        "outputs = serve(*[tf.constant(case[f'arr_{i}']) for i in range(6)])[0]\n"
        "np.testing.assert_allclose(outputs, expected, atol=1e-6)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_weights_that_do_not_belong_together_are_refused():
    inputs, kernel, recurrent_kernel, bias, *states = random_tensors("float32")
    with pytest.raises(ValueError, match=r"kernel, recurrent_kernel and bias must have .* got"):
        lstm_sequence(inputs[..., 1:], kernel, recurrent_kernel, bias, states)
