"""Texts to ids, with progress bars."""

import keras
import tensorflow as tf

from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

TOKENIZER = TextTokenizer()
# Traced once, where each `Dataset.map` would trace it anew.
_TOKENIZE = tf.function(TOKENIZER, input_signature=[tf.TensorSpec([None], tf.string)])


def look_up(texts, arguments, *, counted):
    """Tokenizes twice, to count words and to look them up: tokens need far more room than ids.

    Args:
        texts: dict of part's name to a list of str.
        arguments: those of the command line.
        counted: the parts whose words make the vocabulary.

    Returns:
        The `Vocabulary`, and a dict of part's name to ragged ids.
    """
    tokens = (batch for name in counted for batch in tokenize(texts[name], f"words of {name}"))
    vocabulary = Vocabulary.from_tokens(
        tokens, max_size=arguments.vocabulary_size, min_frequency=arguments.min_frequency
    )
    documents = {
        name: vocabulary.encode_all(tokenize(part, f"ids of {name}"))
        for name, part in texts.items()
    }
    return vocabulary, documents


def tokenize(texts, title, batch_size=256):
    """Batches of ragged tokens, with a progress bar."""
    if not texts:
        return
    print(f"Tokenizing, {title} texts")
    progress = keras.utils.Progbar(len(texts), unit_name="text")
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(batch_size)
    for tokens in dataset.map(_TOKENIZE, num_parallel_calls=tf.data.AUTOTUNE).prefetch(1):
        yield tokens
        progress.add(int(tokens.nrows()))
