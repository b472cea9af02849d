"""Tokens of many texts, batch by batch."""

import collections
import concurrent.futures
import os
from collections.abc import Callable, Iterable, Iterator, Sized

import keras
import tensorflow as tf

from tfast import arguments
from tfast.text.tokenization.tokenizer import TextTokenizer

# From strings (batch,) to ragged tokens (batch, None).
Tokenizer = Callable[[tf.Tensor], tf.RaggedTensor]
# Each has two batches in memory at a time.
MOST_THREADS = 8
# Of a batch: a few hundred long texts would take gigabytes. Ordinary texts stay below.
MOST_CHARACTERS = 4_000_000


def tokenize(
    texts: Iterable[str],
    *,
    tokenizer: Tokenizer | None = None,
    batch_size: int = 256,
    title: str | None = None,
) -> Iterator[tf.RaggedTensor]:
    """The tokens of texts, batch by batch, in their order.

    Args:
        texts: strings. No second copy of them all is made, and an iterator is read a few batches
            ahead.
        tokenizer: from strings `(batch,)` to ragged tokens `(batch, None)`; None for a
            `TextTokenizer`.
        batch_size: how many texts are tokenized at a time; fewer where they are long: the text
            that fills four million characters ends its batch.
        title: printed above a progress bar; None for no progress bar.

    Yields:
        Ragged strings `(batch, None)`.

    Raises:
        ValueError: `texts` is one string, or `batch_size` is below 1.

    Examples:
        >>> [batch.to_list() for batch in tokenize(["a film", "Why?"], batch_size=1)]
        [[[b'xxbos', b'a', b'film']], [[b'xxbos', b'xxmaj', b'why', b'?']]]
    """
    batch_size = arguments.whole_number("batch_size", batch_size)
    if isinstance(texts, str | bytes):
        raise ValueError(f"texts must be a sequence of strings, got {texts[:40]!r}")
    if not isinstance(tokenizer, TracedTokenizer):
        tokenizer = TracedTokenizer(tokenizer)
    return _token_batches(texts, tokenizer, batch_size, title)


class TracedTokenizer:
    """A tokenizer as a graph, which takes a second to make: for several calls of `tokenize`.

    Args:
        tokenizer: see `tokenize`.

    Call:
        texts: strings `(batch,)`, any number of them.
        Returns what the tokenizer does, on the CPU.

    Examples:
        >>> TracedTokenizer(tf.strings.split)(tf.constant(["a film", "Why?"])).to_list()
        [[b'a', b'film'], [b'Why?']]
    """

    def __init__(self, tokenizer: Tokenizer | None = None) -> None:
        # Kept beside its graph, which holds no tables.
        self.tokenizer = tokenizer or TextTokenizer()

        def on_cpu(texts: tf.Tensor) -> tf.RaggedTensor:
            with tf.device("CPU"):
                return self.tokenizer(texts)

        # A graph of this thread: in others neither Keras nor tf.distribute knows where it is.
        self._graph = tf.function(on_cpu).get_concrete_function(tf.TensorSpec([None], tf.string))

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """The tokens."""
        return self._graph(texts)


def _text_batches(texts: Iterable[str], batch_size: int) -> Iterator[list[str]]:
    """Texts in their order, at most `batch_size` at a time, and not many characters."""
    batch: list[str] = []
    num_characters = 0
    for text in texts:
        batch.append(text)
        num_characters += len(text)
        if len(batch) == batch_size or num_characters >= MOST_CHARACTERS:
            yield batch
            batch, num_characters = [], 0
    if batch:
        yield batch


def _token_batches(
    texts: Iterable[str], tokenizer: TracedTokenizer, batch_size: int, title: str | None
) -> Iterator[tf.RaggedTensor]:
    progress = None
    size = len(texts) if isinstance(texts, Sized) else None
    if title is not None and size != 0:
        print(title)
        progress = keras.utils.Progbar(size, unit_name="text")
    batches = _text_batches(texts, batch_size)
    # Threads, because each `Dataset.map` would optimize the graph again, which takes half a second.
    num_threads = min(os.cpu_count() or 1, MOST_THREADS)
    pending: collections.deque[concurrent.futures.Future] = collections.deque()
    is_first = True
    with concurrent.futures.ThreadPoolExecutor(num_threads) as pool:
        while (batch := next(batches, None)) or pending:
            if batch:
                pending.append(pool.submit(tokenizer, tf.constant(batch)))
                if is_first:  # alone, or each thread would optimize the graph
                    concurrent.futures.wait(pending)
                    is_first = False
            if len(pending) > num_threads or not batch:
                tokens = pending.popleft().result()
                yield tokens
                if progress is not None:
                    progress.add(int(tokens.nrows()))
