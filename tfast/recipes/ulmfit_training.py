"""The text path as calls: token ids -> language model -> classifier."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfast.recipes.divergence import StopAtDivergence
from tfast.recipes.results import write_figures, write_history, write_model
from tfast.recipes.ulmfit_preparation import (
    PreparedTexts,
    make_classifier_stages,
    make_lm_batches,
    num_weights,
    target_documents,
)
from tfast.recipes.ulmfit_recipe import UlmfitRecipe
from tfast.text.classifier_batches import classifier_batches
from tfast.text.models import classifier, language_model
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.ulmfit import (
    language_model_stages,
    transfer_encoder,
    transfer_vocabulary,
    ulmfit_optimizer,
)
from tfast.training.checkpoints.resume import resumable_fit
from tfast.training.inspection import figures
from tfast.training.inspection.stopwatch import Stopwatch
from tfast.training.schedules import MomentumSchedule, OneCycleMomentum
from tfast.training.unfreezing import GradualUnfreezing, Stage

# From a step to the endless dataset that begins with it, or from None to one epoch.
MakeBatches = Callable[[int | None], tf.data.Dataset]


@dataclasses.dataclass(frozen=True)
class TrainedTexts:
    """What training gives.

    Attributes:
        model: the classifier; of two directions both in one.
        seconds: how long each model was fitted, by its name.
    """

    model: keras.Model
    seconds: dict[str, float]


@dataclasses.dataclass(frozen=True)
class ModelFiles:
    """Where a model of the run leaves what: its checkpoint, itself, its history, its curves."""

    output: Path
    name: str

    @property
    def checkpoint(self) -> Path:
        """What a resumed run continues from."""
        return self.output / "checkpoints" / f"{self.name}.npz"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.output / f"{self.name}.keras"

    @property
    def history(self) -> Path:
        """A line for each epoch."""
        return self.output / f"{self.name}_history.csv"

    @property
    def curves(self) -> Path:
        """The history, drawn."""
        return self.output / f"{self.name}_curves.png"


def files_of(prepared: PreparedTexts, kind: str, reverse: bool) -> ModelFiles:
    """The files of a model: "general/backward_language_model", say."""
    folder, _, kind = kind.rpartition("/")
    prefix = "backward_" if reverse else ""
    return ModelFiles(prepared.output, f"{folder}/{prefix}{kind}".lstrip("/"))


def train(prepared: PreparedTexts) -> TrainedTexts:
    """Trains a language model and a classifier in each direction."""
    models: list[keras.Model] = []
    seconds: dict[str, float] = {}
    for reverse in (False, True) if prepared.recipe.backward else (False,):
        target = train_language_model(prepared, reverse, seconds)
        models.append(train_classifier(prepared, reverse, target, seconds))
    model = models[0] if len(models) == 1 else ForwardBackwardClassifier(*models)
    return TrainedTexts(model, seconds)


def train_language_model(
    prepared: PreparedTexts, reverse: bool, seconds: dict[str, float]
) -> LanguageModel:
    """The language model of the target texts, from general text or a file where there is one."""
    recipe = prepared.recipe
    keras.utils.set_random_seed(recipe.seed)  # so that each model's start is its own
    general = find_general_model(prepared, reverse, seconds)
    if general is None or prepared.general_vocabulary is None:
        model = make_language_model(recipe, len(prepared.vocabulary))
        stages = [Stage(0, recipe.lm_learning_rate, recipe.lm_epochs)]
    else:
        model = transfer_vocabulary(
            general,
            prepared.general_vocabulary.words,
            prepared.vocabulary.words,
            drop_mult=recipe.lm_drop_mult,
            max_batch_size=recipe.lm_batch_size,
        )
        rate = recipe.lm_learning_rate
        # A quarter of the default rate, 5e-3, is near the 2e-3 of fastai's tutorial.
        stages = language_model_stages(peaks=(rate, rate / 4), epochs=(1, recipe.lm_epochs))
    documents = target_documents(prepared.documents), prepared.documents["valid"]
    files = files_of(prepared, "language_model", reverse)
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
        make_language_model(recipe, len(prepared.general_vocabulary)),
        [Stage(0, recipe.lm_learning_rate, recipe.general_epochs)],
        prepared.documents["general"],
        prepared.documents["general valid"],
        reverse=reverse,
    )
    return model


def make_language_model(recipe: UlmfitRecipe, vocab_size: int) -> LanguageModel:
    """A language model that has learned nothing."""
    return LanguageModel(
        vocab_size,
        embed_size=recipe.embedding_size,
        hidden_size=recipe.hidden_size,
        num_layers=recipe.layers,
        drop_mult=recipe.lm_drop_mult,
        max_batch_size=recipe.lm_batch_size,
    )


def fit_language_model(
    prepared: PreparedTexts,
    files: ModelFiles,
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

    return fit_stage(
        prepared,
        files,
        model,
        groups=language_model.layer_groups(model),
        stages=stages,
        make_batches=make_batches,
        validation=make_lm_batches(
            prepared.recipe, valid_documents, training=False, reverse=reverse
        ),
        clip_norm=0.25,
    )


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
        prepared,
        files,
        model,
        groups=classifier.layer_groups(model),
        stages=make_classifier_stages(recipe, sizes["num_layers"]),
        make_batches=lambda step: make_batches("train", training=True, first_step=step),
        validation=make_batches("valid", training=False, first_step=None),
        clip_norm=None,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def fit_stage(
    prepared: PreparedTexts,
    files: ModelFiles,
    model: keras.Model,
    *,
    groups: list[list[keras.layers.Layer]],
    stages: Sequence[Stage],
    make_batches: MakeBatches,
    validation: tf.data.Dataset,
    clip_norm: float | None,
    **compile_options: Any,
) -> tuple[Any, float]:
    """Fits a model in stages, from its checkpoint where there is one; leaves it and its curves.

    Args:
        prepared: the run.
        files: where to leave them.
        model: not compiled yet.
        groups: the model's layer groups.
        stages: how long each lasts, and what is frozen in it.
        make_batches: of training.
        validation: one epoch.
        clip_norm: of all gradients together, or None.
        **compile_options: loss and metrics, where the model does not bring them.

    Returns:
        The model, and the seconds that fitting took, over all interruptions.
    """
    steps_per_epoch = len(make_batches(None))
    unfreezing = GradualUnfreezing(groups, stages)
    rates = unfreezing.schedule(steps_per_epoch)
    momentum = unfreezing.schedule(
        steps_per_epoch, make_schedule=lambda _, steps: OneCycleMomentum(steps)
    )
    # XLA would compile again for every length, and has no fast loop for an LSTM on a CPU.
    optimizer = ulmfit_optimizer(rates, clip_norm=clip_norm)
    model.compile(optimizer, jit_compile=False, **compile_options)
    stopwatch = Stopwatch()
    print(f"\nTraining {files.name}, {num_weights(model):,} weights")
    history = resumable_fit(
        model,
        make_batches,
        epochs=unfreezing.epochs,
        steps_per_epoch=steps_per_epoch,
        checkpoint=files.checkpoint,
        save_every=prepared.recipe.save_every,
        validation_data=validation,
        callbacks=[unfreezing, MomentumSchedule(momentum), stopwatch, StopAtDivergence()],
        settings=prepared.settings,
    ).history
    write_model(files.model, model)
    write_history(files.history, history)
    curve = figures.sample_schedule(rates, unfreezing.epochs * steps_per_epoch)
    write_figures({files.curves: lambda: figures.plot_curves(history, schedule=curve)})
    return model, round(stopwatch.seconds, 1)
