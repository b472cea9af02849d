"""Documents as token ids: made from texts, checked, and padded to one length."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from tfast import arguments
from tfast.text.tokenization.special_tokens import PADDING_ID, UNKNOWN_ID
from tfast.text.tokenization.token_batches import Tokenizer, TracedTokenizer, tokenize
from tfast.text.vocabulary import Vocabulary


def look_up(
    texts: Mapping[str, Sequence[str]],
    *,
    counted: Collection[str],
    known: Vocabulary | None = None,
    max_size: int = 60_000,
    min_frequency: int = 2,
    tokenizer: Tokenizer | None = None,
    show_progress: bool = False,
) -> tuple[Vocabulary, dict[str, tf.RaggedTensor]]:
    """Tokenizes every text once: to a vocabulary, and to ids by that vocabulary.

    Words get a number when they come first, and the numbers become ids when all are counted.
    So memory holds 4 bytes a token and each distinct word of all parts once, but no tokens.

    Args:
        texts: strings, by name of the part.
        counted: names of the parts whose words make the vocabulary: those that are trained on.
        known: a vocabulary that comes first, with its ids: that of a pretrained model.
        max_size: see `Vocabulary.from_tokens`; with `known` the number of words more than it has.
        min_frequency: see `Vocabulary.from_tokens`.
        tokenizer: see `tokenize`.
        show_progress: whether to print a progress bar for each part.

    Returns:
        The `Vocabulary`, and for each part int32 ragged ids `(documents, None)`.

    Raises:
        ValueError: `counted` has a name that `texts` lacks, or a size is out of range.

    Examples:
        >>> texts = {"train": ["a film", "a book"], "valid": ["a play"]}
        >>> vocabulary, documents = look_up(texts, counted=["train"], min_frequency=1)
        >>> documents["valid"].to_list()  # xxbos, a, and an unknown word
        [[2, 9, 0]]
    """
    for name in counted:
        arguments.one_of("counted", name, tuple(texts))
    traced = TracedTokenizer(tokenizer)
    numbers: dict[bytes, int] = {}
    parts = {}
    for name, part in texts.items():
        title = f"Tokenizing {name} texts" if show_progress else None
        tokens = tokenize(part, tokenizer=traced, title=title)
        parts[name] = _join(number_words(tokens, numbers))
    counts = sum(
        (np.bincount(parts[name][0], minlength=len(numbers)) for name in counted),
        start=np.zeros(len(numbers), "int64"),
    )
    count_of = dict(zip(numbers, counts.tolist(), strict=True))
    if known is None:
        vocabulary = Vocabulary.from_counts(
            count_of, max_size=max_size, min_frequency=min_frequency
        )
    else:
        vocabulary = known.extended(count_of, max_new=max_size, min_frequency=min_frequency)
    id_of_word = {word.encode(): number for number, word in enumerate(vocabulary.words)}
    ids = np.array([id_of_word.get(word, UNKNOWN_ID) for word in numbers], "int32")
    with tf.device("CPU"):
        documents = {
            name: tf.RaggedTensor.from_row_lengths(ids[part], lengths)
            for name, (part, lengths) in parts.items()
        }
    return vocabulary, documents


def number_words(
    token_batches: Iterable[tf.RaggedTensor], numbers: dict[bytes, int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Numbers of the tokens, batch by batch; new words get the next numbers.

    Args:
        token_batches: ragged strings `(batch, None)`.
        numbers: number of each word that has come; words are added to it.

    Yields:
        The numbers of a batch, int32 `(tokens,)`, and the tokens of each document, int64
        `(batch,)`.

    Examples:
        >>> numbers = {}
        >>> batches = number_words([tf.ragged.constant([["a", "b"], ["a"]])], numbers)
        >>> [(found.tolist(), lengths.tolist()) for found, lengths in batches]
        [([0, 1, 0], [2, 1])]
    """
    for tokens in token_batches:
        # Only the distinct tokens of a batch become Python objects.
        words, positions = tf.unique(tokens.flat_values)
        found = [numbers.setdefault(word, len(numbers)) for word in words.numpy().tolist()]
        yield np.array(found, "int32")[positions.numpy()], tokens.row_lengths().numpy()


def _join(batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    empty = np.empty(0, "int32"), np.empty(0, "int64")
    token_numbers, lengths = zip(empty, *batches, strict=True)
    return np.concatenate(token_numbers), np.concatenate(lengths)


def check_documents(documents: tf.RaggedTensor) -> tf.RaggedTensor:
    """Documents as a CPU tensor, after a check of what could fail later.

    Args:
        documents: int32 `tf.RaggedTensor` `(documents, None)` of token ids.

    Returns:
        The same values, on the CPU, where `tf.data` reads them.

    Raises:
        ValueError: not such a tensor, or a document without a token.

    Examples:
        >>> check_documents([[2, 9], [2]])
        Traceback (most recent call last):
        ValueError: documents must be a tf.RaggedTensor (documents, None) of token ids...got list
    """
    if not isinstance(documents, tf.RaggedTensor) or documents.shape.rank != 2:
        raise ValueError(
            "documents must be a tf.RaggedTensor (documents, None) of token ids, as "
            f"Vocabulary.encode_all makes it, got {type(documents).__name__}"
        )
    if documents.dtype != tf.int32:
        raise ValueError(f"documents must be int32, got {documents.dtype.name}")
    with tf.device("CPU"):
        documents = tf.identity(documents)
        empty = tf.where(documents.row_lengths() == 0)[:, 0].numpy()
    if len(empty):
        raise ValueError(
            "documents must have one token or more each (even an empty text has its xxbos), got "
            f"{len(empty)} without, first number {empty[0]}"
        )
    return documents


def pad_documents(
    documents: tf.RaggedTensor, *, reverse: bool = False, time_multiple: int = 1
) -> dict[str, tf.Tensor]:
    """Documents padded after their ends: the inputs of a classifier. Works in graphs too.

    A causal LSTM needs no mask for padding after the end, and cuDNN accepts no other padding. A
    text of no token, which only a tokenizer with `add_start=False` makes, becomes one xxpad.

    Args:
        documents: ragged int32 `(batch, None)`.
        reverse: whether each document runs from its end to its beginning, for a backward model.
        time_multiple: the padded length is a multiple of this.

    Returns:
        A dict: `token_ids`, int32 `(batch, time)`, padded with id 1, and `lengths`, int32
        `(batch,)`: the number of tokens of each.

    Examples:
        >>> inputs = pad_documents(tf.ragged.constant([[2, 9, 8], [2]], dtype="int32"))
        >>> inputs["token_ids"].numpy().tolist(), inputs["lengths"].numpy().tolist()
        ([[2, 9, 8], [2, 1, 1]], [3, 1])
    """
    lengths = tf.maximum(tf.cast(documents.row_lengths(), "int32"), 1)
    # At least 1, for a batch without documents too.
    longest = tf.maximum(tf.reduce_max(lengths), 1)
    time = -(-longest // time_multiple) * time_multiple
    shape = tf.stack([documents.nrows(tf.int32), time])
    token_ids = documents.to_tensor(PADDING_ID, shape=shape)
    if reverse:
        token_ids = tf.reverse_sequence(token_ids, lengths, seq_axis=1)
    return {"token_ids": token_ids, "lengths": lengths}
