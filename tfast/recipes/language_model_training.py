"""A language model from much text: tokenized into a file of ids, trained, measured and written."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfast.files import atomic_write
from tfast.pretrained.sources import TOPIC_VECTORS
from tfast.recipes.language_model_recipe import LanguageModelRecipe
from tfast.recipes.language_model_start import TextStart, read_language_models
from tfast.recipes.old_runs import check_same_run
from tfast.recipes.results import write_model, write_result
from tfast.recipes.run_folder import remove_all_leftovers
from tfast.recipes.ulmfit_stage import StageFiles, fit_stage, num_weights
from tfast.text.lm_batches import lm_batches
from tfast.text.models.config import AWDLSTMConfig
from tfast.text.models.language_model import LanguageModel, layer_groups
from tfast.text.stored_documents import (
    StoredDocuments,
    describe_files,
    is_store_of,
    open_stored_documents,
    store_documents,
)
from tfast.text.tokenization.tokenizer_files import save_tokenizer, tokenizer_settings
from tfast.text.ulmfit import transfer_vocabulary
from tfast.text.word_vectors import start_from_counts
from tfast.training.precision import POLICIES, float32_copy
from tfast.training.unfreezing import Stage

# Batches of a validation within the run; the one at its end is whole.
VALIDATION_BATCHES = 100


@dataclasses.dataclass(frozen=True)
class PreparedLanguageModel:
    """What is trained on, and what is started from.

    Attributes:
        recipe: the settings.
        output: the folder of the run.
        start: the model to continue from, with its words; or nothing.
        counted: the documents that words and their neighbours are counted in: all but the last.
        training: the documents that are trained on, the first of those.
        validation: the last documents.
        settings: what a resumed run must agree on with the interrupted one.
    """

    recipe: LanguageModelRecipe
    output: Path
    start: TextStart
    counted: StoredDocuments
    training: StoredDocuments
    validation: StoredDocuments
    settings: dict[str, Any]


def prepare(
    recipe: LanguageModelRecipe, output: Path, *, resume: bool = False
) -> PreparedLanguageModel:
    """Reads and tokenizes the texts, or opens what a run before it has tokenized.

    Args:
        recipe: the settings.
        output: the folder of the run.
        resume: whether a run in it is continued.

    Raises:
        ValueError: bad input, a bad pretrained model, or a checkpoint of another run.
    """
    remove_all_leftovers(output, output / "checkpoints")
    start = _start(recipe)
    documents = _stored(recipe, start, output / "token_ids", resume)
    last = len(documents) - recipe.valid
    prepared = PreparedLanguageModel(
        recipe=recipe,
        output=output,
        start=start,
        counted=documents.select(0, last),
        training=documents.select(0, min(last, recipe.num_texts or last)),
        validation=documents.select(last, len(documents)),
        settings=recipe.settings() | {"tokens": documents.num_tokens} | start.settings(),
    )
    _check_tokens(prepared)
    checkpoint = _files(prepared).checkpoint
    if checkpoint.exists():
        check_same_run(checkpoint, prepared.settings)
    documents.vocabulary.save(output / "vocabulary.txt")
    save_tokenizer(start.tokenizer, output)
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
    is_new = not prepared.start.models
    if is_new and recipe.word_vectors and not _files(prepared).checkpoint.exists():
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
    write_model(_files(prepared).model, float32_copy(model, num_candidates=None))
    _write_topic_vectors(prepared)
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
        "started_from": recipe.pretrained and str(recipe.pretrained),
        "pretrained": [provenance.to_dict() for provenance in prepared.start.provenance],
        "paths": recipe.paths(),
    }
    write_result(prepared.output / "result.json", result)
    return result


def make_model(prepared: PreparedLanguageModel) -> LanguageModel:
    """A model that has learned nothing; or what the pretrained one has, with room for new words."""
    recipe, start, vocabulary = prepared.recipe, prepared.start, prepared.training.vocabulary
    settings: dict[str, Any] = {
        "drop_mult": recipe.drop_mult,
        "alpha": 2.0 * recipe.regularization,
        "beta": recipe.regularization,
        "max_batch_size": recipe.batch_size,
        "num_candidates": recipe.num_candidates,
        "dtype": POLICIES[recipe.precision],
    }
    if start.vocabulary is not None:
        pretrained = start.models[recipe.backward]
        return transfer_vocabulary(pretrained, start.vocabulary.words, vocabulary.words, **settings)
    return LanguageModel(
        len(vocabulary),
        embed_size=recipe.embedding_size,
        hidden_size=recipe.hidden_size,
        num_layers=recipe.layers,
        **settings,
    )


def _write_topic_vectors(prepared: PreparedLanguageModel) -> None:
    """What the pretrained model brought along, for those who start from this one."""
    start, words = prepared.start, prepared.training.vocabulary.words
    if start.topic_vectors is not None and start.vocabulary is not None:
        vectors = start.topic_vectors.transfer(start.vocabulary.words, words)
        with atomic_write(prepared.output / TOPIC_VECTORS) as temporary:
            vectors.save(temporary)


def _start(recipe: LanguageModelRecipe) -> TextStart:
    """The model to continue from, if there is one; refuses rates of dropout that none can have."""
    sizes: dict[str, Any] = {"vocab_size": 1}
    start = TextStart()
    if recipe.pretrained is not None:
        names = {recipe.backward: recipe.pretrained}
        start = read_language_models(names, download=recipe.download)
        sizes = start.models[recipe.backward].encoder.settings
    AWDLSTMConfig(**(sizes | {"drop_mult": recipe.drop_mult}))
    return start


def _stored(
    recipe: LanguageModelRecipe, start: TextStart, folder: Path, resume: bool
) -> StoredDocuments:
    description: dict[str, Any] = {
        **describe_files(recipe.data),
        "text_column": recipe.text_column,
        "encoding": recipe.encoding,
        "valid": recipe.valid,
        "vocabulary_size": recipe.vocabulary_size,
        "min_frequency": recipe.min_frequency,
        "tokenizer": tokenizer_settings(start.tokenizer),
    }
    if start.vocabulary is not None:
        words = json.dumps(start.vocabulary.words)
        description["pretrained_words"] = hashlib.sha256(words.encode()).hexdigest()
    if folder.exists():
        # A run that began before there was a digest can be resumed; a new one takes no such ids.
        if not is_store_of(folder, description, digest_needed=not resume):
            raise ValueError(
                f"output holds the token ids of other texts or words, see {folder}: remove it, or "
                "name another output folder"
            )
        return open_stored_documents(folder)
    return store_documents(
        recipe.texts(),
        folder,
        held_out=recipe.valid,
        known=start.vocabulary,
        max_size=0 if start.has_pieces else recipe.vocabulary_size,
        min_frequency=recipe.min_frequency,
        tokenizer=start.tokenizer,
        description=description,
        title="Tokenizing texts",
    )


def _check_tokens(prepared: PreparedLanguageModel) -> None:
    """Refuses texts that are too short for a batch, by the settings that say how many they are."""
    recipe = prepared.recipe
    for name, kind, documents in (
        ("num_texts" if recipe.num_texts else "data", "training", prepared.training),
        ("valid", "validation", prepared.validation),
    ):
        if documents.num_tokens <= recipe.batch_size:
            raise ValueError(
                f"{name} must be {kind} texts of {recipe.batch_size + 1} or more tokens together "
                f"for batch_size={recipe.batch_size}, got {len(documents)} of "
                f"{documents.num_tokens} tokens"
            )


def _files(prepared: PreparedLanguageModel) -> StageFiles:
    return StageFiles.of(prepared.output, "language_model", prepared.recipe.backward)


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
