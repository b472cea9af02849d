"""Packs a trained language model into the package: it becomes `tfast/english`.

    python scripts/pack_english.py RUN [RUN ...]

RUN is the folder of a finished `tfast train-language-model`. Of several, each but the first started
from the one before it; the last one's model is packed, and the card tells of all. It is measured
on the validation texts of every run, with its own weights and as they are packed, in float16.

Writes the folder tfast/pretrained/weights/english, and into tfast/pretrained/bundled.json the
hashes of its files and what `tfast pretrained` shows. Commit both.
"""

import argparse
import dataclasses
import itertools
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from tfast.arguments import whole_number
from tfast.fastai.conversion import assign_entries, ignored_names
from tfast.fastai.reading import load_weights
from tfast.fastai.text_models import language_model_entries, language_model_to_fastai
from tfast.files import atomic_write
from tfast.pretrained import bundled
from tfast.pretrained.checksums import sha256_of
from tfast.pretrained.keras_files import read_keras, read_vocabulary
from tfast.recipes import LanguageModelRecipe
from tfast.recipes.results import write_json
from tfast.text.lm_batches import lm_batches
from tfast.text.models.language_model import LanguageModel
from tfast.text.stored_documents import open_stored_documents

TEMPLATE = Path(__file__).with_name("english_card.md")
(ENTRY,) = bundled.BUNDLED_ENTRIES
WEIGHTS, VOCABULARY, CARD = ENTRY.files
MODEL = "language_model.keras"
MOST_BYTES = 25_000_000


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What the card says of a file of texts."""

    short: str
    full: str


# No other texts: their licence must be known, and be said here and in NOTICE.
CORPORA = {
    "wikipedia_en.csv.xz": Corpus(
        "Wikipedia",
        "English Wikipedia articles as they stood in 2014, without lists, headings and short "
        "stubs; CC BY-SA 3.0 (https://creativecommons.org/licenses/by-sa/3.0/), by its "
        "contributors, whom each article's history at https://en.wikipedia.org names.",
    ),
    "imdb_unsup.csv.gz": Corpus(
        "film reviews",
        "10,000 unlabelled film reviews of the Large Movie Review Dataset (Maas et al. 2011, "
        "Learning Word Vectors for Sentiment Analysis, "
        "https://ai.stanford.edu/~amaas/data/sentiment/). Their authors are users of IMDb; the "
        "data set has no licence of its own. None of its labelled or test reviews was read.",
    ),
}


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: of the run.
        result: what `result.json` holds.
    """

    folder: Path
    result: dict

    @property
    def settings(self):
        """Of its recipe."""
        return self.result["settings"]

    @property
    def corpora(self):
        """Of the files that were trained on; the validation texts are the last one's."""
        return [CORPORA[Path(path).name] for path in self.result["paths"]["data"]]

    @property
    def started_from_another(self):
        """Whether it began with a trained model."""
        return self.result.get("started_from") is not None

    def started_from(self, earlier):
        """Whether it began with the model of another run."""
        files = self.result["pretrained"][0]["sha256"] if self.started_from_another else {}
        return sha256_of(earlier.folder / MODEL) in files.values()

    @property
    def steps(self):
        """Of training."""
        rows = (self.result["training_tokens"] - 1) // self.settings["batch_size"]
        return self.settings["epochs"] * -(-rows // self.settings["window"])

    @property
    def processor_hours(self):
        """All processors of the machine count."""
        return self.result["seconds"] * self.result["environment"]["processors"] / 3600

    def command(self, number):
        """What makes it again."""
        words = ["tfast train-language-model --data"]
        words += [Path(path).name for path in self.result["paths"]["data"]]
        if self.started_from_another:
            words.append(f"--pretrained runs/{number - 1}/{MODEL}")
        for field in LanguageModelRecipe.fields():
            value = self.settings.get(field.name, field.default)
            if value in (None, field.default) or field.name == "pretrained":
                continue
            option = field.name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{option}" if value else f"--no-{option}")
            else:
                words.append(f"--{option} {value}")
        return " ".join([*words, f"--output runs/{number}"])


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
    target = bundled.WEIGHTS / str(ENTRY.bundled)
    with atomic_write(target) as temporary:
        temporary.mkdir()
        np.savez(temporary / WEIGHTS, **halves)
        vocabulary.save(temporary / VOCABULARY)
        assign_entries(language_model_entries(model), load_weights(temporary / WEIGHTS))
        packed = [perplexity(model, run, vocabulary, most) for run in runs]
        card = make_card(runs, model, list(zip(own, packed, strict=True)), most)
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


def make_card(runs, model, measured, most):
    """The model card."""
    sizes = model.encoder.settings
    commands = [run.command(number) for number, run in enumerate(runs, start=1)]
    corpora = dict.fromkeys(corpus for run in runs for corpus in run.corpora)
    return TEMPLATE.read_text(encoding="utf-8").format(
        **{name: f"{sizes[name]:,}" for name in ("embed_size", "hidden_size", "num_layers")},
        vocab_size=f"{sizes['vocab_size']:,}",
        parameters=f"{sum(int(np.prod(w.shape)) for w in model.trainable_weights):,}",
        corpora="\n".join(f"- {corpus.full}" for corpus in corpora),
        runs="\n".join(_row(n, run) for n, run in enumerate(runs, start=1)),
        hours=f"{sum(run.processor_hours for run in runs):.1f}",
        measured="\n".join(
            f"| the {most or run.settings['valid']} last texts of run {number} "
            f"({run.corpora[-1].short}) | {_number(own)} | {_number(packed)} |"
            for number, (run, (own, packed)) in enumerate(zip(runs, measured, strict=True), start=1)
        ),
        commands="\n".join([*commands, f"python scripts/pack_english.py {_folders(len(runs))}"]),
    )


def _row(number, run):
    result, settings = run.result, run.settings
    cells = [
        f"{number}: {', '.join(corpus.short for corpus in run.corpora)}",
        f"{result['training_texts']:,}",
        f"{settings['epochs']} x {result['training_tokens']:,}",
        f"{run.steps:,} of {settings['batch_size']} x {settings['window']}",
        f"{settings['learning_rate']:g}",
        settings["precision"],
        f"{result['seconds']:,.0f}",
        f"{run.processor_hours:.1f}",
        f"{result['perplexity']:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _number(value):
    return "not measured" if value is None else f"{value:.2f}"


def _folders(number):
    return " ".join(f"runs/{n}" for n in range(1, number + 1))


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
