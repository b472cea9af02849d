import numpy as np
import pytest
import tensorflow as tf

from tfast.text.models.chunked_gradients import (
    Chunk,
    Gradients,
    add_gradients,
    gradients_of_targets,
    pad_end,
    scale_of_products,
)

VOCAB, EMBED, SIZE = 7, 3, 4
RANDOM = np.random.RandomState(0)
HIDDEN = tf.constant(RANDOM.standard_normal((SIZE, EMBED)), "float32")
EMBEDDINGS = tf.constant(RANDOM.standard_normal((VOCAB, EMBED)), "float32")
TARGETS = tf.constant([2, 5, 2, 0])
CHUNK = Chunk(HIDDEN, TARGETS, tf.ones(SIZE))


@pytest.mark.parametrize("scale", [1.0, 64.0])
def test_the_gradients_of_both_parts_add_up_to_those_of_the_loss(scale):
    with tf.GradientTape() as tape:
        bias = tf.zeros(VOCAB)
        tape.watch([HIDDEN, EMBEDDINGS, bias])
        logits = HIDDEN @ tf.transpose(EMBEDDINGS) + bias
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(TARGETS, logits)
        loss = tf.reduce_sum(losses)
    expected = tape.gradient(loss, [HIDDEN, EMBEDDINGS, bias])
    exponentials = tf.exp(logits)
    weight = 1 / tf.reduce_sum(exponentials, axis=-1)
    gradients = gradients_of_targets(CHUNK, TARGETS, HIDDEN, EMBEDDINGS, scale)
    gradients = add_gradients(0, gradients, CHUNK, weight, exponentials, EMBEDDINGS, scale)
    assert isinstance(gradients, Gradients)
    for gradient, factor, e in zip(gradients, (1, scale, scale), expected, strict=True):
        np.testing.assert_allclose(gradient, factor * e, rtol=1e-4, atol=1e-5)


def test_the_part_of_the_targets_is_padded_like_the_chunks():
    padded = Chunk(pad_end(HIDDEN, 2), pad_end(TARGETS, 2), pad_end(CHUNK.real, 2))
    gradients = gradients_of_targets(padded, TARGETS, HIDDEN, EMBEDDINGS, 1.0)
    np.testing.assert_array_equal(gradients.hidden[:SIZE], -tf.gather(EMBEDDINGS, TARGETS))
    np.testing.assert_array_equal(gradients.hidden[SIZE:], np.zeros((2, EMBED)))
    np.testing.assert_array_equal(gradients.bias, [-1, 0, -2, 0, 0, -1, 0])


def test_only_float16_products_are_scaled_and_none_can_overflow():
    assert scale_of_products(HIDDEN, 128) == 1.0
    hidden = tf.cast(100 * HIDDEN, "float16")
    scale = float(scale_of_products(hidden, 128))
    # All positions have all their weight on one word.
    assert scale * SIZE * np.abs(hidden).max() == pytest.approx(2.0**15, rel=1e-3)
