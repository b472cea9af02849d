"""Packs a trained language model into the package: it becomes `tfast/english`.

    python scripts/pack_english.py TOKEN_IDS RUN [RUN ...]

TOKEN_IDS is the folder in which `tfast train-language-model` has tokenized the texts, RUN one that
`pretrain_on_gpu.py` has written. Of several, each but the first started from the one before it; the
last one's weights are packed, and the card tells of all. They are measured on the validation texts
of every run. Topic vectors of its words, and of pairs of them, are made from the texts that come
before the first run's for validation.

Writes the folder tfast/pretrained/weights/english, and into tfast/pretrained/bundled.json the
hashes of its files and what `tfast pretrained` shows. Commit both. With `--output FOLDER` it writes
only that folder: a model that is not part of the package.
"""

import argparse
import itertools
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from english_card import CORPORA, Run, make_card

from tfast.fastai.reading import load_weights
from tfast.fastai.text_models import language_model_from_fastai
from tfast.files import atomic_write
from tfast.pretrained import bundled
from tfast.pretrained.checksums import sha256_of
from tfast.recipes.results import write_json
from tfast.text.gram_vectors import GramVectors
from tfast.text.lm_batches import lm_batches
from tfast.text.stored_documents import open_stored_documents
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.tokenization.tokenizer_files import save_tokenizer
from tfast.text.topic_vectors import topic_vectors

(ENTRY,) = bundled.BUNDLED_ENTRIES
WEIGHTS, VOCABULARY, TOPICS, _, CARD = ENTRY.files
MOST_BYTES = 25_000_000
# A document of up to LONG tokens is of one topic; of longer ones pieces are taken, MOST_PIECES in
# all, so that a few long texts do not decide what the topics are.
LONG, PIECE, MOST_PIECES = 1000, 250, 40_000
# With fewer documents more pairs of words have vectors; so many fit in MOST_BYTES.
LEAST_DOCUMENTS = 18


def read_documents(folder):
    """The token ids, of the texts that the card knows."""
    try:
        description = json.loads((folder / "description.json").read_text("utf-8"))
        files = [Path(path).name for path in description["files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"TOKEN_IDS must be a folder of token ids, got {folder}: {error!r}"
        ) from None
    if files != list(CORPORA):
        raise ValueError(f"texts must be of {', '.join(CORPORA)}, got {', '.join(files)}")
    return open_stored_documents(folder)


def read_runs(folders, documents):
    """Reads what the runs say of themselves, and checks that they are a chain."""
    runs = [Run.read(folder) for folder in folders]
    for earlier, run in zip([None, *runs], runs, strict=False):
        size = run.result["all_documents"], run.result["all_tokens"]
        if size != (len(documents), documents.num_tokens):
            raise ValueError(f"RUN must have read TOKEN_IDS, got {run.folder}")
        start = run.result["start_sha256"]
        if earlier is None and start is not None:
            raise ValueError(f"the first RUN must start from nothing, got {run.folder}")
        if earlier is not None and start != earlier.sha256:
            raise ValueError(f"RUN must have started from {earlier.folder}, got {run.folder}")
    if not runs[0].valid.indices(len(documents))[0]:
        raise ValueError(
            f"the first RUN must leave texts before those for validation: {folders[0]}"
        )
    return runs


def read_model(folder):
    """The model of a run, for measuring, and its weights as they were written, in float16."""
    weights = load_weights(folder / WEIGHTS)
    damaged = [name for name, array in weights.items() if not np.isfinite(array).all()]
    if damaged:
        raise ValueError(f"weights must be in the range of float16, got {', '.join(damaged)}")
    model = language_model_from_fastai(weights)
    return model, {name: array.astype("float16") for name, array in weights.items()}


def perplexity(model, run, documents):
    """Of a run's validation texts."""
    first, last, _ = run.valid.indices(len(documents))
    batches = lm_batches(
        documents.select(first, last),
        batch_size=min(32, model.carried_states.max_batch_size),
        sequence_length=run.settings["window"],
        training=False,
    )
    model.compile(jit_compile=False)
    return model.evaluate(batches, return_dict=True)["perplexity"]


def topic_documents(documents):
    """What topic vectors are made from: token ids, and how many of them are whole documents."""
    bounds = list(itertools.pairwise(documents.starts.tolist()))
    whole = [(start, end) for start, end in bounds if end - start <= LONG]
    pieces = [
        (piece, min(piece + PIECE, end))
        for start, end in bounds
        if end - start > LONG
        for piece in range(start, end, PIECE)
    ]
    pieces = pieces[:: max(1, -(-len(pieces) // MOST_PIECES))]
    rows = [documents.ids[start:end] for start, end in whole + pieces]
    values = np.concatenate(rows).astype("int32")
    return tf.RaggedTensor.from_row_lengths(values, [len(row) for row in rows]), len(whole)


def find_tokenizer(words):
    """It sets "@" apart from names, unless the model has learned words such as "@name"."""
    mentions = [word for word in words if word.startswith("@") and word != "@"]
    return TextTokenizer(split_mentions=not mentions)


def in_int8(vectors):
    """Directions as small integers: 1 / sqrt(size), about what a number of theirs is, becomes 1."""
    found = vectors.directions()
    words, rows = (
        np.rint(some * np.sqrt(found.size)).astype("int8")
        for some in (found.words, found.pair_vectors)
    )
    return GramVectors(words, found.pairs, rows)


def pack(token_ids, folders, output=None):
    """Does all of it.

    Args:
        token_ids: folder of what was read.
        folders: of the runs, in their order.
        output: where to write; None for the package.

    Raises:
        ValueError: a run is not finished, of other texts or not of this chain; weights overflow
            float16, or the files of the package are too large.
    """
    documents = read_documents(token_ids)
    runs = read_runs(folders, documents)
    model, weights = read_model(runs[-1].folder)
    measured = [perplexity(model, run, documents) for run in runs]
    first_valid = runs[0].valid.indices(len(documents))[0]
    rows, num_whole = topic_documents(documents.select(0, first_valid))
    topics = in_int8(
        topic_vectors(rows, vocab_size=len(documents.vocabulary), min_texts=LEAST_DOCUMENTS)
    )
    target = output or bundled.WEIGHTS / str(ENTRY.bundled)
    with atomic_write(target) as temporary:
        temporary.mkdir()
        np.savez(temporary / WEIGHTS, **weights)
        documents.vocabulary.save(temporary / VOCABULARY)
        topics.save(temporary / TOPICS)
        save_tokenizer(find_tokenizer(documents.vocabulary.words), temporary)
        card = make_card(
            runs,
            model,
            measured,
            output and output.name,
            topic_size=topics.size,
            num_pairs=len(topics.pairs),
            num_whole=num_whole,
            num_pieces=rows.shape[0] - num_whole,
        )
        (temporary / CARD).write_text(card, encoding="utf-8", newline="\n")
        paths = [temporary / name for name in ENTRY.files]
        hashes = {path.name: sha256_of(path) for path in paths}
        num_bytes = sum(path.stat().st_size for path in paths)
        if output is None and num_bytes > MOST_BYTES:
            raise ValueError(f"files must have {MOST_BYTES:,} bytes at most, got {num_bytes:,}")
    if output is None:
        record = json.loads(bundled.RECORD.read_text(encoding="utf-8"))
        result = f"Wikipedia, perplexity {measured[0]:.1f}"
        record[ENTRY.bundled] = {"num_bytes": num_bytes, "result": result, "sha256": hashes}
        write_json(bundled.RECORD, record)
    for name, sha256 in hashes.items():
        print(f"{sha256}  {name}")
    print(f"{target}: {num_bytes:,} bytes; Wikipedia, perplexity {measured[0]:.1f}")


def main(argv=None):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("token_ids", type=Path, metavar="TOKEN_IDS")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="instead of the package")
    arguments = parser.parse_args(argv)
    try:
        pack(arguments.token_ids, arguments.runs, arguments.output)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
