"""The text path as calls: token ids -> language model -> classifier."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfast.recipes.baselines import Baseline, find_baseline
from tfast.recipes.results import write_model
from tfast.recipes.ulmfit_classifier import FittedClassifier, train_classifier, vote
from tfast.recipes.ulmfit_preparation import (
    PreparedTexts,
    make_lm_batches,
    target_documents,
)
from tfast.recipes.ulmfit_recipe import UlmfitRecipe
from tfast.recipes.ulmfit_stage import StageFiles, fit_stage
from tfast.text.models import language_model
from tfast.text.models.language_model import LanguageModel
from tfast.text.stored_documents import StoredDocuments
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS, UNKNOWN_ID
from tfast.text.ulmfit import language_model_stages, transfer_vocabulary
from tfast.text.vocabulary import Vocabulary
from tfast.text.word_vectors import start_from_counts
from tfast.training.precision import POLICIES, float32_copy
from tfast.training.unfreezing import Stage


@dataclasses.dataclass(frozen=True)
class TrainedTexts:
    """What training gives.

    Attributes:
        model: the classifier; of two directions both in one.
        seconds: how long each model was fitted, by its name.
        baseline: TF-IDF, or None where it could not be fitted.
        left_out: see `FittedClassifier`.
    """

    model: keras.Model
    seconds: dict[str, float]
    baseline: Baseline | None = None
    left_out: np.ndarray | None = None


def train(prepared: PreparedTexts) -> TrainedTexts:
    """Fits TF-IDF, then trains a language model and a classifier in each direction."""
    baseline = find_baseline(prepared)
    classifiers: list[FittedClassifier] = []
    seconds: dict[str, float] = {}
    for reverse in (False, True) if prepared.recipe.backward else (False,):
        target = train_language_model(prepared, reverse, seconds)
        classifiers.append(train_classifier(prepared, reverse, target, seconds))
    both = classifiers[0] if len(classifiers) == 1 else vote(*classifiers)
    return TrainedTexts(both.model, seconds, baseline, both.left_out)


def train_language_model(
    prepared: PreparedTexts, reverse: bool, seconds: dict[str, float]
) -> LanguageModel:
    """The language model of the target texts, from general text or a file where there is one."""
    recipe = prepared.recipe
    keras.utils.set_random_seed(recipe.seed)  # so that each model's start is its own
    general = find_general_model(prepared, reverse, seconds)
    if general is None or prepared.general_vocabulary is None:
        model = make_language_model(
            recipe, prepared.vocabulary, target_documents(recipe, prepared.documents)
        )
    else:
        model = transfer_vocabulary(
            general,
            prepared.general_vocabulary.words,
            prepared.vocabulary.words,
            drop_mult=recipe.lm_drop_mult,
            **_lm_options(recipe),
        )
    files = StageFiles.of(prepared.output, "language_model", reverse)
    if not recipe.lm_epochs:
        write_model(files.model, float32_copy(model, num_candidates=None))
        return model
    rate, stages = recipe.lm_learning_rate, [Stage(0, recipe.lm_learning_rate, recipe.lm_epochs)]
    if general is not None:
        # A quarter of the default rate, 5e-3, is near the 2e-3 of fastai's tutorial.
        stages = language_model_stages(peaks=(rate, rate / 4), epochs=(1, recipe.lm_epochs))
    documents = target_documents(recipe, prepared.documents), prepared.documents["valid"]
    model, seconds[files.name] = fit_language_model(
        prepared, files, model, stages, prepared.vocabulary, *documents, reverse=reverse
    )
    return model


def find_general_model(
    prepared: PreparedTexts, reverse: bool, seconds: dict[str, float]
) -> LanguageModel | None:
    """The language model to start from: read, trained on general text, or None."""
    if prepared.pretrained:
        return prepared.pretrained[reverse]
    if prepared.general_vocabulary is None:
        return None
    recipe = prepared.recipe
    files = StageFiles.of(prepared.output, "general/language_model", reverse)
    model, seconds[files.name] = fit_language_model(
        prepared,
        files,
        make_language_model(recipe, prepared.general_vocabulary, prepared.documents["general"]),
        [Stage(0, recipe.lm_learning_rate, recipe.general_epochs)],
        prepared.general_vocabulary,
        prepared.documents["general"],
        prepared.documents["general valid"],
        reverse=reverse,
    )
    return model


def make_language_model(
    recipe: UlmfitRecipe, vocabulary: Vocabulary, documents: tf.RaggedTensor
) -> LanguageModel:
    """A language model that has read nothing; it knows what counting the documents tells.

    Words that come once are for TF-IDF. The language model reads them as `xxunk`, and so learns
    what unknown words are like, which new texts are full of.
    """
    vocabulary = Vocabulary(vocabulary.words[: num_frequent(documents)])
    documents = without_rare(documents, len(vocabulary))
    model = LanguageModel(
        len(vocabulary),
        embed_size=recipe.embedding_size,
        hidden_size=recipe.hidden_size,
        num_layers=recipe.layers,
        drop_mult=recipe.lm_drop_mult,
        **_lm_options(recipe),
    )
    if recipe.word_vectors:
        ids, starts = documents.flat_values.numpy(), documents.row_splits.numpy()
        stored = StoredDocuments(vocabulary, ids, starts)
        start_from_counts(model, stored, seed=recipe.seed, show_progress=True)
    return model


def num_frequent(documents: tf.RaggedTensor) -> int:
    """How many words of a vocabulary come twice or more; they are its first ones.

    Returns:
        The next multiple of 8, as vocabularies have it.

    Examples:
        >>> num_frequent(tf.ragged.constant([[2, 9, 10], [2, 9, 11, 12], [2, 10]], dtype="int32"))
        16
    """
    counts = np.bincount(documents.flat_values.numpy())
    last = np.flatnonzero(counts > 1).max(initial=len(SPECIAL_TOKENS) - 1)
    return int(last) // 8 * 8 + 8


def without_rare(documents: tf.RaggedTensor, num_words: int) -> tf.RaggedTensor:
    """Documents by the first words of their vocabulary: others are unknown.

    Examples:
        >>> without_rare(tf.ragged.constant([[2, 9, 10], [2, 11]], dtype="int32"), 11).to_list()
        [[2, 9, 10], [2, 0]]
    """
    ids = documents.flat_values
    return documents.with_flat_values(tf.where(ids < num_words, ids, UNKNOWN_ID))


def with_all_words(
    recipe: UlmfitRecipe, model: LanguageModel, vocabulary: Vocabulary
) -> LanguageModel:
    """The same for all words of a vocabulary that begins with those it knows.

    It reads the others as `xxunk`, and takes all of them together for as likely as that.
    """
    num_known = model.encoder.settings["vocab_size"]
    if num_known == len(vocabulary):
        return model
    words = vocabulary.words
    moved = transfer_vocabulary(model, words[:num_known], words, **_lm_options(recipe))
    bias = np.array(moved.decoder.bias)
    bias[num_known:] = bias[UNKNOWN_ID] - np.log(len(vocabulary) - num_known)
    moved.decoder.bias.assign(bias)
    return moved


def fit_language_model(
    prepared: PreparedTexts,
    files: StageFiles,
    model: LanguageModel,
    stages: Sequence[Stage],
    vocabulary: Vocabulary,
    documents: tf.RaggedTensor,
    valid_documents: tf.RaggedTensor,
    *,
    reverse: bool,
) -> tuple[LanguageModel, float]:
    """Fits a language model on windows of the joined documents; it knows all words in the end."""
    num_known = model.encoder.settings["vocab_size"]
    documents = without_rare(documents, num_known)

    def make_batches(first_step: int | None) -> tf.data.Dataset:
        return make_lm_batches(
            prepared.recipe, documents, training=True, first_step=first_step, reverse=reverse
        )

    model, seconds = fit_stage(
        files,
        model,
        settings=prepared.settings,
        groups=language_model.layer_groups(model),
        stages=stages,
        make_batches=make_batches,
        validation=make_lm_batches(
            prepared.recipe,
            without_rare(valid_documents, num_known),
            training=False,
            reverse=reverse,
        ),
        clip_norm=0.25,
        save_every=prepared.recipe.save_every,
    )
    model = with_all_words(prepared.recipe, model, vocabulary)
    write_model(files.model, float32_copy(model, num_candidates=None))
    return model, seconds


def _lm_options(recipe: UlmfitRecipe) -> dict[str, Any]:
    return {
        "max_batch_size": recipe.lm_batch_size,
        "num_candidates": recipe.lm_candidates or None,
        "dtype": POLICIES[recipe.precision],
    }
