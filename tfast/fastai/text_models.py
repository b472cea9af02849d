"""fastai's AWD-LSTM language models and text classifiers, to ours and back."""

from typing import Any

import numpy as np

from tfast.fastai.conversion import (
    DENSE,
    Entry,
    StateDict,
    assign_entries,
    batch_norm_entries,
    check_amount,
    read_entries,
    shape_of,
)
from tfast.fastai.encoders import encoder_entries, encoder_sizes
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.language_model import LanguageModel

# Where the encoder's names begin.
_LANGUAGE_MODEL = "0."
_CLASSIFIER = "0.module."
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

    Examples:
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
    model = LanguageModel(**encoder_sizes(state_dict, _LANGUAGE_MODEL), **options)
    assign_entries(language_model_entries(model), state_dict)
    return model


def language_model_to_fastai(model: LanguageModel) -> dict[str, np.ndarray]:
    """The state dict that `language_model_learner(...).model.load_state_dict` takes.

    Args:
        model: a `LanguageModel`.

    Returns:
        dict of name to array in PyTorch's layout. Keras's one LSTM bias goes into `bias_ih_l0`,
        and `bias_hh_l0` is zero.

    Examples:
        >>> model = LanguageModel(9, embed_size=4, hidden_size=6, num_layers=1)
        >>> language_model_to_fastai(model)["1.decoder.weight"].shape
        (9, 4)
    """
    return read_entries(language_model_entries(model))


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

    Examples:
        >>> model = TextClassifier(9, 2, embed_size=4, hidden_size=6, num_layers=1)
        >>> copy = text_classifier_from_fastai(text_classifier_to_fastai(model))
        >>> len(copy.weights) == len(model.weights)
        True

    Source: `fastai.text.models.core.SentenceEncoder`, `PoolingLinearClassifier`.
    """
    sizes = encoder_sizes(state_dict, _CLASSIFIER)
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

    Examples:
        >>> model = TextClassifier(9, 2, embed_size=4, hidden_size=6, num_layers=1)
        >>> text_classifier_to_fastai(model)["1.layers.1.2.weight"].shape
        (2, 50)
    """
    return read_entries(text_classifier_entries(model))


def language_model_entries(model: LanguageModel) -> list[Entry]:
    """An `Entry` for each variable of a language model but the states it carries."""
    tied = ("1.decoder.weight",)
    return [
        *encoder_entries(model.encoder, _LANGUAGE_MODEL, tied),
        Entry(model.decoder.bias, ("1.decoder.bias",)),
    ]


def text_classifier_entries(model: TextClassifier) -> list[Entry]:
    """An `Entry` for each variable of a text classifier."""
    norm_1, _, dense_1, norm_2, _, dense_2 = model.head
    return [
        *encoder_entries(model.encoder, _CLASSIFIER),
        *batch_norm_entries(norm_1, "1.layers.0.0"),
        Entry(dense_1.kernel, (_HIDDEN,), DENSE),
        *batch_norm_entries(norm_2, "1.layers.1.0"),
        Entry(dense_2.kernel, (_LAST,), DENSE),
    ]
