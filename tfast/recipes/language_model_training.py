"""A language model from much text: tokenized into a file of ids, trained, measured and written."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfast.recipes.language_model_recipe import LanguageModelRecipe
from tfast.recipes.old_runs import check_same_run
from tfast.recipes.results import write_model, write_result
from tfast.recipes.run_folder import remove_all_leftovers
from tfast.recipes.ulmfit_stage import StageFiles, fit_stage, num_weights
from tfast.text.lm_batches import lm_batches
from tfast.text.models.language_model import LanguageModel, layer_groups
from tfast.text.stored_documents import (
    StoredDocuments,
    is_store_of,
    open_stored_documents,
    store_documents,
)
from tfast.text.texts import iterate_unlabelled
from tfast.text.ulmfit import transfer_vocabulary
from tfast.text.word_vectors import start_from_counts
from tfast.training.precision import POLICIES
from tfast.training.unfreezing import Stage

# Batches of a validation within the run; the one at its end is whole.
VALIDATION_BATCHES = 100


@dataclasses.dataclass(frozen=True)
class PreparedLanguageModel:
    """What is trained on.

    Attributes:
        recipe: the settings.
        output: the folder of the run.
        counted: the documents that words and their neighbours are counted in: all but the last.
        training: the documents that are trained on, the first of those.
        validation: the last documents.
        settings: what a resumed run must agree on with the interrupted one.
    """

    recipe: LanguageModelRecipe
    output: Path
    counted: StoredDocuments
    training: StoredDocuments
    validation: StoredDocuments
    settings: dict[str, Any]


def prepare(recipe: LanguageModelRecipe, output: Path) -> PreparedLanguageModel:
    """Reads and tokenizes the texts, or opens what a run before it has tokenized.

    Raises:
        ValueError: bad input, or a checkpoint of another run.
    """
    remove_all_leftovers(output, output / "checkpoints")
    LanguageModel(1, embed_size=1, hidden_size=1, num_layers=1, drop_mult=recipe.drop_mult)
    documents = _stored(recipe, output / "token_ids")
    last = len(documents) - recipe.valid
    prepared = PreparedLanguageModel(
        recipe=recipe,
        output=output,
        counted=documents.select(0, last),
        training=documents.select(0, min(last, recipe.num_texts or last)),
        validation=documents.select(last, len(documents)),
        settings=recipe.settings() | {"tokens": documents.num_tokens},
    )
    for training in (True, False):  # too few tokens show now
        _batches(prepared, training=training)
    checkpoint = _files(prepared).checkpoint
    if checkpoint.exists():
        check_same_run(checkpoint, prepared.settings)
    documents.vocabulary.save(output / "vocabulary.txt")
    return prepared


def train_and_write(prepared: PreparedLanguageModel) -> dict[str, Any]:
    """Trains from the checkpoint, where there is one, to the end.

    Returns:
        What `result.json` holds.

    Raises:
        DivergedError: the weights are no longer finite.
    """
    recipe = prepared.recipe
    keras.utils.set_random_seed(recipe.seed)
    model = make_model(prepared)
    if recipe.word_vectors and not _files(prepared).checkpoint.exists():
        start_from_counts(model, prepared.counted, seed=recipe.seed, show_progress=True)
    steps = recipe.epochs * len(_batches(prepared, training=True))
    reports = -(-steps // recipe.report_every)
    model, seconds = fit_stage(
        _files(prepared),
        model,
        settings=prepared.settings,
        groups=layer_groups(model),
        stages=[Stage(0, recipe.learning_rate, reports)],
        make_batches=lambda step: _batches(prepared, training=True, first_step=step),
        steps_per_epoch=-(-steps // reports),
        validation=_batches(prepared, training=False).take(VALIDATION_BATCHES),
        clip_norm=0.25,
        save_every=recipe.save_every,
    )
    print("\nTesting")
    measured = model.evaluate(_batches(prepared, training=False), return_dict=True)
    # In float32 and with the exact loss, as most who start from it will train it.
    words = prepared.training.vocabulary.words
    exact = transfer_vocabulary(model, words, words, dtype="float32", num_candidates=None)
    write_model(_files(prepared).model, exact)
    result = {
        "perplexity": measured["perplexity"],
        "accuracy": measured["accuracy"],
        "training_texts": len(prepared.training),
        "training_tokens": prepared.training.num_tokens,
        "validation_tokens": prepared.validation.num_tokens,
        "vocabulary": len(prepared.training.vocabulary),
        "parameters": num_weights(model),
        "seconds": seconds,
        "settings": prepared.settings,
        "paths": recipe.paths(),
    }
    write_result(prepared.output / "result.json", result)
    return result


def make_model(prepared: PreparedLanguageModel) -> LanguageModel:
    """A model that has learned nothing."""
    recipe = prepared.recipe
    return LanguageModel(
        len(prepared.training.vocabulary),
        embed_size=recipe.embedding_size,
        hidden_size=recipe.hidden_size,
        num_layers=recipe.layers,
        drop_mult=recipe.drop_mult,
        alpha=2.0 * recipe.regularization,
        beta=recipe.regularization,
        max_batch_size=recipe.batch_size,
        num_candidates=recipe.num_candidates,
        dtype=POLICIES[recipe.precision],
    )


def _stored(recipe: LanguageModelRecipe, folder: Path) -> StoredDocuments:
    description = {
        "files": {str(path): path.stat().st_size for path in recipe.data},
        "text_column": recipe.text_column,
        "encoding": recipe.encoding,
        "valid": recipe.valid,
        "vocabulary_size": recipe.vocabulary_size,
        "min_frequency": recipe.min_frequency,
    }
    if folder.exists():
        if not is_store_of(folder, description):
            raise ValueError(f"output holds the token ids of other texts, see {folder}")
        return open_stored_documents(folder)
    return store_documents(
        _texts(recipe),
        folder,
        held_out=recipe.valid,
        max_size=recipe.vocabulary_size,
        min_frequency=recipe.min_frequency,
        description=description,
        title="Tokenizing texts",
    )


def _texts(recipe: LanguageModelRecipe) -> Iterator[str]:
    for path in recipe.data:
        yield from iterate_unlabelled(
            path, text_column=recipe.text_column, encoding=recipe.encoding
        )


def _files(prepared: PreparedLanguageModel) -> StageFiles:
    return StageFiles(prepared.output, "language_model")


def _batches(
    prepared: PreparedLanguageModel, *, training: bool, first_step: int | None = None
) -> tf.data.Dataset:
    recipe = prepared.recipe
    return lm_batches(
        prepared.training if training else prepared.validation,
        batch_size=recipe.batch_size,
        sequence_length=recipe.window,
        training=training,
        seed=recipe.seed,
        first_step=first_step,
        reverse=recipe.backward,
    )
