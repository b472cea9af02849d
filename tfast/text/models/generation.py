"""Text from a language model: sampling the next word, and the one after it."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from tfast import arguments
from tfast.text.tokenization.special_tokens import UNKNOWN_ID
from tfast.types import Tensor, TensorLike


def check_sampling(temperature: float, min_probability: float) -> None:
    """Checks the options of `sample_words`.

    Raises:
        ValueError: `temperature` is not above 0, or `min_probability` not in [0, 1).
    """
    arguments.positive_number("temperature", temperature)
    arguments.fraction("min_probability", min_probability)


def sample_words(
    logits: TensorLike, noise: TensorLike, *, temperature: float, min_probability: float
) -> Tensor:
    """Samples one word for each row; never the unknown one. Works in graphs too.

    Args:
        logits: `(batch, vocab)`, floating point.
        noise: of the same shape, uniformly random numbers in [0, 1).
        temperature: probabilities are raised to its inverse: below 1 the likely words become
            likelier still.
        min_probability: words less likely than this, before the temperature, are not taken, as
            long as one is likelier.

    Returns:
        Token ids, int32 `(batch,)`.

    Source: fastai 2.8.12 `LMLearner.predict`; the Gumbel-max trick.

    Examples:
        >>> import numpy as np
        >>> logits, noise = np.array([[9.0, 0.0, 5.0]]), np.array([[0.5, 0.5, 0.5]])
        >>> np.array(sample_words(logits, noise, temperature=0.01, min_probability=0.0))
        array([2], dtype=int32)
    """
    logits = ops.cast(logits, "float32")
    minus_infinity = float("-inf")
    logits = ops.where(ops.arange(logits.shape[-1]) == UNKNOWN_ID, minus_infinity, logits)
    # So that the division below cannot make the largest infinite.
    logits -= ops.max(logits, axis=-1, keepdims=True)
    is_likely = ops.softmax(logits) >= min_probability
    # A row without a likely word keeps them all.
    is_likely = ops.logical_or(is_likely, ~ops.any(is_likely, axis=-1, keepdims=True))
    logits = ops.where(is_likely, logits / temperature, minus_infinity)
    # Between the ends, where the logarithms are infinite.
    noise = ops.clip(ops.cast(noise, "float32"), 1e-30, 1 - 2**-24)
    gumbel = -ops.log(-ops.log(noise))
    return ops.cast(ops.argmax(logits + gumbel, axis=-1), "int32")


def continue_prompt(
    next_logits: Callable[[TensorLike, Any], tuple[Tensor, Any]],
    prompt_ids: TensorLike,
    num_words: int,
    *,
    temperature: float,
    min_probability: float,
    seed: int | None,
) -> np.ndarray:
    """Samples word after word; see `LanguageModel.generate`.

    Args:
        next_logits: `LanguageModel.next_logits`.
        prompt_ids: `(batch, time)`, integers.
        num_words: how many words to add.
        temperature: see `sample_words`.
        min_probability: see `sample_words`.
        seed: integer for a text that can be repeated, or None.

    Returns:
        The new token ids, int32 `(batch, num_words)`.

    Raises:
        ValueError: an argument is not as described.
    """
    token_ids = _check_prompt(prompt_ids)
    num_words = arguments.whole_number("num_words", num_words, minimum=0)
    check_sampling(temperature, min_probability)
    random = keras.random.SeedGenerator(seed)
    words, states = np.zeros((len(token_ids), 0), "int32"), None
    for _ in range(num_words):
        logits, states = next_logits(token_ids, states)
        noise = keras.random.uniform(ops.shape(logits), seed=random)
        sampled = sample_words(
            logits, noise, temperature=temperature, min_probability=min_probability
        )
        token_ids = ops.convert_to_numpy(sampled)[:, None]
        words = np.concatenate([words, token_ids], axis=1)
    return words


def _check_prompt(prompt_ids: TensorLike) -> np.ndarray:
    try:
        token_ids = np.asarray(prompt_ids)
    except ValueError:  # rows of different lengths
        token_ids = np.zeros(0)
    if token_ids.ndim != 2 or not token_ids.size or token_ids.dtype.kind not in "iu":
        raise ValueError(
            "prompt_ids must be integers (batch, time), at least one in each row and rows of the "
            f"same length, got {prompt_ids!r}"
        )
    return token_ids.astype("int32")
