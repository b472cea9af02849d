"""fastai's AWD-LSTM language models, encoders and text classifiers, to ours and back."""

import re
from typing import Any

import numpy as np

from tfast.fastai.conversion import (
    DENSE,
    Entry,
    Shape,
    StateDict,
    assign_entries,
    batch_norm_entries,
    check_amount,
    check_tensors,
    read_entries,
    shape_of,
)
from tfast.text.models.awd_lstm import AWDLSTM
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.language_model import LanguageModel

# Where the encoder's names begin.
_LANGUAGE_MODEL = "0."
_CLASSIFIER = "0.module."
_ENCODER = ""
# The recurrent weights as they are before dropout.
_RECURRENT = "weight_hh_l0_raw"
# The two dense layers of a classifier's head.
_HIDDEN, _LAST = "1.layers.0.2.weight", "1.layers.1.2.weight"


def language_model_from_fastai(state_dict: StateDict, **options: Any) -> LanguageModel:
    """A `LanguageModel` with the weights of fastai's `AWD_LSTM` language model.

    Vocabulary, widths and the number of layers are read from the tensors.

    Args:
        state_dict: mapping of names to arrays (see `load_weights`): fast.ai's `wt103-fwd`, or
            what `language_model_learner(...).save()` writes.
        **options: what weights do not tell, as for `LanguageModel`: `drop_mult`, `seed` ...

    Returns:
        The model.

    Raises:
        ValueError: tensors are missing, left over, misshapen or disagree; all are named.

    Example:
        >>> names = ["rnns.0.weight_hh_l0_raw", "rnns.0.module.weight_ih_l0"]
        >>> state = {f"0.{name}": np.ones((16, 4)) for name in names}
        >>> biases = ["bias_ih_l0", "bias_hh_l0"]
        >>> state |= {f"0.rnns.0.module.{name}": np.ones(16) for name in biases}
        >>> state |= {"0.encoder.weight": np.ones((9, 4)), "1.decoder.bias": np.ones(9)}
        >>> model = language_model_from_fastai(state)
        >>> model.encoder.widths
        [4]

    Source: `fastai.text.models.awdlstm.AWD_LSTM`, `fastai.text.models.core.LinearDecoder`.
    """
    model = LanguageModel(**_encoder_sizes(state_dict, _LANGUAGE_MODEL), **options)
    assign_entries(language_model_entries(model), state_dict)
    return model


def language_model_to_fastai(model: LanguageModel) -> dict[str, np.ndarray]:
    """The state dict that `language_model_learner(...).model.load_state_dict` takes.

    Args:
        model: a `LanguageModel`.

    Returns:
        dict of name to array in PyTorch's layout. Keras's one LSTM bias goes into `bias_ih_l0`,
        and `bias_hh_l0` is zero.

    Example:
        >>> model = LanguageModel(9, embed_size=4, hidden_size=6, num_layers=1)
        >>> language_model_to_fastai(model)["1.decoder.weight"].shape
        (9, 4)
    """
    return read_entries(language_model_entries(model))


def encoder_from_fastai(state_dict: StateDict, **options: Any) -> AWDLSTM:
    """The encoder alone, of a file that fastai's `learn.save_encoder` wrote.

    Args:
        state_dict: mapping of names to arrays (see `load_weights`).
        **options: what weights do not tell, as for `AWDLSTM`: `drop_mult`, `seed` ...

    Returns:
        The encoder. A `TextClassifier` of the same sizes takes its weights.

    Raises:
        ValueError: tensors are missing, left over, misshapen or disagree; all are named.

    Example:
        >>> state = encoder_to_fastai(AWDLSTM(9, embed_size=4, hidden_size=6, num_layers=2))
        >>> encoder = encoder_from_fastai(state)
        >>> classifier = TextClassifier(9, 2, embed_size=4, hidden_size=6, num_layers=2)
        >>> classifier.encoder.set_weights(encoder.get_weights())

    Source: `fastai.text.learner.RNNLearner.save_encoder`.
    """
    encoder = AWDLSTM(**_encoder_sizes(state_dict, _ENCODER), **options)
    assign_entries(_encoder_entries(encoder, _ENCODER), state_dict)
    return encoder


def encoder_to_fastai(encoder: AWDLSTM) -> dict[str, np.ndarray]:
    """The state dict that fastai's `learn.load_encoder` takes.

    Args:
        encoder: of a `LanguageModel` or `TextClassifier`.

    Returns:
        dict of name to array in PyTorch's layout; see `language_model_to_fastai`.

    Example:
        >>> encoder = AWDLSTM(9, embed_size=4, hidden_size=6, num_layers=1)
        >>> encoder_to_fastai(encoder)["encoder.weight"].shape
        (9, 4)
    """
    return read_entries(_encoder_entries(encoder, _ENCODER))


def text_classifier_from_fastai(state_dict: StateDict, **options: Any) -> TextClassifier:
    """A `TextClassifier` with the weights of fastai's `AWD_LSTM` text classifier.

    Vocabulary, widths, the number of layers, the head and the classes are read from the tensors.

    Args:
        state_dict: mapping of names to arrays (see `load_weights`): what
            `text_classifier_learner(...).save()` writes.
        **options: what weights do not tell, as for `TextClassifier`: `drop_mult`, `window`,
            `max_length` ...

    Returns:
        The model. Whether a text has one of the classes or several the weights do not tell.

    Raises:
        ValueError: tensors are missing, left over, misshapen or disagree; all are named.

    Example:
        >>> model = TextClassifier(9, 2, embed_size=4, hidden_size=6, num_layers=1)
        >>> copy = text_classifier_from_fastai(text_classifier_to_fastai(model))
        >>> len(copy.weights) == len(model.weights)
        True

    Source: `fastai.text.models.core.SentenceEncoder`, `PoolingLinearClassifier`.
    """
    sizes = _encoder_sizes(state_dict, _CLASSIFIER)
    for name, size in ((_HIDDEN, "head_size"), (_LAST, "num_classes")):
        if name not in state_dict:
            raise ValueError(f"missing {name}: not a text classifier of fastai")
        sizes[size] = shape_of(state_dict, name, 2)[0]
    head, features = sizes["head_size"], 3 * sizes["embed_size"]
    check_amount(
        {_HIDDEN: (head, features), _LAST: (sizes["num_classes"], head)},
        state_dict,
    )
    if sizes["num_classes"] < 2:
        raise ValueError(
            f"{_LAST} must have a row for each of two classes or more, got one: a regression "
            "model, or one of a single yes-or-no label, which TextClassifier does not cover"
        )
    model = TextClassifier(**sizes, **options)
    assign_entries(text_classifier_entries(model), state_dict)
    return model


def text_classifier_to_fastai(model: TextClassifier) -> dict[str, np.ndarray]:
    """The state dict that `text_classifier_learner(...).model.load_state_dict` takes.

    Args:
        model: a `TextClassifier`.

    Returns:
        dict of name to array in PyTorch's layout; see `language_model_to_fastai`.

    Example:
        >>> model = TextClassifier(9, 2, embed_size=4, hidden_size=6, num_layers=1)
        >>> text_classifier_to_fastai(model)["1.layers.1.2.weight"].shape
        (2, 50)
    """
    return read_entries(text_classifier_entries(model))


def language_model_entries(model: LanguageModel) -> list[Entry]:
    """An `Entry` for each variable of a language model but the states it carries."""
    tied = ("1.decoder.weight",)
    return [
        *_encoder_entries(model.encoder, _LANGUAGE_MODEL, tied),
        Entry(model.decoder.bias, ("1.decoder.bias",)),
    ]


def text_classifier_entries(model: TextClassifier) -> list[Entry]:
    """An `Entry` for each variable of a text classifier."""
    norm_1, _, dense_1, norm_2, _, dense_2 = model.head
    return [
        *_encoder_entries(model.encoder, _CLASSIFIER),
        *batch_norm_entries(norm_1, "1.layers.0.0"),
        Entry(dense_1.kernel, (_HIDDEN,), DENSE),
        *batch_norm_entries(norm_2, "1.layers.1.0"),
        Entry(dense_2.kernel, (_LAST,), DENSE),
    ]


def _encoder_entries(encoder: AWDLSTM, prefix: str, tied: tuple[str, ...] = ()) -> list[Entry]:
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


def _encoder_sizes(state_dict: StateDict, prefix: str) -> dict[str, int]:
    """Sizes of an `AWDLSTM` from the shapes of its tensors."""
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
