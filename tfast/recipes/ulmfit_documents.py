"""The texts of a ULMFiT run as token ids, and the vocabularies that these are of."""

import hashlib
import json
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfast.recipes.ulmfit_recipe import UlmfitRecipe
from tfast.recipes.ulmfit_start import TextStart
from tfast.text.corpora import Corpus, read_unlabelled
from tfast.text.documents import look_up
from tfast.text.tokenization.token_batches import TracedTokenizer, tokenize
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary


def look_up_corpus(
    recipe: UlmfitRecipe, corpus: Corpus, start: TextStart
) -> tuple[Vocabulary, dict[str, tf.RaggedTensor]]:
    """The vocabulary of all texts but those for the test, and the token ids of all.

    The words of a pretrained model stay, all of them: a few texts know few words, and the words
    of tomorrow's texts are among them. Where they are pieces of words, there are no others.
    """
    parts = {
        "train": corpus.train.texts,
        "valid": corpus.valid.texts,
        "test": corpus.test.texts,
        "unlabelled": corpus.unlabelled.texts,
    }
    if start.vocabulary is not None and start.has_pieces:
        vocabulary, traced = start.vocabulary, TracedTokenizer(start.tokenizer)
        return vocabulary, {
            name: vocabulary.encode_all(tokenize(texts, tokenizer=traced))
            for name, texts in parts.items()
        }
    return look_up(
        parts,
        # In the end TF-IDF is fitted to the validation texts too.
        counted=("train", "valid", "unlabelled"),
        known=start.vocabulary,
        max_size=recipe.vocabulary_size,
        min_frequency=recipe.min_frequency,
        tokenizer=start.tokenizer,
        show_progress=True,
    )


def look_up_general_text(
    recipe: UlmfitRecipe, tokenizer: TextTokenizer
) -> tuple[Vocabulary, dict[str, tf.RaggedTensor]]:
    """The same of the text that a first model learns from; a twentieth of it is for validation."""
    assert recipe.general_text is not None  # for mypy
    texts = read_unlabelled(
        recipe.general_text, text_column=recipe.text_column, encoding=recipe.encoding
    ).texts
    num_valid = max(1, len(texts) // 20)
    return look_up(
        {"general valid": texts[:num_valid], "general": texts[num_valid:]},
        counted=("general",),
        max_size=recipe.vocabulary_size,
        min_frequency=recipe.min_frequency,
        tokenizer=tokenizer,
        show_progress=True,
    )


def digest_texts(
    corpus: Corpus, vocabulary: Vocabulary, documents: Mapping[str, tf.RaggedTensor]
) -> str:
    """A SHA-256 of all that is learned from, in hexadecimal: words, token ids, classes, labels."""
    digest = hashlib.sha256(json.dumps([vocabulary.words, corpus.class_names]).encode())
    for name, ids in sorted(documents.items()):
        digest.update(name.encode())
        for numbers in (ids.flat_values, ids.row_lengths()):
            digest.update(np.ascontiguousarray(numbers, "int64").tobytes())
    for part in (corpus.train, corpus.valid, corpus.test):
        digest.update(np.array(corpus.label_ids(part), "int64").tobytes())
    return digest.hexdigest()
