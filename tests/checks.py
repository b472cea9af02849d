"""Contracts that every layer, dataset operation and text operation keeps."""

import keras
import numpy as np
import tensorflow as tf


def check_layer(make_layer, inputs, *, tmp_path, tolerance=1e-5):
    """Build, eager = graph, config round trip, mixed_float16, finite gradients, save and load.

    Args:
        make_layer: a function without arguments that makes the layer.
        inputs: a NumPy array with a batch axis.
    """
    inputs = np.asarray(inputs)
    source = keras.Input(inputs.shape[1:], dtype=inputs.dtype.name)
    layer = make_layer()
    model = keras.Model(source, layer(source))
    eager = keras.tree.map_structure(np.asarray, layer(inputs, training=False))
    _assert_close(model.predict(inputs, verbose=0), eager, tolerance)

    twin = type(layer).from_config(layer.get_config())
    twin(inputs)
    twin.set_weights(layer.get_weights())
    _assert_close(twin(inputs, training=False), eager, tolerance)

    with tf.GradientTape() as tape:
        outputs = keras.tree.flatten(layer(inputs, training=True))
        loss = sum(tf.reduce_mean(tf.cast(output, "float32") ** 2) for output in outputs)
    gradients = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert gradient is not None, f"no gradient for {weight.path}"
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), f"bad gradient: {weight.path}"

    # Training may have moved what a layer keeps beside its weights (batch norm's statistics).
    eager = keras.tree.map_structure(np.asarray, layer(inputs, training=False))
    path = tmp_path / "layer.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    _assert_close(loaded.predict(inputs, verbose=0), eager, tolerance)

    _check_mixed_precision(make_layer, inputs)


def _check_mixed_precision(make_layer, inputs):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        layer = make_layer()
        for output in keras.tree.flatten(layer(inputs)):
            assert keras.backend.standardize_dtype(output.dtype) == "float16"
        for weight in layer.trainable_weights:
            assert weight.dtype == "float32"
    finally:
        keras.mixed_precision.set_dtype_policy(before)


def check_dataset_op(operation, *arrays, tolerance=0.0):
    """`operation` gives the same eagerly and inside `Dataset.map`, for one element."""
    eager = operation(*[tf.convert_to_tensor(array) for array in arrays])
    dataset = tf.data.Dataset.from_tensors(arrays).map(operation)
    _assert_close(next(iter(dataset)), eager, tolerance)


def check_text_op(operation, texts, *, tmp_path):
    """`operation` gives the same eagerly and from a reloaded SavedModel.

    Args:
        operation: a layer, or a function of a string tensor `(batch,)`.
        texts: a list of str or bytes.
    """
    texts = tf.constant(texts)
    module = tf.Module()
    module.operation = operation  # tracks what a layer owns
    module.serve = tf.function(
        lambda texts: operation(texts), input_signature=[tf.TensorSpec([None], tf.string)]
    )
    tf.saved_model.save(module, str(tmp_path / "operation"))
    loaded = tf.saved_model.load(str(tmp_path / "operation")).serve(texts)
    eager = operation(texts)
    assert type(loaded) is type(eager)
    if isinstance(eager, tf.RaggedTensor):
        assert loaded.to_list() == eager.to_list()
    else:
        assert loaded.numpy().tolist() == eager.numpy().tolist()


def _assert_close(actual, expected, tolerance):
    keras.tree.assert_same_structure(actual, expected)
    for a, e in zip(keras.tree.flatten(actual), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(e), rtol=tolerance, atol=tolerance)


def two_replicas():
    """A `MirroredStrategy` on the two virtual processors of conftest.py."""
    # Not the default's collectives: in one process their shapes must be alike in all models.
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
