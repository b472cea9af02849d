"""The classifier of a ULMFiT run: fine-tuned, or logistic regression on the frozen encoder."""

import time
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfast.recipes.results import write_model
from tfast.recipes.ulmfit_preparation import (
    PreparedTexts,
    labelled,
    make_classifier_stages,
    training_texts_judge,
)
from tfast.recipes.ulmfit_stage import StageFiles, fit_stage
from tfast.text.classifier_batches import classifier_batches
from tfast.text.linear_head import fit_linear_head
from tfast.text.logistic_regression import can_be_left_out
from tfast.text.models import classifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.models.language_model import LanguageModel
from tfast.text.ulmfit import transfer_encoder
from tfast.training.precision import POLICIES, float32_copy


class FittedClassifier(NamedTuple):
    """A classifier, and what there is to judge it by beside the validation texts.

    Attributes:
        model: the classifier.
        left_out: where it has learned from the training texts and the validation texts: logits
            `(texts, classes)`, float64, of all these in this order, each by a classifier like it
            that has not learned from that text. None where it has learned from the training texts
            alone.
    """

    model: keras.Model
    left_out: np.ndarray | None = None


def train_classifier(
    prepared: PreparedTexts, reverse: bool, target: LanguageModel, seconds: dict[str, float]
) -> FittedClassifier:
    """The classifier that starts with the language model's encoder."""
    train = fine_tune if prepared.recipe.fine_tune else fit_head
    return train(prepared, reverse, target, seconds)


def vote(forward: FittedClassifier, backward: FittedClassifier) -> FittedClassifier:
    """Both directions as one."""
    model = ForwardBackwardClassifier(forward.model, backward.model)
    if forward.left_out is None or backward.left_out is None:
        return FittedClassifier(model)
    logits = forward.left_out, backward.left_out
    mean = np.mean([np.array(keras.ops.softmax(some)) for some in logits], axis=0)
    return FittedClassifier(model, np.log(np.maximum(mean, keras.config.epsilon())))


def fine_tune(
    prepared: PreparedTexts, reverse: bool, target: LanguageModel, seconds: dict[str, float]
) -> FittedClassifier:
    """All layers learn from the training texts, the last ones first."""
    recipe, corpus = prepared.recipe, prepared.corpus
    model = _start(prepared, target, dtype=POLICIES[recipe.precision])

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

    files = StageFiles.of(prepared.output, "classifier", reverse)
    model, seconds[files.name] = fit_stage(
        files,
        model,
        settings=prepared.settings,
        groups=classifier.layer_groups(model),
        stages=make_classifier_stages(recipe, target.encoder.settings["num_layers"]),
        make_batches=lambda step: make_batches("train", training=True, first_step=step),
        validation=make_batches("valid", training=False, first_step=None),
        clip_norm=None,
        save_every=recipe.save_every,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    exact = float32_copy(model)
    write_model(files.model, exact)
    return FittedClassifier(exact)


def fit_head(
    prepared: PreparedTexts, reverse: bool, target: LanguageModel, seconds: dict[str, float]
) -> FittedClassifier:
    """Logistic regression is the head; where it can be, all labelled texts are learned from.

    It takes seconds and leaves no checkpoint: a run that is resumed does it again.
    """
    begin, corpus = time.monotonic(), prepared.corpus
    documents, labels = labelled(prepared, ("train", "valid"))
    all_judge = training_texts_judge(prepared.recipe, prepared.documents)
    all_judge &= bool(can_be_left_out(labels).any())
    if not all_judge:  # the validation texts are to
        documents, labels = labelled(prepared, ("train",))
    model = _start(prepared, target, dtype="float32", head_size=2 * len(corpus.class_names))
    files = StageFiles.of(prepared.output, "classifier", reverse)
    name = files.name.removesuffix("classifier") + "language model"
    print(f"\nReading {len(labels):,} labelled texts with the {name.replace('_', ' ')}")
    found = fit_linear_head(
        model,
        documents,
        labels,
        batch_size=prepared.recipe.batch_size,
        reverse=reverse,
        seed=prepared.recipe.seed,
        show_progress=True,
    )
    seconds[files.name] = round(time.monotonic() - begin, 1)
    judged = can_be_left_out(labels)
    if judged.any():
        right = found.left_out.argmax(-1)[judged] == labels[judged]
        print(
            f"Logistic regression on its outputs: {right.mean():.2%} right in cross-validation, "
            f"after {seconds[files.name]} s",
            flush=True,
        )
    write_model(files.model, model)
    return FittedClassifier(model, found.left_out if all_judge else None)


def _start(prepared: PreparedTexts, target: LanguageModel, **options: Any) -> TextClassifier:
    recipe, sizes = prepared.recipe, target.encoder.settings
    keras.utils.set_random_seed(recipe.seed)
    model = TextClassifier(
        len(prepared.vocabulary),
        len(prepared.corpus.class_names),
        embed_size=sizes["embed_size"],
        hidden_size=sizes["hidden_size"],
        num_layers=sizes["num_layers"],
        drop_mult=recipe.drop_mult,
        max_length=recipe.max_length,
        **options,
    )
    transfer_encoder(target, model)
    return model
