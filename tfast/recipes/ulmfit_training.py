"""The text path as calls: token ids -> language model -> classifier."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfast.recipes.baselines import Baseline, find_baseline
from tfast.recipes.results import write_model
from tfast.recipes.ulmfit_preparation import (
    PreparedTexts,
    make_classifier_stages,
    make_lm_batches,
    target_documents,
)
from tfast.recipes.ulmfit_recipe import UlmfitRecipe
from tfast.recipes.ulmfit_stage import StageFiles, fit_stage
from tfast.text.classifier_batches import classifier_batches
from tfast.text.models import classifier, language_model
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.stored_documents import StoredDocuments
from tfast.text.ulmfit import (
    language_model_stages,
    transfer_encoder,
    transfer_vocabulary,
)
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
    """

    model: keras.Model
    seconds: dict[str, float]
    baseline: Baseline | None = None


def files_of(prepared: PreparedTexts, kind: str, reverse: bool) -> StageFiles:
    """The files of a model: "general/backward_language_model", say."""
    folder, _, kind = kind.rpartition("/")
    prefix = "backward_" if reverse else ""
    return StageFiles(prepared.output, f"{folder}/{prefix}{kind}".lstrip("/"))


def train(prepared: PreparedTexts) -> TrainedTexts:
    """Fits TF-IDF, then trains a language model and a classifier in each direction."""
    baseline = find_baseline(prepared)
    models: list[keras.Model] = []
    seconds: dict[str, float] = {}
    for reverse in (False, True) if prepared.recipe.backward else (False,):
        target = train_language_model(prepared, reverse, seconds)
        models.append(train_classifier(prepared, reverse, target, seconds))
    model = models[0] if len(models) == 1 else ForwardBackwardClassifier(*models)
    return TrainedTexts(model, seconds, baseline)


def train_language_model(
    prepared: PreparedTexts, reverse: bool, seconds: dict[str, float]
) -> LanguageModel:
    """The language model of the target texts, from general text or a file where there is one."""
    recipe = prepared.recipe
    keras.utils.set_random_seed(recipe.seed)  # so that each model's start is its own
    general = find_general_model(prepared, reverse, seconds)
    if general is None or prepared.general_vocabulary is None:
        model = make_language_model(
            recipe, prepared.vocabulary, target_documents(prepared.documents)
        )
    else:
        model = transfer_vocabulary(
            general,
            prepared.general_vocabulary.words,
            prepared.vocabulary.words,
            drop_mult=recipe.lm_drop_mult,
            **_lm_options(recipe),
        )
    files = files_of(prepared, "language_model", reverse)
    if not recipe.lm_epochs:
        write_model(files.model, float32_copy(model, num_candidates=None))
        return model
    rate, stages = recipe.lm_learning_rate, [Stage(0, recipe.lm_learning_rate, recipe.lm_epochs)]
    if general is not None:
        # A quarter of the default rate, 5e-3, is near the 2e-3 of fastai's tutorial.
        stages = language_model_stages(peaks=(rate, rate / 4), epochs=(1, recipe.lm_epochs))
    documents = target_documents(prepared.documents), prepared.documents["valid"]
    model, seconds[files.name] = fit_language_model(
        prepared, files, model, stages, *documents, reverse=reverse
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
    files = files_of(prepared, "general/language_model", reverse)
    model, seconds[files.name] = fit_language_model(
        prepared,
        files,
        make_language_model(recipe, prepared.general_vocabulary, prepared.documents["general"]),
        [Stage(0, recipe.lm_learning_rate, recipe.general_epochs)],
        prepared.documents["general"],
        prepared.documents["general valid"],
        reverse=reverse,
    )
    return model


def make_language_model(
    recipe: UlmfitRecipe, vocabulary: Vocabulary, documents: tf.RaggedTensor
) -> LanguageModel:
    """A language model that has read nothing; it knows what counting the documents tells."""
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


def fit_language_model(
    prepared: PreparedTexts,
    files: StageFiles,
    model: LanguageModel,
    stages: Sequence[Stage],
    documents: tf.RaggedTensor,
    valid_documents: tf.RaggedTensor,
    *,
    reverse: bool,
) -> tuple[LanguageModel, float]:
    """Fits a language model on windows of the joined documents."""

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
            prepared.recipe, valid_documents, training=False, reverse=reverse
        ),
        clip_norm=0.25,
        save_every=prepared.recipe.save_every,
    )
    write_model(files.model, float32_copy(model, num_candidates=None))
    return model, seconds


def train_classifier(
    prepared: PreparedTexts, reverse: bool, target: LanguageModel, seconds: dict[str, float]
) -> TextClassifier:
    """The classifier that starts with the language model's encoder."""
    recipe, corpus, sizes = prepared.recipe, prepared.corpus, target.encoder.settings
    keras.utils.set_random_seed(recipe.seed)
    model = TextClassifier(
        len(prepared.vocabulary),
        len(corpus.class_names),
        embed_size=sizes["embed_size"],
        hidden_size=sizes["hidden_size"],
        num_layers=sizes["num_layers"],
        drop_mult=recipe.drop_mult,
        max_length=recipe.max_length,
        dtype=POLICIES[recipe.precision],
    )
    transfer_encoder(target, model)

    def make_batches(part: str, *, training: bool, first_step: int | None) -> tf.data.Dataset:
        return classifier_batches(
            prepared.documents[part],
            corpus.label_ids(getattr(corpus, part)),
            num_classes=len(corpus.class_names),
            batch_size=recipe.batch_size,
            training=training,
            seed=recipe.seed,
            first_step=first_step,
            reverse=reverse,
        )

    files = files_of(prepared, "classifier", reverse)
    model, seconds[files.name] = fit_stage(
        files,
        model,
        settings=prepared.settings,
        groups=classifier.layer_groups(model),
        stages=make_classifier_stages(recipe, sizes["num_layers"]),
        make_batches=lambda step: make_batches("train", training=True, first_step=step),
        validation=make_batches("valid", training=False, first_step=None),
        clip_norm=None,
        save_every=recipe.save_every,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    exact = float32_copy(model)
    write_model(files.model, exact)
    return exact


def _lm_options(recipe: UlmfitRecipe) -> dict[str, Any]:
    return {
        "max_batch_size": recipe.lm_batch_size,
        "num_candidates": recipe.lm_candidates or None,
        "dtype": POLICIES[recipe.precision],
    }
