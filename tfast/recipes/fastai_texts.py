"""A text model of fastai: converted, exported, checked."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfast.export.text import export_language_model, export_text_classifier
from tfast.fastai.conversion import ignored_names
from tfast.fastai.text_models import language_model_from_fastai, text_classifier_from_fastai
from tfast.fastai.vocabularies import load_vocabulary, with_special_tokens_first
from tfast.recipes.fastai_import import (
    FastaiImport,
    StateDict,
    describe,
    largest_difference,
    numbered_labels,
)
from tfast.recipes.served import Served
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

# Read by both sides in the check: words of every vocabulary, an unknown one, and nothing.
SENTENCES = ("A film, and it's THE best of the year!", "zzyzx", "")


def convert(recipe: FastaiImport, kind: str, state_dict: StateDict, folder: Path) -> float:
    """Fills a folder with a language model or text classifier; see `FastaiImport.run`."""
    if recipe.vocabulary is None:
        raise ValueError("vocabulary must be the words of the text model, got None")
    words, labels = load_vocabulary(recipe.vocabulary)
    state_dict, words = with_special_tokens_first(state_dict, words)
    vocabulary, tokenizer = Vocabulary(words), TextTokenizer()
    saved_model = folder / "saved_model"
    ignored, num_words = ignored_names(state_dict), len(vocabulary)
    if kind == "language_model":
        model = language_model_from_fastai(state_dict)
        describe("language model", model, ignored, num_words=num_words)
        export_language_model(model, tokenizer, vocabulary, saved_model)
    else:
        model = text_classifier_from_fastai(state_dict)
        names = recipe.labels or labels or numbered_labels(model.settings["num_classes"])
        describe("text classifier", model, ignored, num_words=num_words, labels=names)
        export_text_classifier(model, tokenizer, vocabulary, saved_model, names)
        Served(kind="text", model="model.keras", class_names=names).write(folder)
    model.save(folder / "model.keras")
    vocabulary.save(folder / "vocabulary.txt")
    return check(model, tokenizer, vocabulary, saved_model)


def check(
    model: keras.Model, tokenizer: TextTokenizer, vocabulary: Vocabulary, saved_model: Path
) -> float:
    """The largest difference of a probability between a SavedModel and its model."""
    serve = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    differences, alone = [], []
    for sentence in SENTENCES:  # one by one: no padding, which the export has to get right
        text = tf.constant([sentence])
        token_ids = vocabulary.encode(tokenizer(text)).to_tensor()
        alone.append(serve(text=text)["probabilities"])
        differences.append(largest_difference(alone[-1], logits_of(model, token_ids)))
    together = serve(text=tf.constant(SENTENCES))["probabilities"]
    # NumPy's, because Python's loses a NaN.
    return float(np.max([*differences, np.abs(together - tf.concat(alone, 0)).max()]))


def logits_of(model: keras.Model, token_ids: tf.Tensor) -> tf.Tensor:
    """What the converted model says of one text: of its class, or of the next word."""
    if hasattr(model, "next_logits"):
        return model.next_logits(token_ids)[0]
    return model({"token_ids": token_ids, "lengths": tf.constant([token_ids.shape[1]])})
