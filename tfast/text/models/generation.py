"""Drawing the next word from a language model's logits."""

import numpy as np

from tfast.text.tokenization.special_tokens import UNKNOWN_ID


def draw_words(logits, random, temperature=1.0, min_probability=0.0):
    """Draws one word for each row; never the unknown one.

    Args:
        logits: NumPy array `(batch, vocab)`.
        random: `numpy.random.Generator`.
        temperature: probabilities are raised to its inverse: below 1 the likely words become
            likelier still.
        min_probability: words less likely than this, before the temperature, are not taken, as
            long as one is likelier.

    Returns:
        Token ids, int32 `(batch, 1)`.

    Raises:
        ValueError: `temperature` is not above 0, or `min_probability` not in [0, 1).

    Source: fastai `LMLearner.predict`.

    Example:
        >>> draw_words(np.array([[9.0, 0.0, 5.0]]), np.random.default_rng(0), temperature=0.01)
        array([[2]], dtype=int32)
    """
    if temperature <= 0 or not 0 <= min_probability < 1:
        raise ValueError(
            "temperature must be above 0 and min_probability in [0, 1), not "
            f"{temperature} and {min_probability}"
        )
    logits = logits.astype("float64")
    logits[:, UNKNOWN_ID] = -np.inf
    logits -= logits.max(axis=1, keepdims=True)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    likely = probabilities >= min_probability
    # A row without a likely word keeps them all.
    likely |= ~likely.any(axis=1, keepdims=True)
    up_to = np.cumsum(np.where(likely, np.exp(logits / temperature), 0.0), axis=1)
    places = random.random((len(up_to), 1)) * up_to[:, -1:]
    return (up_to <= places).sum(axis=1, keepdims=True).astype("int32")
