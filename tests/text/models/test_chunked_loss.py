import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_weights import golden_arrays, golden_json

from tfast.text.models.chunked_loss import chunked_softmax_cross_entropy

BATCH, TIME, EMBED, VOCAB = 3, 5, 4, 11


def random_case(dtype="float32"):
    random = np.random.RandomState(0)
    hidden = tf.constant(random.standard_normal((BATCH, TIME, EMBED)), dtype)
    embeddings = tf.constant(random.standard_normal((VOCAB, EMBED)), "float32")
    bias = tf.constant(random.standard_normal(VOCAB), "float32")
    return hidden, embeddings, bias, tf.constant(random.randint(0, VOCAB, (BATCH, TIME)))


def plain(hidden, embeddings, bias, targets):
    logits = tf.cast(hidden, "float32") @ tf.transpose(embeddings) + bias
    loss = keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True)
    hits = keras.metrics.sparse_categorical_accuracy(targets, logits)
    return tf.reduce_mean(loss), tf.reduce_mean(tf.cast(hits, "float32"))


def loss_accuracy_and_gradients(function, hidden, embeddings, bias, targets, factor=1.0):
    with tf.GradientTape() as tape:
        tape.watch([hidden, embeddings, bias])
        loss, accuracy = function(hidden, embeddings, bias, targets)
        scaled = loss * factor
    return [loss, accuracy, *tape.gradient(scaled, [hidden, embeddings, bias])]


@pytest.mark.parametrize("chunk_size", [1, 4, 15, 100])
def test_chunked_loss_equals_the_plain_one_in_value_and_gradient(chunk_size):
    @tf.function(input_signature=[tf.TensorSpec(s, d) for s, d in [
        ((None, None, EMBED), tf.float32), ((VOCAB, EMBED), tf.float32),
        ((VOCAB,), tf.float32), ((None, None), tf.int64),
    ]])  # fmt: skip
    def chunked(*tensors):
        return chunked_softmax_cross_entropy(*tensors, chunk_size=chunk_size)

    case = random_case()
    expected = loss_accuracy_and_gradients(plain, *case, factor=3.0)
    actual = loss_accuracy_and_gradients(chunked, *case, factor=3.0)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-5, atol=1e-6)


def test_without_gradient_the_values_are_the_same():
    case = random_case()
    actual = chunked_softmax_cross_entropy(*case, chunk_size=4, with_gradient=False)
    np.testing.assert_allclose(actual, plain(*case), rtol=1e-6)


def test_no_tensor_holds_the_logits_of_more_than_a_chunk():
    case = random_case()
    graph = (
        tf.function(
            lambda *case: loss_accuracy_and_gradients(
                lambda *c: chunked_softmax_cross_entropy(*c, chunk_size=4), *case
            )
        )
        .get_concrete_function(*case)
        .graph
    )

    def shapes(graph):
        for operation in graph.get_operations():
            yield from (tuple(t.shape) for t in operation.outputs if t.shape.rank)
        for function in graph._functions.values():
            yield from shapes(function.graph)

    rows = [np.prod(shape[:-1]) for shape in shapes(graph) if shape[-1] == VOCAB]
    assert max(rows) == 4


def test_a_chunk_begins_when_the_one_before_is_done():
    # Chunks that overlap each hold their logits and a table of gradients.
    function = tf.function(chunked_softmax_cross_entropy).get_concrete_function(
        *random_case(), chunk_size=4
    )
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    loops = [node for node in nodes if node.op in ("While", "StatelessWhile")]
    assert [loop.attr["parallel_iterations"].i for loop in loops] == [1]


def test_large_logits_stay_finite():
    hidden, embeddings, bias, targets = random_case()
    actual = loss_accuracy_and_gradients(
        chunked_softmax_cross_entropy, 1000 * hidden, embeddings, bias, targets
    )
    expected = loss_accuracy_and_gradients(plain, 1000 * hidden, embeddings, bias, targets)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-4, atol=1e-4)


def test_float16_products_lose_no_small_gradients_under_loss_scaling():
    vocab, scale = 50_000, 2.0**15
    random = np.random.RandomState(0)
    # Every word is about as likely as any other, and the hidden values are small.
    hidden = tf.constant(0.05 * random.standard_normal((2, 20, 8)), "float16")
    embeddings = tf.cast(
        tf.constant(0.1 * random.standard_normal((vocab, 8)), "float16"), "float32"
    )
    case = (embeddings, tf.zeros(vocab), tf.constant(random.randint(0, vocab, (2, 20))))
    actual = loss_accuracy_and_gradients(chunked_softmax_cross_entropy, hidden, *case, factor=scale)
    expected = loss_accuracy_and_gradients(plain, tf.cast(hidden, "float32"), *case, factor=scale)
    assert actual[0].dtype == "float32"
    assert actual[2].dtype == "float16"
    for a, e in zip(actual[2:], expected[2:], strict=True):
        # The targets' rows are large and exact; what comes from the softmax is all the others.
        others = np.setdiff1d(np.arange(len(e)), case[-1]) if len(e) == vocab else slice(None)
        error, size = np.array(a - tf.cast(e, a.dtype), "float64"), np.array(e, "float64")
        assert np.linalg.norm(error[others]) <= 2e-3 * np.linalg.norm(size[others])


def test_a_target_outside_the_vocabulary_is_never_taken_for_another_word():
    hidden, embeddings, bias, targets = random_case()
    for wrong in (-1, VOCAB):
        targets = np.array(targets)
        targets[0, 0] = wrong
        loss, _ = chunked_softmax_cross_entropy(
            hidden, embeddings, bias, targets, with_gradient=False
        )
        assert np.isnan(loss)


def test_the_gradient_takes_upstream_by_name_as_on_pytorch(monkeypatch):
    custom_gradient = keras.ops.custom_gradient

    def by_name(function):
        def renamed(*tensors):
            result, gradient = function(*tensors)
            return result, lambda upstream: gradient(*tensors, upstream=upstream)

        return custom_gradient(renamed)

    expected = loss_accuracy_and_gradients(chunked_softmax_cross_entropy, *random_case())
    monkeypatch.setattr(keras.ops, "custom_gradient", by_name)
    actual = loss_accuracy_and_gradients(chunked_softmax_cross_entropy, *random_case())
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, e)


def test_bad_arguments_are_named():
    hidden, embeddings, bias, targets = random_case()
    with pytest.raises(ValueError, match=r"targets must have the shape .* got \(3,\)"):
        chunked_softmax_cross_entropy(hidden, embeddings, bias, targets[:, 0])
    with pytest.raises(ValueError, match="chunk_size"):
        chunked_softmax_cross_entropy(hidden, embeddings, bias, targets, chunk_size=0)


def test_label_smoothing_of_keras_equals_fastai():
    logits = golden_arrays("fastai_numerics.npz")["ls_logits"]
    labels = keras.ops.one_hot([0, 1, 2, 3, 4, 0], 5)
    for smoothing, expected in golden_json("fastai_numerics.json")["label_smoothing"].items():
        loss = keras.losses.CategoricalCrossentropy(True, label_smoothing=float(smoothing))
        np.testing.assert_allclose(loss(labels, logits), expected, rtol=1e-5)
