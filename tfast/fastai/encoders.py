"""fastai's AWD-LSTM encoders, alone or inside a model, to ours and back."""

import re
from typing import Any

import numpy as np

from tfast.fastai.conversion import (
    DENSE,
    Entry,
    Shape,
    StateDict,
    assign_entries,
    check_amount,
    check_tensors,
    read_entries,
    shape_of,
)
from tfast.text.models.awd_lstm import AWDLSTM

# The recurrent weights as they are before dropout.
_RECURRENT = "weight_hh_l0_raw"


def encoder_from_fastai(state_dict: StateDict, **options: Any) -> AWDLSTM:
    """The encoder alone, of a file that fastai's `learn.save_encoder` wrote.

    Args:
        state_dict: mapping of names to arrays (see `load_weights`).
        **options: what weights do not tell, as for `AWDLSTM`: `drop_mult`, `seed` ...

    Returns:
        The encoder. A `TextClassifier` of the same sizes takes its weights.

    Raises:
        ValueError: tensors are missing, left over, misshapen or disagree; all are named.

    Examples:
        >>> state = encoder_to_fastai(AWDLSTM(9, embed_size=4, hidden_size=6, num_layers=2))
        >>> encoder = encoder_from_fastai(state)
        >>> from tfast.text import TextClassifier
        >>> classifier = TextClassifier(9, 2, embed_size=4, hidden_size=6, num_layers=2)
        >>> classifier.encoder.set_weights(encoder.get_weights())

    Source: `fastai.text.learner.TextLearner.save_encoder`.
    """
    encoder = AWDLSTM(**encoder_sizes(state_dict, ""), **options)
    assign_entries(encoder_entries(encoder, ""), state_dict)
    return encoder


def encoder_to_fastai(encoder: AWDLSTM) -> dict[str, np.ndarray]:
    """The state dict that fastai's `learn.load_encoder` takes.

    Args:
        encoder: of a `LanguageModel` or `TextClassifier`.

    Returns:
        dict of name to array in PyTorch's layout; see `language_model_to_fastai`.

    Examples:
        >>> encoder = AWDLSTM(9, embed_size=4, hidden_size=6, num_layers=1)
        >>> encoder_to_fastai(encoder)["encoder.weight"].shape
        (9, 4)
    """
    return read_entries(encoder_entries(encoder, ""))


def encoder_entries(encoder: AWDLSTM, prefix: str, tied: tuple[str, ...] = ()) -> list[Entry]:
    """Entries of an `AWDLSTM` whose PyTorch names begin with `prefix`."""
    table = (f"{prefix}encoder_dp.emb.weight", *tied)
    entries = [Entry(encoder.embeddings, (f"{prefix}encoder.weight",), copies=table)]
    for number, lstm in enumerate(encoder.lstms):
        name, cell = f"{prefix}rnns.{number}", lstm.layer.cell
        biases = tuple(f"{name}.module.bias_{which}_l0" for which in ("ih", "hh"))
        entries += [
            Entry(
                cell.recurrent_kernel,
                (f"{name}.{_RECURRENT}",),
                DENSE,
                dropped_copies=(f"{name}.module.weight_hh_l0",),
            ),
            Entry(cell.kernel, (f"{name}.module.weight_ih_l0",), DENSE),
            Entry(cell.bias, biases),
        ]
    return entries


def encoder_sizes(state_dict: StateDict, prefix: str) -> dict[str, Any]:
    """Sizes of an `AWDLSTM` from the shapes of its tensors.

    Raises:
        ValueError: tensors are missing, misshapen, or of too few numbers for these sizes.
    """
    check_tensors(state_dict)
    table, first = f"{prefix}encoder.weight", f"{prefix}rnns.0.{_RECURRENT}"
    for name in (table, first):
        if name not in state_dict:
            raise ValueError(
                f"missing {name}: not the weights of fastai's AWD_LSTM; the names begin with "
                f"{', '.join(list(state_dict)[:3])}"
            )
    vocab_size, embed_size = shape_of(state_dict, table, 2)
    # Longer numbers are of no network.
    pattern = re.compile(re.escape(prefix) + r"rnns\.([0-9]{1,4})\.")
    numbers = {int(match[1]) for name in state_dict if (match := pattern.match(name))}
    sizes = {
        "vocab_size": vocab_size,
        "embed_size": embed_size,
        "hidden_size": shape_of(state_dict, first, 2)[1],
        "num_layers": max(numbers) + 1,
    }
    check_amount(_kernels(prefix, **sizes), state_dict)
    return sizes


def _kernels(
    prefix: str, *, vocab_size: int, embed_size: int, hidden_size: int, num_layers: int
) -> dict[str, Shape]:
    """Name and shape of each matrix of an encoder of these sizes."""
    kernels: dict[str, Shape] = {f"{prefix}encoder.weight": (vocab_size, embed_size)}
    inputs = embed_size
    for number in range(num_layers):
        width = hidden_size if number < num_layers - 1 else embed_size
        kernels[f"{prefix}rnns.{number}.{_RECURRENT}"] = (4 * width, width)
        kernels[f"{prefix}rnns.{number}.module.weight_ih_l0"] = (4 * width, inputs)
        inputs = width
    return kernels
