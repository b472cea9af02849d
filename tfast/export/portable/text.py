"""Text classifiers as portable folders: raw texts in, probabilities out, without TensorFlow."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfast.arguments import whole_number
from tfast.export.float32 import in_float32
from tfast.export.portable.folder import (
    NUM_EXAMPLES,
    Contents,
    check_difference,
    examples_with_answers,
    write_folder,
)
from tfast.export.portable.formats import check_format
from tfast.export.portable.litert_text_graph import has_core
from tfast.export.portable.tokenizer_tables import tokenizer_tables
from tfast.export.saved_model import check_class_names, save_signatures
from tfast.export.text import TEXT, check_blend, check_vocabulary
from tfast.files import refuse_existing
from tfast.runtime import load
from tfast.text.documents import pad_documents
from tfast.text.models.sizes import num_classes
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.text.tokenization.token_batches import Tokenizer
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary
from tfast.types import PathLike

# What is hard to tokenize, so that a reader's check says something.
_HARD_TEXT = "I DON'T know…<br /><br />It was 30°C. at Tom&#39;s café (e.g. so so so good!!!) :-)"


def export_portable_text_classifier(
    model: keras.Model,
    directory: PathLike,
    class_names: Sequence[str],
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    *,
    file_format: str = "onnx",
    precision: str = "float32",
    examples: Sequence[str] | None = None,
    tolerance: float | None = None,
    max_tokens: int | None = None,
    reverse: bool = False,
    overwrite: bool = False,
) -> float:
    """Writes a folder that answers raw texts without TensorFlow.

    It holds `model.onnx` or `model.tflite`, from token ids to probabilities; `vocabulary.txt` and
    `tokenizer.json`; and `tfast.json` with all else a reader has to know, five texts and the
    answers that `model` gives them. `tfast.runtime` reads it, and so does `tfast predict`::

        classifier = tfast.runtime.load(folder)
        labels, probabilities = classifier.classify(["a good film"])

    Where the tokenizer's splitter is not "english", or it applies no rules, a SavedModel from
    strings to token ids takes the place of `tokenizer.json`; only TensorFlow reads that.

    Before the folder appears it is read, and its answers are compared with those of `model`. So
    this needs the extra `onnx` or `litert`.

    Args:
        model: a `TextClassifier`, a `ForwardBackwardClassifier`, or a `BlendedClassifier` of one
            of them, whose TF-IDF is in the model file too. One of mixed precision is written as
            the same in float32.
        directory: the folder to write. It appears whole or not at all.
        class_names: a name for each class, in the order of the logits.
        tokenizer: the layer from strings `(batch,)` to ragged tokens it was trained with.
        vocabulary: the `Vocabulary` it was trained with.
        file_format: "onnx", which runs faster, or "litert".
        precision: of the weights: "float32"; "float16", half the size; or "int8", which also
            multiplies integers: a quarter of the size, and by far the fastest.
        examples: texts such as will come. The comparison is made on them, and the first five are
            kept in the folder. None: on texts made of the vocabulary's words.
        tolerance: the largest difference of a probability; None: 1e-4 for float32, 0.01 for
            float16, 0.1 for int8.
        max_tokens: of a longer text only its last `max_tokens` tokens are read, so that one
            request cannot keep a server busy. None for no limit.
        reverse: whether the model was trained on documents from their end: a backward model alone.
        overwrite: whether an existing `directory` is replaced.

    Returns:
        The largest difference of a probability that was found.

    Raises:
        ValueError: the directory exists, the names do not fit the model, `file_format` or
            `precision` is unknown, `max_tokens` is below 1, `model` is of another class or knows
            another number of words, or a difference is above `tolerance`.
        ImportError: the extra is not installed.

    Examples:
        >>> import pathlib, tempfile
        >>> from tfast.text import TextClassifier
        >>> tokenizer, folder = TextTokenizer(), pathlib.Path(tempfile.mkdtemp(), "classifier")
        >>> vocabulary = Vocabulary.from_tokens([tokenizer(tf.constant(["a good film"] * 2))])
        >>> model = TextClassifier(len(vocabulary), 2, embed_size=4, hidden_size=6, num_layers=1)
        >>> difference = export_portable_text_classifier(
        ...     model, folder, ["bad", "good"], tokenizer, vocabulary)
        >>> sorted(file.name for file in folder.iterdir())
        ['model.onnx', 'tfast.json', 'tokenizer.json', 'vocabulary.txt']
    """
    if not has_core(model):
        raise ValueError(
            "model must be a TextClassifier, ForwardBackwardClassifier or BlendedClassifier, "
            f"got {model!r}"
        )
    check_blend(model, reverse=reverse)
    check_vocabulary(model, vocabulary)
    refuse_existing(directory, overwrite=overwrite)
    kind, tolerance = check_format(file_format, precision, tolerance)
    class_names = check_class_names(class_names, num_classes(model))
    if max_tokens is not None:
        max_tokens = whole_number("max_tokens", max_tokens)
    read = _TextReader(tokenizer, vocabulary, max_tokens=max_tokens, reverse=reverse)
    texts = _examples(examples, vocabulary)
    served = in_float32(model)
    content = kind.text_bytes(served, precision=precision)
    run, description = kind.runner(content), f"{file_format} file in {precision}"
    inputs = _inputs(read, texts)
    expected = _probabilities(served, inputs)
    found = np.concatenate([run(**one)["probabilities"] for one in inputs])
    difference = check_difference(found, expected, tolerance, description)

    def prepare(folder: Path) -> None:
        vocabulary.save(folder / "vocabulary.txt")
        if not read.is_english:
            parts = [p for p in (read.tokenizer, read.lookup) if isinstance(p, keras.Layer)]
            save_signatures({"serving_default": (read, [TEXT])}, folder / "tokenizer", parts=parts)

    def check(folder: Path) -> None:
        if read.is_english:
            answers = load(folder).classify(texts).probabilities
            check_difference(answers, expected, tolerance, f"{description}, read by tfast.runtime,")

    write_folder(
        directory,
        Contents(
            model=(kind.file_name, content),
            others=_tables() if read.is_english else {},
            settings={"tokenizer": read.settings()},
        ),
        kind="text",
        precision=precision,
        class_names=class_names,
        tolerance=tolerance,
        examples=examples_with_answers("text", texts, expected),
        prepare=prepare,
        check=check,
        overwrite=overwrite,
        format_number=read.format_number,
    )
    return difference


class _TextReader:
    """From strings `(batch,)` to what a classifier takes, as a function of a SavedModel."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        vocabulary: Vocabulary,
        *,
        max_tokens: int | None,
        reverse: bool,
    ) -> None:
        self.tokenizer, self.lookup = tokenizer, vocabulary.lookup_layer()
        self.is_english = (
            type(tokenizer) is TextTokenizer
            and tokenizer.splitter == "english"
            and tokenizer.apply_rules
        )
        self._max_tokens, self._reverse = max_tokens, reverse

    def __call__(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        documents = tf.cast(self.lookup(self.tokenizer(texts)), "int32")
        if self._max_tokens is not None:
            documents = documents[:, -self._max_tokens :]
        return pad_documents(documents, reverse=self._reverse)

    @property
    def format_number(self) -> int:
        """The oldest format whose readers read texts like this; they refuse newer ones."""
        return 3 if self.is_english and self.settings()["split_mentions"] else 1

    def settings(self) -> dict[str, Any]:
        """What a reader has to know of it."""
        flags = ("add_start", "add_end", "mark_fields", "split_mentions")
        return {
            "splitter": "english" if self.is_english else "saved_model",
            **{flag: bool(getattr(self.tokenizer, flag, False)) for flag in flags},
            "reverse": self._reverse,
            "max_tokens": self._max_tokens,
        }


def _inputs(read: _TextReader, texts: Sequence[str]) -> list[dict[str, np.ndarray]]:
    """Text by text: what else is in a batch may change how int8 rounds."""
    traced = tf.function(read, input_signature=[TEXT], autograph=False)
    inputs = [traced(tf.constant([text])) for text in texts]
    return [{name: value.numpy() for name, value in one.items()} for one in inputs]


def _probabilities(model: keras.Model, inputs: Sequence[dict[str, np.ndarray]]) -> np.ndarray:
    """What a model says to texts, one by one; traced, since steps in time are slow without."""
    signature = {
        name: tf.TensorSpec([1, *[None] * (value.ndim - 1)], value.dtype)
        for name, value in inputs[0].items()
    }
    traced = tf.function(
        lambda one: tf.nn.softmax(model(one, training=False)),
        input_signature=[signature],
        autograph=False,
    )
    return np.concatenate([traced(one).numpy() for one in inputs])


def _tables() -> dict[str, bytes]:
    tables = json.dumps(tokenizer_tables(), ensure_ascii=False, indent=1)
    return {"tokenizer.json": (tables + "\n").encode()}


def _examples(examples: Sequence[str] | None, vocabulary: Vocabulary) -> list[str]:
    """Texts to compare on: those given, and further ones where they are fewer than five."""
    texts = [] if examples is None else list(examples)
    if isinstance(examples, str) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"examples must be a list of texts, got {examples!r:.80}")
    source = random.Random(0)
    words = [word for word in vocabulary.words if word not in SPECIAL_TOKENS] or ["word"]
    made_up = [" ".join(source.choices(words, k=k)) for k in (3, 10, 30, 80, 200)]
    return texts if len(texts) >= NUM_EXAMPLES else [*texts, _HARD_TEXT, "", *made_up]
