import numpy as np
import tensorflow as tf

from tfast.text.gram_counts import count_grams


def test_all_words_have_a_column_and_unknown_words_part_their_neighbours():
    grams = count_grams(tf.ragged.constant([[2, 9, 0, 10], [9, 5, 10, 9]], dtype="int32"), 12)
    assert (grams.num_words, grams.keys[:3].tolist()) == (3, [9, 10, 11])
    # A special token (5) parts nothing: 9 10 and 10 9 are pairs of the second text.
    assert grams.keys[3:].tolist() == [12 * 10 + 10, 12 * 11 + 9]
    assert grams.counts.toarray().tolist() == [[1, 1, 0, 0, 0], [2, 1, 0, 1, 1]]
    assert grams.frequent(2).tolist() == [0, 1]
    assert grams.frequent(1).tolist() == [0, 1, 3, 4]
    np.testing.assert_array_equal(grams.take_texts(np.array([0])).frequent(1), [0, 1])
