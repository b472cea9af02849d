"""Word counts and logistic regression as a Keras model: TF-IDF from token ids to logits."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from tfast import arguments
from tfast.text.models.classifier import classifier_inputs
from tfast.text.tokenization.special_tokens import PADDING_ID, SPECIAL_TOKENS, UNKNOWN_ID
from tfast.types import PathLike, Tensor, TensorLike


@keras.saving.register_keras_serializable(package="tfast")
class TfidfClassifier(keras.Model):
    """The logits of a logistic regression on words and pairs of words, as scikit-learn has them.

    `tfast.text.tfidf.fit_tfidf` makes it. It takes what a `TextClassifier` takes, and returns
    logits `(batch, classes)`, float32, whose softmax are scikit-learn's probabilities: counts
    become `1 + log(count)`, are multiplied by the inverse document frequencies, divided by their
    Euclidean norm, and multiplied by the coefficients.

    Special tokens are no words: they are left out before pairs are made, but an unknown word
    parts its neighbours. A text without any word that is known has the intercept as its logits.

    Args:
        vocab_size: number of different token ids.
        num_classes: number of classes.
        num_pairs: how many pairs of words there is room for.

    Raises:
        ValueError: a size is too small.

    Source: scikit-learn 1.9.1 `TfidfTransformer(sublinear_tf=True)`, `LogisticRegression`.

    Examples:
        >>> model = TfidfClassifier(20, 2, 5)
        >>> logits = model({"token_ids": np.array([[2, 9, 10]]), "lengths": np.array([3])})
        >>> tuple(logits.shape)
        (1, 2)
    """

    def __init__(self, vocab_size: int, num_classes: int, num_pairs: int, **options: Any) -> None:
        super().__init__(**(options | {"dtype": "float32", "trainable": False}))
        self.settings = {
            "vocab_size": arguments.whole_number("vocab_size", vocab_size),
            "num_classes": arguments.whole_number("num_classes", num_classes, minimum=2),
            "num_pairs": arguments.whole_number("num_pairs", num_pairs, minimum=0),
        }
        pair_rows = max(num_pairs, 1)  # a table of no row cannot be read
        num_features = vocab_size + pair_rows

        def add(name: str, *shape: int, dtype: str = "float32") -> Any:
            return self.add_weight(
                shape=shape, initializer="zeros", dtype=dtype, trainable=False, name=name
            )

        # The pairs by their first word, then by their second: those of the word i are from
        # pair_starts[i] to pair_starts[i + 1].
        self.pair_starts = add("pair_starts", vocab_size + 1, dtype="int32")
        self.second_words = add("second_words", pair_rows, dtype="int32")
        # Of all words, then of the pairs; 0 where something is no feature.
        self.idf = add("idf", num_features)
        self.coefficients = add("coefficients", num_features, num_classes)
        self.intercept = add("intercept", num_classes)
        self.built = True

    @property
    def search_steps(self) -> int:
        """How often the pairs of a word are halved until one is found."""
        return min(self.settings["num_pairs"], self.settings["vocab_size"]).bit_length()

    def call(self, inputs: Mapping[str, TensorLike], training: bool = False) -> Tensor:
        """The logits."""
        words = self._words(inputs["token_ids"], inputs["lengths"])
        features = ops.sort(ops.concatenate([words, self._pairs(words)], axis=1), axis=1)
        weights = self._counts_to_weights(features) * ops.take(self.idf, features, axis=0)
        squares = ops.sum(weights * weights, axis=1, keepdims=True)
        weights = weights / ops.sqrt(ops.where(squares > 0, squares, 1.0))
        coefficients = ops.take(self.coefficients, features, axis=0)
        # Not `[..., None]`, which LiteRT has no operation for.
        return ops.sum(ops.expand_dims(weights, -1) * coefficients, axis=1) + self.intercept

    def _words(self, token_ids: Tensor, lengths: Tensor) -> Tensor:
        """The ids of words alone, `(batch, time)`: what is left over at the end is padding."""
        token_ids = ops.cast(token_ids, "int32")
        lengths = ops.cast(lengths, "int32")
        time = ops.shape(token_ids)[1]
        positions = ops.arange(time, dtype="int32")[None]
        is_word = (token_ids >= len(SPECIAL_TOKENS)) | (token_ids == UNKNOWN_ID)
        is_word = is_word & (positions < lengths[:, None])
        order = ops.argsort(ops.where(is_word, positions, positions + time), axis=1)
        return ops.take_along_axis(ops.where(is_word, token_ids, PADDING_ID), order, axis=1)

    def _pairs(self, words: Tensor) -> Tensor:
        """The feature of each word with the next one, `(batch, time)`; padding where it is none."""
        seconds = ops.pad(words[:, 1:], ((0, 0), (0, 1)), constant_values=PADDING_ID)
        begin = ops.take(self.pair_starts, words, axis=0)
        end = ops.take(self.pair_starts, words + 1, axis=0)
        last_pair = self.second_words.shape[0] - 1
        low, high = begin, end
        for _ in range(self.search_steps):
            middle = (low + high) // 2
            found = ops.take(self.second_words, ops.minimum(middle, last_pair), axis=0)
            is_before = (low < high) & (found < seconds)
            low, high = ops.where(is_before, middle + 1, low), ops.where(is_before, high, middle)
        found = ops.take(self.second_words, ops.minimum(low, last_pair), axis=0)
        is_known = (low < end) & (found == seconds)
        return ops.where(is_known, self.settings["vocab_size"] + low, PADDING_ID)

    def _counts_to_weights(self, features: Tensor) -> Tensor:
        """`1 + log(count)` where a feature comes first in its row, 0 where it is repeated.

        Args:
            features: sorted in each row, `(batch, features)`.
        """
        is_first = ops.concatenate(
            [ops.ones_like(features[:, :1], dtype="bool"), features[:, 1:] != features[:, :-1]],
            axis=1,
        )
        segments = ops.cumsum(ops.cast(ops.reshape(is_first, (-1,)), "int32")) - 1
        counts = ops.segment_sum(
            ops.ones_like(segments, dtype="float32"), segments, num_segments=ops.size(segments)
        )
        counts = ops.reshape(ops.take(counts, segments, axis=0), ops.shape(features))
        return ops.where(is_first, 1.0 + ops.log(counts), 0.0)

    def tables(self) -> dict[str, np.ndarray]:
        """All numbers by name, as arrays: what an exporter writes."""
        return {weight.name: ops.convert_to_numpy(weight) for weight in self.weights}

    def export(self, filepath: PathLike, *positional: Any, **options: Any) -> None:
        """See `TextClassifier.export`."""
        options.setdefault("input_signature", [classifier_inputs()])
        super().export(filepath, *positional, **options)

    def get_config(self) -> dict[str, Any]:
        """Every argument."""
        return {**super().get_config(), **self.settings}
