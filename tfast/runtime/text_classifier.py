"""Raw texts in, probabilities out."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tfast.runtime.classifier import BATCH_SIZE, Answers, Classifier
from tfast.runtime.errors import FolderError
from tfast.runtime.folder import PortableFolder
from tfast.runtime.forms import as_ids
from tfast.runtime.tokenizer import Tokenizer
from tfast.runtime.vocabulary import PADDING_ID, UNKNOWN_ID, read_vocabulary

# Tokens that the model reads together, padding included: memory grows with them.
_BATCH_TOKENS = 16_384


class TextClassifier(Classifier[str | bytes | Sequence[str | bytes]]):
    """A classifier of texts."""

    def __init__(self, folder: PortableFolder, *, num_threads: int) -> None:
        flags = ("add_start", "add_end", "mark_fields", "reverse")
        kinds = {"splitter": str, "max_tokens": (int, type(None))} | dict.fromkeys(flags, bool)
        settings = folder.settings("tokenizer", kinds)
        if "split_mentions" in settings:  # which older folders do not have
            folder.settings("tokenizer", {"split_mentions": bool})
        if settings["splitter"] != "english":
            raise FolderError(
                f"{folder.directory} splits texts with a {settings['splitter']}, which only "
                "TensorFlow reads: use the SavedModel"
            )
        super().__init__(folder, num_threads=num_threads)
        self._max_tokens = settings["max_tokens"]
        self._reverse = settings["reverse"]
        self._read = Tokenizer(
            folder.read_json("tokenizer.json"),
            add_start=settings["add_start"],
            add_end=settings["add_end"],
            mark_fields=settings["mark_fields"],
            split_mentions=settings.get("split_mentions", False),
            form=as_ids(read_vocabulary(folder.path("vocabulary.txt")), UNKNOWN_ID),
        )

    def classify(self, inputs: Iterable[str | bytes | Sequence[str | bytes]]) -> Answers:
        """Classifies texts.

        Args:
            inputs: texts, str or bytes in UTF-8; each may be a sequence of fields. Those of like
                length are read together.

        Returns:
            `Answers`.

        Raises:
            ValueError: `inputs` is a single text.
        """
        if isinstance(inputs, (str, bytes)):
            raise ValueError(f"inputs must be a list of texts, got {inputs[:40]!r}")
        documents = [self._token_ids(text) for text in inputs]
        probabilities = self._no_probabilities(len(documents))
        # Batches of like lengths have little padding, and short ones come first.
        order = sorted(range(len(documents)), key=lambda i: len(documents[i]))
        for indices in _batches(order, documents):
            probabilities[indices] = self._run(_padded([documents[i] for i in indices]))
        return self._answers(probabilities)

    def _example(self, example: dict[str, Any]) -> str:
        return example["text"]

    def _token_ids(self, text: str | bytes | Sequence[str | bytes]) -> np.ndarray:
        ids = np.frombuffer(self._read(text), np.int32)
        if self._max_tokens is not None:
            ids = ids[-self._max_tokens :]
        if not len(ids):
            return np.array([PADDING_ID], np.int32)
        return ids[::-1] if self._reverse else ids


def _batches(order: list[int], documents: list[np.ndarray]) -> Iterable[list[int]]:
    """Cuts `order`, in which lengths grow, into batches that memory suffices for."""
    begin = 0
    while begin < len(order):
        end = begin + 1
        while (
            end < len(order)
            and end - begin < BATCH_SIZE
            and (end + 1 - begin) * len(documents[order[end]]) <= _BATCH_TOKENS
        ):
            end += 1
        yield order[begin:end]
        begin = end


def _padded(documents: list[np.ndarray]) -> dict[str, np.ndarray]:
    lengths = np.array([len(ids) for ids in documents], np.int32)
    token_ids = np.full((len(documents), lengths.max()), PADDING_ID, np.int32)
    for row, ids in zip(token_ids, documents, strict=True):
        row[: len(ids)] = ids
    return {"token_ids": token_ids, "lengths": lengths}
