"""Packs a trained language model into the package: it becomes `tfast/english`.

    python scripts/pack_english.py RUN [RUN ...]

RUN is the folder of a finished `tfast train-language-model`. Of several, each but the first started
from the one before it; the last one's model is packed, and the card tells of all. It is measured
on the validation texts of every run, with its own weights and as they are packed, in float16.
Topic vectors of its words, and of pairs of them, are made from all texts of the last run but those
for validation.

Writes the folder tfast/pretrained/weights/english, and into tfast/pretrained/bundled.json the
hashes of its files and what `tfast pretrained` shows. Commit both.
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
from english_card import CORPORA, MODEL, Run, make_card

from tfast.arguments import whole_number
from tfast.fastai.conversion import assign_entries, ignored_names
from tfast.fastai.reading import load_weights
from tfast.fastai.text_models import language_model_entries, language_model_to_fastai
from tfast.files import atomic_write
from tfast.pretrained import bundled
from tfast.pretrained.checksums import sha256_of
from tfast.pretrained.keras_files import read_keras, read_vocabulary
from tfast.recipes.results import write_json
from tfast.text.gram_vectors import GramVectors
from tfast.text.lm_batches import lm_batches
from tfast.text.models.language_model import LanguageModel
from tfast.text.stored_documents import open_stored_documents
from tfast.text.topic_vectors import topic_vectors

(ENTRY,) = bundled.BUNDLED_ENTRIES
WEIGHTS, VOCABULARY, TOPICS, CARD = ENTRY.files
MOST_BYTES = 25_000_000
# A document of up to LONG tokens is of one topic; of longer ones pieces are taken, MOST_PIECES in
# all, so that a few long texts do not decide what the topics are.
LONG, PIECE, MOST_PIECES = 1000, 250, 40_000
# With fewer documents more pairs of words have vectors; so many fit in MOST_BYTES.
LEAST_DOCUMENTS = 18


def read_runs(folders):
    """Reads what the runs say of themselves, and checks that they are a chain."""
    runs = []
    for folder in folders:
        try:
            runs.append(Run(folder, json.loads((folder / "result.json").read_text("utf-8"))))
            names = [Path(path).name for path in runs[-1].result["paths"]["data"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"RUN must be the folder of a finished run, got {folder}: {error!r}"
            ) from None
        unknown = [name for name in names if name not in CORPORA]
        if unknown:
            raise ValueError(f"texts must be of {', '.join(CORPORA)}, got {', '.join(unknown)}")
        if runs[-1].settings["backward"]:
            raise ValueError(f"RUN must read forwards, got the backward one of {folder}")
    if runs[0].started_from_another:
        raise ValueError(f"the first RUN must start from nothing, got {runs[0].folder}")
    for earlier, run in itertools.pairwise(runs):
        if not run.started_from(earlier):
            raise ValueError(f"RUN must have started from {earlier.folder}, got {run.folder}")
    return runs


def read_model(folder):
    """The model of a run, in float32, and its vocabulary."""
    model = read_keras(folder / MODEL)
    if not isinstance(model, LanguageModel) or model.dtype_policy.name != "float32":
        raise ValueError(f"RUN must hold a float32 LanguageModel, got {folder}")
    return model, read_vocabulary(folder / "vocabulary.txt", model)


def in_float16(model):
    """The weights under fastai's names. A tied decoder is not written twice."""
    state = language_model_to_fastai(model)
    for name in ignored_names(state):
        del state[name]
    with np.errstate(over="ignore"):
        halves = {name: array.astype("float16") for name, array in state.items()}
    too_large = [name for name, array in halves.items() if not np.isfinite(array).all()]
    if too_large:
        raise ValueError(f"weights must be in the range of float16, got {', '.join(too_large)}")
    return halves


def perplexity(model, run, vocabulary, most):
    """Of a run's validation texts, or of the last `most` of them; None where words differ."""
    documents = open_stored_documents(run.folder / "token_ids")
    words = documents.vocabulary.words
    if vocabulary.words[: len(words)] != words:
        print(f"{run.folder}: not measured, its vocabulary is another")
        return None
    number = min(run.settings["valid"], most or run.settings["valid"])
    batches = lm_batches(
        documents.select(len(documents) - number, len(documents)),
        batch_size=min(run.settings["batch_size"], model.carried_states.max_batch_size),
        sequence_length=run.settings["window"],
        training=False,
        reverse=run.settings["backward"],
    )
    model.compile(jit_compile=False)
    return model.evaluate(batches, return_dict=True)["perplexity"]


def topic_documents(run):
    """What topic vectors are made from: token ids, and how many of them are whole documents."""
    documents = open_stored_documents(run.folder / "token_ids")
    documents = documents.select(0, len(documents) - run.settings["valid"])
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


def in_int8(vectors):
    """Directions as small integers: 1 / sqrt(size), about what a number of theirs is, becomes 1."""
    found = vectors.directions()
    words, rows = (
        np.rint(some * np.sqrt(found.size)).astype("int8")
        for some in (found.words, found.pair_vectors)
    )
    return GramVectors(words, found.pairs, rows)


def pack(folders, most=None):
    """Does all of it.

    Args:
        folders: of the runs, in their order.
        most: validation texts of each run to measure on, the last ones; None for all.

    Raises:
        ValueError: a run is not finished, of other texts or not of this chain; weights overflow
            float16, or the files are too large.
    """
    runs = read_runs(folders)
    model, vocabulary = read_model(runs[-1].folder)
    halves = in_float16(model)
    own = [perplexity(model, run, vocabulary, most) for run in runs]
    documents, num_whole = topic_documents(runs[-1])
    topics = in_int8(
        topic_vectors(documents, vocab_size=len(vocabulary), min_texts=LEAST_DOCUMENTS)
    )
    target = bundled.WEIGHTS / str(ENTRY.bundled)
    with atomic_write(target) as temporary:
        temporary.mkdir()
        np.savez(temporary / WEIGHTS, **halves)
        vocabulary.save(temporary / VOCABULARY)
        topics.save(temporary / TOPICS)
        assign_entries(language_model_entries(model), load_weights(temporary / WEIGHTS))
        packed = [perplexity(model, run, vocabulary, most) for run in runs]
        card = make_card(
            runs,
            model,
            list(zip(own, packed, strict=True)),
            most,
            topic_size=topics.size,
            num_pairs=len(topics.pairs),
            num_whole=num_whole,
            num_pieces=documents.shape[0] - num_whole,
        )
        (temporary / CARD).write_text(card, encoding="utf-8", newline="\n")
        paths = [temporary / name for name in ENTRY.files]
        hashes = {path.name: sha256_of(path) for path in paths}
        num_bytes = sum(path.stat().st_size for path in paths)
        if num_bytes > MOST_BYTES:
            raise ValueError(f"files must have {MOST_BYTES:,} bytes at most, got {num_bytes:,}")
    record = json.loads(bundled.RECORD.read_text(encoding="utf-8"))
    result = f"{runs[0].corpora[-1].short}, perplexity {packed[0]:.1f}" if packed[0] else ""
    record[ENTRY.bundled] = {"num_bytes": num_bytes, "result": result, "sha256": hashes}
    write_json(bundled.RECORD, record)
    for name, sha256 in hashes.items():
        print(f"{sha256}  {name}")
    print(f"{target}: {num_bytes:,} bytes; {result}")


def main(argv=None):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument(
        "--measure", type=int, metavar="TEXTS", help="validation texts, the last; without it all"
    )
    arguments = parser.parse_args(argv)
    try:
        if arguments.measure is not None:
            whole_number("measure", arguments.measure)
        pack(arguments.runs, arguments.measure)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
