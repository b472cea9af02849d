"""What a ULMFiT run needs before it trains: texts, vocabulary and models, read and checked."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from tfast.pretrained.records import Provenance
from tfast.recipes.old_runs import check_same_result, check_same_run
from tfast.recipes.run_folder import remove_all_leftovers
from tfast.recipes.ulmfit_choices import choose
from tfast.recipes.ulmfit_documents import (
    digest_texts,
    look_up_corpus,
    look_up_general_text,
)
from tfast.recipes.ulmfit_recipe import UlmfitRecipe
from tfast.recipes.ulmfit_start import backward_name, read_pretrained
from tfast.text.corpora import Corpus, read_corpus
from tfast.text.gram_vectors import GramVectors
from tfast.text.lm_batches import lm_batches
from tfast.text.models.config import AWDLSTMConfig
from tfast.text.models.language_model import LanguageModel
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.tokenization.tokenizer_files import save_tokenizer
from tfast.text.ulmfit import classifier_stages
from tfast.text.vocabulary import Vocabulary
from tfast.training.unfreezing import Stage


@dataclasses.dataclass(frozen=True)
class PreparedTexts:
    """What is trained on, and what is started from.

    Attributes:
        recipe: the settings, none of them open.
        output: the folder of the run.
        corpus: texts and labels.
        tokenizer: from strings to tokens.
        vocabulary: the words of a pretrained model, if there is one, and those of the corpus.
        documents: ragged token ids by name of the part: the parts of the corpus by `vocabulary`,
            "general" and "general valid" by `general_vocabulary`.
        general_vocabulary: the words of the model to start from, or None.
        pretrained: the language models to start from by direction, True for backward; may be
            empty.
        settings: what a resumed run must agree on with the interrupted one.
        provenance: of the weights that the run starts from; may be empty.
        topic_vectors: of the words of `general_vocabulary`, or None.
    """

    recipe: UlmfitRecipe
    output: Path
    corpus: Corpus
    tokenizer: TextTokenizer
    vocabulary: Vocabulary
    documents: dict[str, tf.RaggedTensor]
    general_vocabulary: Vocabulary | None
    pretrained: dict[bool, LanguageModel]
    settings: dict[str, Any]
    provenance: tuple[Provenance, ...] = ()
    topic_vectors: GramVectors | None = None


def prepare(recipe: UlmfitRecipe, output: Path) -> PreparedTexts:
    """Reads everything, and checks what would else show after hours.

    Raises:
        ValueError: bad input, or a checkpoint of another run.
    """
    if recipe.backward and recipe.pretrained not in (None, "auto"):
        backward_name(recipe.pretrained)  # there is none for some, which shows now
    checkpoints = output / "checkpoints"
    remove_all_leftovers(output, output / "general", checkpoints, checkpoints / "general")
    corpus = read_parts(recipe)
    say_copies(corpus)
    recipe = choose(recipe, corpus)
    start = read_pretrained(recipe)
    check_models(recipe, start.models)
    settings = recipe.settings() | start.settings()
    check_old_run(output, settings, so_far=True)
    general_vocabulary, tokenizer = start.vocabulary, start.tokenizer
    vocabulary, documents = look_up_corpus(recipe, corpus, start)
    if recipe.general_text:
        general_vocabulary, general = look_up_general_text(recipe, tokenizer)
        documents |= general
    check_windows(recipe, documents)
    settings["tokens"] = {name: int(ids.flat_values.shape[0]) for name, ids in documents.items()}
    settings["texts_sha256"] = digest_texts(corpus, vocabulary, documents)
    check_old_run(output, settings)
    if recipe.general_text and general_vocabulary:
        general_vocabulary.save(output / "general" / "vocabulary.txt")
    vocabulary.save(output / "vocabulary.txt")
    save_tokenizer(tokenizer, output)
    return PreparedTexts(
        recipe=recipe,
        output=output,
        corpus=corpus,
        tokenizer=tokenizer,
        vocabulary=vocabulary,
        documents=documents,
        general_vocabulary=general_vocabulary,
        pretrained=start.models,
        settings=settings,
        provenance=start.provenance,
        topic_vectors=start.topic_vectors,
    )


def read_parts(recipe: UlmfitRecipe) -> Corpus:
    """All texts of a run, split."""
    return read_corpus(
        recipe.data,
        valid=recipe.valid,
        test=recipe.test,
        unlabelled=recipe.unlabelled,
        num_labelled=recipe.num_labelled,
        num_unlabelled=recipe.num_unlabelled,
        text_column=recipe.text_column,
        label_column=recipe.label_column,
        encoding=recipe.encoding,
        seed=recipe.seed,
    )


def say_copies(corpus: Corpus) -> None:
    """A line for each part that repeats training texts: what it tells of new ones is too good."""
    known = set(corpus.train.texts)
    for name, part in (("validation", corpus.valid), ("test", corpus.test)):
        copies = sum(text in known for text in part.texts)
        if copies:
            print(
                f"{copies:,} of the {len(part):,} {name} texts are training texts too, word for "
                "word: unless new texts repeat them as often, accuracy will look too good",
                flush=True,
            )


def check_old_run(output: Path, settings: dict[str, Any], *, so_far: bool = False) -> None:
    """Refuses a folder with a run under other settings, see `check_same_run`."""
    # All checkpoints of a run were made under the same ones.
    for checkpoint in sorted((output / "checkpoints").rglob("*.npz"))[:1]:
        check_same_run(checkpoint, settings, so_far=so_far)
    check_same_result(output / "result.json", settings, so_far=so_far)


def check_models(recipe: UlmfitRecipe, pretrained: dict[bool, LanguageModel]) -> None:
    """Says before the work what is wrong with rates of dropout and with stages."""
    num_layers = recipe.layers
    with _naming("lm_drop_mult", recipe.lm_drop_mult):
        for model in pretrained.values():
            settings = {**model.encoder.settings, "drop_mult": recipe.lm_drop_mult}
            num_layers = AWDLSTMConfig(**settings).num_layers
        AWDLSTMConfig(1, drop_mult=recipe.lm_drop_mult)
    with _naming("drop_mult", recipe.drop_mult):
        AWDLSTMConfig.for_classifier(1, drop_mult=recipe.drop_mult)
    if len(recipe.epochs) > num_layers + 2:
        raise ValueError(
            f"epochs must be of {num_layers + 2} stages at most, as many as there are groups of "
            f"layers, got {len(recipe.epochs)}"
        )
    make_classifier_stages(recipe, num_layers)


@contextlib.contextmanager
def _naming(setting: str, value: float) -> Iterator[None]:
    """Lets what a layer says of its rates name the setting that they come from."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{setting} must leave rates below 1, got {value}: {error}") from error


def make_classifier_stages(recipe: UlmfitRecipe, num_layers: int) -> list[Stage]:
    """The stages of a classifier; its groups are embedding, LSTM layers and head."""
    return classifier_stages(
        num_layers + 2,
        peaks=recipe.learning_rates,
        epochs=recipe.epochs,
        slower_by=recipe.slower_by,
    )


def check_windows(recipe: UlmfitRecipe, documents: dict[str, tf.RaggedTensor]) -> None:
    """Makes the language models' batches once: too few tokens show now."""
    read = {name: some for name, some in documents.items() if name.startswith("general")}
    if recipe.lm_epochs:
        read |= {"training": target_documents(recipe, documents), "validation": documents["valid"]}
    for name, some in read.items():
        try:
            make_lm_batches(recipe, some, training=False)
        except ValueError as error:
            reason = str(error).replace("batch_size", "lm_batch_size")
            raise ValueError(f"{name} texts: {reason}") from error


def target_documents(
    recipe: UlmfitRecipe, documents: dict[str, tf.RaggedTensor]
) -> tf.RaggedTensor:
    """What the language model of the corpus learns from."""
    if training_texts_judge(recipe, documents):
        return documents["unlabelled"]
    return tf.concat([documents["train"], documents["unlabelled"]], 0)


def training_texts_judge(recipe: UlmfitRecipe, documents: dict[str, tf.RaggedTensor]) -> bool:
    """Whether a classifier is judged by training texts that were left out of it.

    The language model must not know them either, as it will not know those to come: it does not
    where it is not trained, or there are enough other texts.
    """
    others = documents["unlabelled"].shape[0]
    return not recipe.fine_tune and (not recipe.lm_epochs or others >= documents["train"].shape[0])


def labelled(
    prepared: PreparedTexts, parts: Sequence[Literal["train", "valid"]]
) -> tuple[tf.RaggedTensor, np.ndarray]:
    """Parts of the corpus as one: token ids, and integers for their labels."""
    corpus = prepared.corpus
    return (
        tf.concat([prepared.documents[part] for part in parts], 0),
        np.concatenate([corpus.label_ids(getattr(corpus, part)) for part in parts]),
    )


def make_lm_batches(
    recipe: UlmfitRecipe,
    documents: tf.RaggedTensor,
    *,
    training: bool,
    first_step: int | None = None,
    reverse: bool = False,
) -> tf.data.Dataset:
    """Windows of the joined documents."""
    return lm_batches(
        documents,
        batch_size=recipe.lm_batch_size,
        sequence_length=recipe.window,
        training=training,
        seed=recipe.seed,
        first_step=first_step,
        reverse=reverse,
    )
