"""Documents as token ids in a file, for more text than fits into memory."""

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfast import arguments
from tfast.data.folders import files_below
from tfast.files import atomic_write
from tfast.text.documents import number_words
from tfast.text.texts import TEXT_ENDINGS
from tfast.text.tokenization.special_tokens import UNKNOWN_ID
from tfast.text.tokenization.token_batches import Tokenizer, tokenize
from tfast.text.vocabulary import Vocabulary
from tfast.types import PathLike

# Numbers of words that are turned into ids at a time.
_PIECE = 1 << 22


@dataclasses.dataclass(frozen=True)
class StoredDocuments:
    """Documents whose token ids lie in a file, or in memory, and are read when they are needed.

    Attributes:
        vocabulary: the words that the ids stand for.
        ids: integers `(tokens,)`, all documents one after another; usually a `numpy.memmap`.
        starts: int64 `(1 + documents,)`: where each document begins in `ids`, and where the
            last one ends.

    Examples:
        >>> import tempfile
        >>> documents = store_documents(["a film", "a"], tempfile.mkdtemp() + "/ids", held_out=0)
        >>> len(documents), documents.num_tokens
        (2, 5)
        >>> documents.select(1, 2).read().tolist()  # xxbos, a
        [2, 9]
    """

    vocabulary: Vocabulary
    ids: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def num_tokens(self) -> int:
        """Number of tokens of all documents together."""
        return int(self.starts[-1] - self.starts[0])

    def select(self, first: int, last: int) -> "StoredDocuments":
        """The documents from number `first` to before number `last`; nothing is read."""
        return dataclasses.replace(self, starts=self.starts[first : last + 1])

    def counts(self) -> np.ndarray:
        """How often each word of the vocabulary comes, int64 `(vocab,)`."""
        counts = np.zeros(len(self.vocabulary), "int64")
        for piece in _pieces(self.ids[self.starts[0] : self.starts[-1]]):
            counts += np.bincount(piece, minlength=len(counts))
        return counts

    def read(self) -> np.ndarray:
        """All ids, int32 `(tokens,)`, in memory."""
        return np.asarray(self.ids[self.starts[0] : self.starts[-1]], "int32")


def store_documents(
    texts: Iterable[str],
    folder: PathLike,
    *,
    held_out: int,
    known: Vocabulary | None = None,
    max_size: int = 60_000,
    min_frequency: int = 2,
    tokenizer: Tokenizer | None = None,
    description: dict[str, Any] | None = None,
    title: str | None = None,
) -> StoredDocuments:
    """Tokenizes texts once, to a vocabulary and to ids in a file.

    Memory holds the distinct words, 8 bytes a document, the first `held_out` + 1 texts, and what
    `tokenize` has in work: batches of at most 256 texts that end after four million characters,
    one more than there are threads. Disk holds 2 or 4 bytes a token, 6 or 8 while it is made. The
    folder is written whole or not at all.

    Args:
        texts: strings; an iterator is read once.
        folder: where to write; it must not exist.
        held_out: the words of so many last texts, those for validation, do not count for the
            vocabulary.
        known: a vocabulary that comes first, with its ids: that of a pretrained model.
        max_size: see `Vocabulary.from_tokens`; with `known` the number of words more than it
            has, 0 for exactly its words.
        min_frequency: see `Vocabulary.from_tokens`.
        tokenizer: from strings `(batch,)` to ragged tokens; None for a `TextTokenizer`.
        description: what the texts are, for `is_store_of`; JSON must be able to hold it.
        title: printed above a progress bar; None for no progress bar.

    Returns:
        `StoredDocuments`.

    Raises:
        ValueError: the folder exists, or there are not more texts than `held_out`.
    """
    held_out = arguments.whole_number("held_out", held_out, minimum=0)
    texts = iter(texts)
    first = list(itertools.islice(texts, held_out + 1))
    if len(first) <= held_out:
        raise ValueError(f"texts must be more than the {held_out} held out, got {len(first)}")
    numbers: dict[bytes, int] = {}
    lengths = [np.empty(0, "int64")]
    with atomic_write(folder, overwrite=False) as temporary:
        temporary.mkdir()
        scratch = temporary / "numbers"
        with scratch.open("wb") as file:
            tokens = tokenize(itertools.chain(first, texts), tokenizer=tokenizer, title=title)
            for token_numbers, lengths_of_batch in number_words(tokens, numbers):
                token_numbers.tofile(file)
                lengths.append(lengths_of_batch)
        starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
        all_numbers = np.memmap(scratch, "int32", "r", shape=(int(starts[-1]),))
        counts = np.zeros(len(numbers), "int64")
        for piece in _pieces(all_numbers[: starts[-1 - held_out]]):
            counts += np.bincount(piece, minlength=len(numbers))
        count_of = dict(zip(numbers, counts.tolist(), strict=True))
        vocabulary = _choose_words(count_of, known, max_size, min_frequency)
        _write_ids(temporary / "ids", all_numbers, numbers, vocabulary)
        del all_numbers
        scratch.unlink()
        np.save(temporary / "starts.npy", starts)
        vocabulary.save(temporary / "vocabulary.txt")
        (temporary / "description.json").write_text(json.dumps(description or {}))
    return open_stored_documents(folder)


def open_stored_documents(folder: PathLike) -> StoredDocuments:
    """What `store_documents` wrote.

    Raises:
        ValueError: the folder holds something else, or part of it.
    """
    folder = Path(folder)
    try:
        vocabulary = Vocabulary.load(folder / "vocabulary.txt")
        starts = np.load(folder / "starts.npy")
        ids = np.memmap(folder / "ids", _id_dtype(vocabulary), "r")
    except OSError as error:
        raise ValueError(f"{folder} holds no stored documents: {error}") from None
    if len(ids) != starts[-1]:
        raise ValueError(f"{folder / 'ids'} must have {starts[-1]} ids, got {len(ids)}")
    return StoredDocuments(vocabulary, ids, starts)


def describe_files(paths: Sequence[Path]) -> dict[str, Any]:
    """What texts are in files and folders, wherever these lie: part of a description.

    Args:
        paths: of what `tfast.text.iterate_unlabelled` reads. All bytes are read.

    Returns:
        `files`, the name and size of each file, and `sha256`, the digest of their contents and
        of their names within the folders.
    """
    files = []
    digest = hashlib.sha256()
    for path in paths:
        for name in files_below(path, TEXT_ENDINGS)[0] if path.is_dir() else [path]:
            file = Path(name)
            files.append((file.name, file.stat().st_size))
            # "." for a path that is a file: one in a folder is read otherwise.
            digest.update(bytes(file.relative_to(path)) + b"\0")
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
    return {"files": files, "sha256": digest.hexdigest()}


def is_store_of(
    folder: PathLike, description: dict[str, Any], *, digest_needed: bool = True
) -> bool:
    """Whether a folder holds stored documents of this description.

    Args:
        folder: it need not exist.
        description: see `store_documents`.
        digest_needed: whether `sha256` must be there; tfast once stored none.
    """
    file = Path(folder) / "description.json"
    if not file.exists():
        return False
    stored, wanted = json.loads(file.read_text()), json.loads(json.dumps(description))
    if not digest_needed and "sha256" not in stored:
        wanted.pop("sha256", None)
    return bool(stored == wanted)


def _choose_words(
    counts: dict[bytes, int], known: Vocabulary | None, max_size: int, min_frequency: int
) -> Vocabulary:
    if known is None:
        return Vocabulary.from_counts(counts, max_size=max_size, min_frequency=min_frequency)
    if max_size == 0:
        return known
    return known.extended(counts, max_new=max_size, min_frequency=min_frequency)


def _pieces(array: np.ndarray) -> Iterator[np.ndarray]:
    for start in itertools.count(0, _PIECE):
        piece = array[start : start + _PIECE]
        if not len(piece):
            return
        yield piece


def _write_ids(
    path: Path, all_numbers: np.ndarray, numbers: dict[bytes, int], vocabulary: Vocabulary
) -> None:
    id_of_word = {word.encode(): number for number, word in enumerate(vocabulary.words)}
    ids = [id_of_word.get(word, UNKNOWN_ID) for word in numbers]
    id_of_number = np.array(ids, _id_dtype(vocabulary))
    with path.open("wb") as file:
        for piece in _pieces(all_numbers):
            id_of_number[piece].tofile(file)


def _id_dtype(vocabulary: Vocabulary) -> str:
    return "uint16" if len(vocabulary) <= 1 << 16 else "int32"
