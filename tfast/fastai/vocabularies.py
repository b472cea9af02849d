"""A model's words in the order that our vocabularies keep: special tokens first."""

from tfast.text.special_tokens import SPECIAL_TOKENS
from tfast.text.ulmfit import transfer_rows

# Tensors with one row for each word: the table, its copies, the decoder's bias.
_ROWS = ("encoder.weight", "encoder_dp.emb.weight", "decoder.weight", "decoder.bias")


def with_special_tokens_first(state_dict, words):
    """Rows and words of a fastai text model, reordered for `tfast.text.vocabulary.Vocabulary`.

    fastai 2 puts the special tokens in our order; the vocabulary of fast.ai's `wt103-fwd` is
    older and has another. A special token that it does not have gets the mean row, as a word
    that is new to a language model does.

    Args:
        state_dict: mapping of names to arrays.
        words: list of str, distinct: a row's word.

    Returns:
        A new dict and a new list, for which the model computes what it did.

    Raises:
        ValueError: a tensor has another number of rows than there are words.

    Example:
        >>> import numpy as np
        >>> words = ["film", *reversed(SPECIAL_TOKENS)]
        >>> state = {"1.decoder.bias": np.arange(10.0)}
        >>> state, words = with_special_tokens_first(state, words)
        >>> words[:2], words[-1], state["1.decoder.bias"].tolist()[-1]
        (['xxunk', 'xxpad'], 'film', 0.0)
    """
    ours = [*SPECIAL_TOKENS, *(word for word in words if word not in SPECIAL_TOKENS)]
    reordered = dict(state_dict)
    for name, rows in state_dict.items():
        if name.endswith(_ROWS):
            if len(rows) != len(words):
                raise ValueError(f"words: {len(words)} of them, but {name} has {len(rows)} rows")
            reordered[name] = transfer_rows(rows, words, ours)
    return reordered, ours
