"""fastai's AWD-LSTM language models and text classifiers, to ours and back."""

import re

import numpy as np

from tfast.fastai.conversion import (
    DENSE,
    Entry,
    assign_entries,
    batch_norm_entries,
    read_entries,
)
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.language_model import LanguageModel

# Where the encoder's names begin.
_LANGUAGE_MODEL = "0."
_CLASSIFIER = "0.module."
# The two dense layers of a classifier's head.
_HIDDEN, _LAST = "1.layers.0.2.weight", "1.layers.1.2.weight"


def language_model_from_fastai(state_dict, **options):
    """A `LanguageModel` with the weights of fastai's `AWD_LSTM` language model.

    Vocabulary, widths and the number of layers are read from the tensors.

    Args:
        state_dict: mapping of names to arrays (see `load_weights`): fast.ai's `wt103-fwd`, or
            what `language_model_learner(...).save()` writes.
        **options: what weights do not tell, as for `LanguageModel`: `drop_mult`, `seed` ...

    Returns:
        The model, and the sorted list of the tensors that said nothing new.

    Raises:
        ValueError: tensors are missing, left over, misshapen or disagree; all are named.

    Example:
        >>> names = ["rnns.0.weight_hh_l0_raw", "rnns.0.module.weight_ih_l0"]
        >>> state = {f"0.{name}": np.ones((16, 4)) for name in names}
        >>> biases = ["bias_ih_l0", "bias_hh_l0"]
        >>> state |= {f"0.rnns.0.module.{name}": np.ones(16) for name in biases}
        >>> state |= {"0.encoder.weight": np.ones((9, 4)), "1.decoder.bias": np.ones(9)}
        >>> model, _ = language_model_from_fastai(state)
        >>> model.encoder.widths
        [4]

    Source: `fastai.text.models.awdlstm.AWD_LSTM`, `fastai.text.models.core.LinearDecoder`.
    """
    sizes = _encoder_sizes(state_dict, _LANGUAGE_MODEL)
    model = LanguageModel(**sizes, **options)
    return model, assign_entries(_language_model_entries(model), state_dict)


def language_model_to_fastai(model):
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
    return read_entries(_language_model_entries(model))


def text_classifier_from_fastai(state_dict, **options):
    """A `TextClassifier` with the weights of fastai's `AWD_LSTM` text classifier.

    Vocabulary, widths, the number of layers, the head and the classes are read from the tensors.

    Args:
        state_dict: mapping of names to arrays (see `load_weights`): what
            `text_classifier_learner(...).save()` writes.
        **options: what weights do not tell, as for `TextClassifier`: `drop_mult`, `window`,
            `max_length` ...

    Returns:
        The model, and the sorted list of the tensors that said nothing new.

    Raises:
        ValueError: tensors are missing, left over, misshapen or disagree; all are named.

    Example:
        >>> model = TextClassifier(9, 2, embed_size=4, hidden_size=6, num_layers=1)
        >>> copy, said_nothing = text_classifier_from_fastai(text_classifier_to_fastai(model))
        >>> len(copy.weights) == len(model.weights), said_nothing[0]
        (True, '0.module.encoder_dp.emb.weight')

    Source: `fastai.text.models.core.SentenceEncoder`, `PoolingLinearClassifier`.
    """
    sizes = _encoder_sizes(state_dict, _CLASSIFIER)
    for name, size in ((_HIDDEN, "head_size"), (_LAST, "num_classes")):
        if name not in state_dict:
            raise ValueError(f"missing {name}: not a text classifier of fastai")
        sizes[size] = np.shape(state_dict[name])[0]
    model = TextClassifier(**sizes, **options)
    return model, assign_entries(_classifier_entries(model), state_dict)


def text_classifier_to_fastai(model):
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
    return read_entries(_classifier_entries(model))


def _language_model_entries(model):
    tied = ("1.decoder.weight",)
    return [
        *_encoder_entries(model.encoder, _LANGUAGE_MODEL, tied),
        Entry(model.decoder.bias, ("1.decoder.bias",)),
    ]


def _classifier_entries(model):
    norm_1, _, dense_1, norm_2, _, dense_2 = model.head
    return [
        *_encoder_entries(model.encoder, _CLASSIFIER),
        *batch_norm_entries(norm_1, "1.layers.0.0"),
        Entry(dense_1.kernel, (_HIDDEN,), DENSE),
        *batch_norm_entries(norm_2, "1.layers.1.0"),
        Entry(dense_2.kernel, (_LAST,), DENSE),
    ]


def _encoder_entries(encoder, prefix, tied=()):
    """Entries of an `AWDLSTM` whose PyTorch names begin with `prefix`."""
    table = (f"{prefix}encoder_dp.emb.weight", *tied)
    entries = [Entry(encoder.embeddings, (f"{prefix}encoder.weight",), copies=table)]
    for number, lstm in enumerate(encoder.lstms):
        name, cell = f"{prefix}rnns.{number}", lstm.layer.cell
        biases = tuple(f"{name}.module.bias_{which}_l0" for which in ("ih", "hh"))
        entries += [
            Entry(
                cell.recurrent_kernel,
                (f"{name}.weight_hh_l0_raw",),
                DENSE,
                dropped_copies=(f"{name}.module.weight_hh_l0",),
            ),
            Entry(cell.kernel, (f"{name}.module.weight_ih_l0",), DENSE),
            Entry(cell.bias, biases),
        ]
    return entries


def _encoder_sizes(state_dict, prefix):
    """Sizes of an `AWDLSTM` from the shapes of its tensors."""
    table = f"{prefix}encoder.weight"
    first = f"{prefix}rnns.0.weight_hh_l0_raw"
    for name in (table, first):
        if name not in state_dict:
            raise ValueError(
                f"missing {name}: not the weights of fastai's AWD_LSTM; the names begin with "
                f"{', '.join(list(state_dict)[:3])}"
            )
    vocab_size, embed_size = np.shape(state_dict[table])
    pattern = re.compile(re.escape(prefix) + r"rnns\.(\d+)\.")
    numbers = {int(match[1]) for name in state_dict if (match := pattern.match(name))}
    return {
        "vocab_size": vocab_size,
        "embed_size": embed_size,
        "hidden_size": np.shape(state_dict[first])[1],
        "num_layers": max(numbers) + 1,
    }
