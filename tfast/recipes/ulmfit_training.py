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
from tfast.recipes.ulmfit_words import KnownWords
from tfast.text.models import language_model
from tfast.text.models.language_model import LanguageModel
from tfast.text.stored_documents import StoredDocuments
from tfast.text.ulmfit import language_model_stages, transfer_vocabulary
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
    files = StageFiles.of(prepared.output, "language_model", reverse)
    before = None if general is None else prepared.general_vocabulary
    documents = target_documents(recipe, prepared.documents)
    if recipe.lm_epochs:
        words = KnownWords.of(prepared.vocabulary, documents, before)
    else:
        words = KnownWords(prepared.vocabulary, prepared.vocabulary)
    if general is None or before is None:
        model = make_language_model(recipe, words, documents)
    else:
        model = transfer_vocabulary(
            general,
            before.words,
            words.known.words,
            drop_mult=recipe.lm_drop_mult,
            **_lm_options(recipe),
        )
    if not recipe.lm_epochs:
        write_model(files.model, float32_copy(model, num_candidates=None))
        return model
    rate, stages = recipe.lm_learning_rate, [Stage(0, recipe.lm_learning_rate, recipe.lm_epochs)]
    if general is not None:
        # A quarter of the default rate, 5e-3, is near the 2e-3 of fastai's tutorial.
        stages = language_model_stages(peaks=(rate, rate / 4), epochs=(1, recipe.lm_epochs))
    model, seconds[files.name] = fit_language_model(
        prepared,
        files,
        model,
        stages,
        words,
        documents,
        prepared.documents["valid"],
        reverse=reverse,
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
    words = KnownWords.of(prepared.general_vocabulary, prepared.documents["general"])
    model, seconds[files.name] = fit_language_model(
        prepared,
        files,
        make_language_model(recipe, words, prepared.documents["general"]),
        [Stage(0, recipe.lm_learning_rate, recipe.general_epochs)],
        words,
        prepared.documents["general"],
        prepared.documents["general valid"],
        reverse=reverse,
    )
    return model


def make_language_model(
    recipe: UlmfitRecipe, words: KnownWords, documents: tf.RaggedTensor
) -> LanguageModel:
    """A language model that has read nothing; it knows what counting the documents tells."""
    model = LanguageModel(
        len(words.known),
        embed_size=recipe.embedding_size,
        hidden_size=recipe.hidden_size,
        num_layers=recipe.layers,
        drop_mult=recipe.lm_drop_mult,
        **_lm_options(recipe),
    )
    if recipe.word_vectors:
        read = words.read(documents)
        ids, starts = read.flat_values.numpy(), read.row_splits.numpy()
        stored = StoredDocuments(words.known, ids, starts)
        start_from_counts(model, stored, seed=recipe.seed, show_progress=True)
    return model


def fit_language_model(
    prepared: PreparedTexts,
    files: StageFiles,
    model: LanguageModel,
    stages: Sequence[Stage],
    words: KnownWords,
    documents: tf.RaggedTensor,
    valid_documents: tf.RaggedTensor,
    *,
    reverse: bool,
) -> tuple[LanguageModel, float]:
    """Fits a language model on windows of the joined documents; it has all words in the end."""
    read = words.read(documents)

    def make_batches(first_step: int | None) -> tf.data.Dataset:
        return make_lm_batches(
            prepared.recipe, read, training=True, first_step=first_step, reverse=reverse
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
            words.read(valid_documents),
            training=False,
            reverse=reverse,
        ),
        clip_norm=0.25,
        save_every=prepared.recipe.save_every,
    )
    model = words.complete(model, **_lm_options(prepared.recipe))
    write_model(files.model, float32_copy(model, num_candidates=None))
    return model, seconds


def _lm_options(recipe: UlmfitRecipe) -> dict[str, Any]:
    return {
        "max_batch_size": recipe.lm_batch_size,
        "num_candidates": recipe.lm_candidates or None,
        "dtype": POLICIES[recipe.precision],
    }
