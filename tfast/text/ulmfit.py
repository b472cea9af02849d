"""ULMFiT: general language model, the same on the target texts, classifier.

Each of the three is a model of its own, trained by `model.fit`; this module carries what was
learned from one to the next, and says how each is trained.

    general = LanguageModel(len(general_words))     # fitted on general text
    target = transfer_vocabulary(general, general_words, words)
    target.compile(ulmfit_optimizer())
    groups = language_model.layer_groups(target)
    GradualUnfreezing(groups, language_model_stages()).fit(target, batches)
    model = TextClassifier(len(words), num_classes)
    transfer_encoder(target, model)
    optimizer = ulmfit_optimizer(clip_norm=None)
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True))
    groups = classifier.layer_groups(model)
    GradualUnfreezing(groups, classifier_stages(len(groups))).fit(model, documents)

Source: Howard and Ruder 2018, Universal Language Model Fine-tuning for Text Classification.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tfast.text.models.classifier import TextClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.special_tokens import UNKNOWN
from tfast.training.optimizers.fused_adam import FusedAdam
from tfast.training.unfreezing import Stage

# Each group learns this many times more slowly than the next one (section 3.2 of the paper).
SLOWER_BY = 2.6


def transfer_rows(
    rows: np.ndarray, old_words: Sequence[str], new_words: Sequence[str], *, like: str | None = None
) -> np.ndarray:
    """Rows of a table moved to another vocabulary; words that are new get the mean row.

    Args:
        rows: NumPy array `(len(old_words), ...)`.
        old_words: list of str, distinct.
        new_words: list of str.
        like: words that are new get the row of this one instead, if it is among the old words.

    Returns:
        An array `(len(new_words), ...)` of the same dtype.

    Raises:
        ValueError: `rows` and `old_words` do not have the same length.

    Source: fastai 2.8.12 `match_embeds`.

    Examples:
        >>> transfer_rows(np.array([[1.0], [3.0]]), ["a", "b"], ["b", "new"]).tolist()
        [[3.0], [2.0]]
    """
    if len(rows) != len(old_words):
        raise ValueError(
            f"old_words must have a word for each of the {len(rows)} rows, got {len(old_words)}"
        )
    index_of = {word: index for index, word in enumerate(old_words)}
    with_mean = np.concatenate([rows, rows.mean(axis=0, keepdims=True)])
    index_of_new = len(rows) if like is None else index_of.get(like, len(rows))
    return with_mean[[index_of.get(word, index_of_new) for word in new_words]]


def transfer_vocabulary(
    model: LanguageModel, old_words: Sequence[str], new_words: Sequence[str], **settings: Any
) -> LanguageModel:
    """A language model for another vocabulary that knows what `model` has learned.

    A word that is new is read as `xxunk` was: what the model has learned to make of unknown words
    holds for it. Where it is predicted, it has the vector of `xxunk` too, and the mean bias.

    Args:
        model: a `LanguageModel`, left as it is.
        old_words: its vocabulary, list of str.
        new_words: the vocabulary of the new model, list of str.
        **settings: arguments of `LanguageModel` that differ from those of `model`, for
            instance `drop_mult`; not the sizes.

    Returns:
        A new, uncompiled `LanguageModel`, its carried states zero.

    Raises:
        ValueError: `old_words` is not of the size of the model's vocabulary, or a setting
            changes the shape of a layer.

    Source: fastai 2.8.12 `match_embeds`.
    Differs: there new words get the mean vector, which no model has ever read. With `tfast/english`
        perplexities before training were higher for it (59.2 of film reviews in place of 58.2), and
        regressions on outputs for 100 and 500 of them 1 to 3 points worse (two draws each).
    """
    config = model.get_config() | settings | {"vocab_size": len(new_words)}
    moved = LanguageModel.from_config(config)
    for old, new in ((model.encoder, moved.encoder), (model.decoder, moved.decoder)):
        for source, target in zip(old.weights, new.weights, strict=True):
            rows = keras.ops.convert_to_numpy(source)
            if source is model.encoder.embeddings:
                rows = transfer_rows(rows, old_words, new_words, like=UNKNOWN)
            elif source is model.decoder.bias:
                rows = transfer_rows(rows, old_words, new_words)
            target.assign(rows)
    return moved


def transfer_encoder(language_model: LanguageModel, classifier: TextClassifier) -> None:
    """Copies the encoder's weights of a language model into a classifier.

    Args:
        language_model: a `LanguageModel` over the same vocabulary.
        classifier: a `TextClassifier` of the same sizes.

    Raises:
        ValueError: the encoders do not have the same sizes.
    """
    sizes = ("vocab_size", "embed_size", "hidden_size", "num_layers")
    ours, theirs = language_model.encoder.settings, classifier.encoder.settings
    different = [f"{name} {ours[name]} and {theirs[name]}" for name in sizes
                 if ours[name] != theirs[name]]  # fmt: skip
    if different:
        raise ValueError(
            f"language_model and classifier must be of the same sizes, got {', '.join(different)}"
        )
    classifier.encoder.set_weights(language_model.encoder.get_weights())


def ulmfit_optimizer(
    learning_rate: Any = 1e-3,
    *,
    weight_decay: float | None = 0.01,
    clip_norm: float | None = 0.25,
) -> FusedAdam:
    """Adam as fastai sets it, with the gradient clipping of AWD-LSTM.

    Args:
        learning_rate: a float or a schedule; `GradualUnfreezing.fit` replaces it by its own.
        weight_decay: decoupled, times the learning rate; None for none.
        clip_norm: all gradients together are scaled down to this norm; None for no clipping,
            as fastai trains classifiers.

    Returns:
        A `FusedAdam`.

    Source: fastai 2.8.12 `Adam` (sqr_mom 0.99, eps 1e-5, wd 0.01); Merity et al. 2017 (0.25).
    Differs: fastai clips only where asked, and does not decay biases and norms.

    Examples:
        >>> ulmfit_optimizer().global_clipnorm
        0.25
    """
    return FusedAdam(
        learning_rate,
        beta_1=0.9,
        beta_2=0.99,
        epsilon=1e-5,
        weight_decay=weight_decay,
        global_clipnorm=clip_norm,
    )


def language_model_stages(
    *, peaks: Sequence[float] = (2e-2, 2e-3), epochs: Sequence[int] = (1, 10)
) -> list[Stage]:
    """Fine-tuning of a language model: embedding and decoder first, then all layers.

    Args:
        peaks: the highest learning rate of each of the two stages.
        epochs: of each of the two stages.

    Returns:
        List of two `Stage`, for `tfast.training.unfreezing.GradualUnfreezing`.

    Source: fastai's IMDb tutorial. The groups of a language model learn at one rate.

    Examples:
        >>> [stage.freeze_to for stage in language_model_stages()]
        [-1, 0]
    """
    first, second = zip(peaks, epochs, strict=True)
    return [Stage(-1, *first), Stage(0, *second)]


def classifier_stages(
    num_groups: int,
    *,
    peaks: Sequence[float] = (2e-2, 1e-2, 5e-3, 1e-3),
    epochs: Sequence[int] = (1, 1, 1, 2),
    slower_by: float = SLOWER_BY,
) -> list[Stage]:
    """Gradual unfreezing of a classifier: the head, then one group more a stage, then all.

    Each group learns 2.6 times more slowly than the next, which keeps what a language model has
    learned from far more text than this. Equal rates (`slower_by=1`) may be better: they are for a
    model that has not, and for `tfast/english`, see
    `tfast.recipes.ulmfit_choices.after_pretraining`.

    Args:
        num_groups: how many layer groups the model has.
        peaks: the highest learning rate of each stage: that of the head.
        epochs: of each stage.
        slower_by: how many times more slowly a group learns than the next.

    Returns:
        List of `Stage`, one for each of `peaks`; the last one trains everything.

    Raises:
        ValueError: more stages than groups, or not as many `epochs` as `peaks`.

    Source: fastai's IMDb tutorial, `slice(rate / 2.6**4, rate)`.

    Examples:
        >>> [(stage.freeze_to, stage.epochs) for stage in classifier_stages(5)]
        [(-1, 1), (-2, 1), (-3, 1), (0, 2)]
    """
    if len(peaks) != len(epochs) or not 1 <= len(peaks) <= num_groups:
        raise ValueError(
            f"peaks and epochs must have the same length, from 1 to num_groups={num_groups}, "
            f"got {len(peaks)} and {len(epochs)}"
        )
    multipliers = tuple(slower_by ** (group + 1 - num_groups) for group in range(num_groups))
    levels = [*range(-1, -len(peaks), -1), 0]
    return [
        Stage(level, peak, epochs=count, multipliers=multipliers)
        for level, peak, count in zip(levels, peaks, epochs, strict=True)
    ]
