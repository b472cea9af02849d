"""Vectors of words from how often they come near each other, in minutes and without a network.

A language model that starts with them has less to learn: what words are alike it knows already.
"""

import keras
import numpy as np

from tfast import arguments
from tfast.text.models.language_model import LanguageModel
from tfast.text.stored_documents import StoredDocuments
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS

# Tokens whose neighbours are counted at a time.
_PIECE = 1 << 20


def word_vectors(
    documents: StoredDocuments,
    size: int,
    *,
    window: int = 8,
    num_contexts: int = 5000,
    seed: int = 0,
    show_progress: bool = False,
) -> np.ndarray:
    """Positive pointwise mutual information of words and their neighbours, in `size` dimensions.

    A neighbour at distance `d` counts 1/d; only the most frequent words count as neighbours. The
    matrix of words and neighbours, which takes 4 bytes times `vocab * num_contexts` and is there
    twice, is factorized by randomized subspace iteration.

    Args:
        documents: what is counted.
        size: numbers for a word.
        window: how many tokens away a neighbour may be.
        num_contexts: how many words count as neighbours, where there are so many.
        seed: of the factorization.
        show_progress: whether to print a progress bar.

    Returns:
        float32 `(vocab, size)`: rows of length 2 on average (mean of squares 4), as a trained
        AWD-LSTM has them, and from 1 to 3. Small random numbers are the rows of words that have no
        neighbours, the special tokens among them, and columns beyond the number of contexts.

    Raises:
        ValueError: a size is below 1.

    Source: Levy et al. 2015, Improving Distributional Similarity with Lessons Learned from Word
    Embeddings (smoothed contexts, square root of the singular values); Halko et al. 2011.

    Examples:
        >>> import tempfile
        >>> from tfast.text.stored_documents import store_documents
        >>> texts = ["a red apple", "a green apple", "one old house", "one new house"] * 9
        >>> documents = store_documents(texts, tempfile.mkdtemp() + "/ids", held_out=0)
        >>> vectors = word_vectors(documents, 4, num_contexts=16)
        >>> red, green, old = (
        ...     vectors[documents.vocabulary.words.index(word)] for word in ("red", "green", "old")
        ... )
        >>> bool(red @ green > 2 * abs(red @ old))
        True
    """
    size = arguments.whole_number("size", size)
    window = arguments.whole_number("window", window)
    vocab_size = len(documents.vocabulary)
    num_contexts = min(arguments.whole_number("num_contexts", num_contexts), vocab_size)
    counts = _count_neighbours(documents, window, num_contexts, show_progress)
    random = np.random.default_rng(seed)
    vectors = _factorize(_mutual_information(counts), size, random)
    lengths = np.sqrt((vectors**2).sum(axis=-1, keepdims=True))
    known = counts.sum(axis=1) > 0
    known[: len(SPECIAL_TOKENS)] = False  # their neighbours say nothing of what they mean
    scale = 2 / max(np.sqrt((lengths[known] ** 2).mean()), 1e-6) if known.any() else 0.0
    vectors *= np.clip(scale * lengths, 1, 3) / np.maximum(lengths, 1e-6)
    vectors[~known] = random.uniform(-0.1, 0.1, (int((~known).sum()), size))
    return vectors.astype("float32")


def start_from_counts(
    model: LanguageModel, documents: StoredDocuments, *, seed: int = 0, show_progress: bool = False
) -> None:
    """Gives a new language model what counting tells: which words are alike, how frequent each is.

    The embedding becomes `word_vectors`, the decoder's bias the logarithms of the frequencies.

    Args:
        model: a `LanguageModel` of the documents' vocabulary that has learned nothing.
        documents: what it will be trained on, or more.
        seed: of the factorization.
        show_progress: whether to print a progress bar.

    Examples:
        >>> import tempfile
        >>> from tfast.text.stored_documents import store_documents
        >>> documents = store_documents(["a film"] * 3, tempfile.mkdtemp() + "/ids", held_out=0)
        >>> model = LanguageModel(len(documents.vocabulary), embed_size=4, num_layers=1)
        >>> start_from_counts(model, documents)
        >>> bias = keras.ops.convert_to_numpy(model.decoder.bias)
        >>> bool(bias[9] > bias[0])  # "a" is more frequent than unknown words
        True
    """
    size = model.encoder.settings["embed_size"]
    vectors = word_vectors(documents, size, seed=seed, show_progress=show_progress)
    frequencies = np.log(documents.counts() + 1.0)
    model.encoder.embeddings.assign(vectors)
    model.decoder.bias.assign(frequencies - frequencies.mean())


def _count_neighbours(
    documents: StoredDocuments, window: int, num_contexts: int, show_progress: bool
) -> np.ndarray:
    """How often words (vocab, contexts) come near each other; ends of documents are ignored."""
    vocab_size = len(documents.vocabulary)
    counts = np.zeros(vocab_size * num_contexts, "float32")
    first, last = int(documents.starts[0]), int(documents.starts[-1])
    progress = None
    if show_progress:
        print("Counting neighbours of words")
        progress = keras.utils.Progbar(documents.num_tokens, unit_name="token")
    for start in range(first, last, _PIECE):
        ids = documents.ids[start : min(start + _PIECE + window, last)].astype("int64")
        ids[ids < len(SPECIAL_TOKENS)] = vocab_size  # of no use as a neighbour
        for distance in range(1, window + 1):
            right = ids[distance : distance + _PIECE]
            left = ids[: len(right)]
            for word, context in ((left, right), (right, left)):
                pairs = (word < vocab_size) & (context < num_contexts)
                np.add.at(counts, word[pairs] * num_contexts + context[pairs],
                          np.float32(1 / distance))  # fmt: skip
        if progress is not None:
            progress.add(min(_PIECE, last - start))
    return counts.reshape(vocab_size, num_contexts)


def _mutual_information(counts: np.ndarray) -> np.ndarray:
    of_words = counts.sum(axis=1, keepdims=True)
    # To this power, rare neighbours do not look more telling than they are.
    of_contexts = counts.sum(axis=0) ** 0.75
    expected = of_contexts / max(of_contexts.sum(), 1e-30)
    with np.errstate(divide="ignore", invalid="ignore"):
        information = counts / of_words
        information /= expected
        np.log(information, out=information)
    information[~np.isfinite(information)] = 0
    return np.maximum(information, 0, out=information)


def _factorize(matrix: np.ndarray, size: int, random: np.random.Generator) -> np.ndarray:
    """The largest left singular vectors times the square roots of their values."""
    width = min(size + 40, *matrix.shape)
    basis = random.standard_normal((matrix.shape[1], width)).astype("float32")
    for _ in range(4):
        rows, _ = np.linalg.qr(matrix @ basis)
        basis, _ = np.linalg.qr(matrix.T @ rows)
    left, values, _ = np.linalg.svd(matrix @ basis, full_matrices=False)
    vectors = left[:, :size] * np.sqrt(values[:size])
    missing = random.uniform(-0.1, 0.1, (len(vectors), size - vectors.shape[1]))
    return np.concatenate([vectors, missing], axis=1)
