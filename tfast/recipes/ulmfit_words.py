"""Which words a language model of a ULMFiT run knows while it learns."""

import dataclasses
from typing import Any, Self

import numpy as np
import tensorflow as tf

from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.special_tokens import UNKNOWN_ID
from tfast.text.ulmfit import transfer_vocabulary
from tfast.text.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class KnownWords:
    """The words of a run less the new ones that its language model reads at most once.

    A vocabulary holds these for TF-IDF. The language model reads them as `xxunk`, and so learns
    what unknown words are like, which new texts are full of.

    Attributes:
        vocabulary: all words of the run.
        known: those that the model knows while it learns.
    """

    vocabulary: Vocabulary
    known: Vocabulary

    @classmethod
    def of(
        cls, vocabulary: Vocabulary, documents: tf.RaggedTensor, before: Vocabulary | None = None
    ) -> Self:
        """Those that the documents have twice, and those that a model has known before.

        Args:
            vocabulary: all words of the run.
            documents: int32 ragged token ids `(documents, None)`, what the model is to read.
            before: the words of a pretrained model, or None.

        Examples:
            >>> vocabulary = Vocabulary.from_counts({b"a": 3, b"b": 2, b"c": 1}, min_frequency=1)
            >>> documents = tf.ragged.constant([[2, 9, 11], [2, 9]], dtype="int32")
            >>> words = KnownWords.of(vocabulary, documents)
            >>> "a" in words.known.words, "b" in words.known.words, "c" in words.known.words
            (True, False, False)
            >>> words.read(documents).to_list()
            [[2, 9, 0], [2, 9]]
        """
        if vocabulary == before:
            return cls(vocabulary, vocabulary)
        counts = np.bincount(documents.flat_values.numpy(), minlength=len(vocabulary))
        words = map(str.encode, vocabulary.words)
        count_of = dict(zip(words, counts.tolist(), strict=True))
        if before is None:
            return cls(vocabulary, Vocabulary.from_counts(count_of, max_size=len(vocabulary)))
        return cls(vocabulary, before.extended(count_of, max_new=len(vocabulary)))

    def read(self, documents: tf.RaggedTensor) -> tf.RaggedTensor:
        """Documents of `vocabulary` by `known`."""
        if self.known == self.vocabulary:
            return documents
        known_ids = {word: number for number, word in enumerate(self.known.words)}
        ids = [known_ids.get(word, UNKNOWN_ID) for word in self.vocabulary.words]
        return documents.with_flat_values(tf.gather(np.array(ids, "int32"), documents.flat_values))

    def complete(self, model: LanguageModel, **options: Any) -> LanguageModel:
        """A model of `known` as one of `vocabulary`.

        It reads the other words as `xxunk`, and takes each for as unlikely as any word.

        Args:
            model: the model.
            **options: see `transfer_vocabulary`.
        """
        if self.known == self.vocabulary:
            return model
        known, words = self.known.words, self.vocabulary.words
        moved = transfer_vocabulary(model, known, words, **options)
        bias = np.array(moved.decoder.bias)
        is_known = np.isin(words, known)
        bias[~is_known] = bias[is_known].min()
        moved.decoder.bias.assign(bias)
        return moved
