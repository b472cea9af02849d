"""What the card of a packed model says: which runs made it, from which texts, how good it is."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from tfast.pretrained.checksums import sha256_of

TEMPLATE = Path(__file__).with_name("english_card.md")
WEIGHTS, RESULT = "weights.npz", "result.json"
# In this order in the file of token ids. No other texts: their licence must be known, and be said
# here and in NOTICE.
CORPORA = {
    "imdb_unsup.csv.gz": (
        "10,000 unlabelled film reviews of the Large Movie Review Dataset (Maas et al. 2011, "
        "Learning Word Vectors for Sentiment Analysis, "
        "https://ai.stanford.edu/~amaas/data/sentiment/). Their authors are users of IMDb; the "
        "data set has no licence of its own. None of its labelled or test reviews was read."
    ),
    "wikipedia_en.csv.xz": (
        "English Wikipedia articles as they stood in 2014, without lists, headings and short "
        "stubs; CC BY-SA 3.0 (https://creativecommons.org/licenses/by-sa/3.0/), by its "
        "contributors, whom each article's history at https://en.wikipedia.org names."
    ),
}
# Of a run's settings, what is not for the command that makes it again.
_OWN = ("token_ids", "start", "output", "report_every")


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run of `pretrain_on_gpu.py`.

    Attributes:
        folder: of the run.
        result: what `result.json` holds.
    """

    folder: Path
    result: dict

    @classmethod
    def read(cls, folder):
        """Reads what the run says of itself.

        Raises:
            ValueError: it is not a finished run.
        """
        try:
            run = cls(folder, json.loads((folder / RESULT).read_text("utf-8")))
            run.valid.indices(1)
            for name in ("all_documents", "all_tokens", "start_sha256", "steps", "perplexity"):
                run.result[name]
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise ValueError(
                f"RUN must be the folder of a finished run, got {folder}: {error!r}"
            ) from None
        return run

    @property
    def settings(self):
        """Of its command."""
        return self.result["settings"]

    @property
    def documents(self):
        """Numbers of the documents that it read, as its command has them."""
        return " ".join(self.settings["documents"])

    @property
    def valid(self):
        """The slice of the documents that it is measured on."""
        (part,) = self.settings["valid"]
        return slice(*(int(number) if number else None for number in part.split(":")))

    @property
    def sha256(self):
        """Of its weights; None where they are no longer there."""
        path = self.folder / WEIGHTS
        return sha256_of(path) if path.exists() else None

    def command(self, number):
        """What makes it again."""
        words = ["python scripts/pretrain_on_gpu.py runs/ids/token_ids"]
        for name, value in self.settings.items():
            if value is not None and name not in _OWN:
                values = [str(part) for part in (value if isinstance(value, list) else [value])]
                # A lone value may begin with a dash.
                equals = "=" if len(values) == 1 else " "
                words.append(f"--{name.replace('_', '-')}{equals}{' '.join(values)}")
        if self.settings["start"] is not None:
            words.append(f"--start runs/{number - 1}/{WEIGHTS}")
        return " ".join([*words, f"--output runs/{number}"])


def make_card(runs, model, measured, output, **topics):
    """The model card.

    Args:
        runs: what made it, each but the first started from the one before.
        model: what is packed.
        measured: its perplexity on the validation texts of each run.
        output: name of the folder, where it is not part of the package; else None.
        **topics: numbers of what topic vectors were made from.
    """
    sizes = model.encoder.settings
    commands = [run.command(number) for number, run in enumerate(runs, start=1)]
    pack = ["python scripts/pack_english.py runs/ids/token_ids"]
    pack += [f"runs/{number}" for number in range(1, len(runs) + 1)]
    if output is not None:
        pack.append(f"--output {output}")
    return TEMPLATE.read_text(encoding="utf-8").format(
        **{size: f"{sizes[size]:,}" for size in ("embed_size", "hidden_size", "num_layers")},
        name=output or "tfast/english",
        kind="A small English language model" if output is None else "An English language model",
        load=f'"{output or "tfast/english"}"',
        where="It comes with tfast and needs no download" if output is None else "From its folder",
        hashes=(
            "`bundled.json` of the package records their SHA-256;\nno file is a pickle."
            if output is None
            else "No file is a pickle."
        ),
        vocab_size=f"{sizes['vocab_size']:,}",
        parameters=f"{sum(int(np.prod(w.shape)) for w in model.trainable_weights):,}",
        corpora="\n".join(f"- {corpus}" for corpus in CORPORA.values()),
        runs="\n".join(_row(n, run) for n, run in enumerate(runs, start=1)),
        measured="\n".join(
            f"| `{run.settings['valid'][0]}` | {run.result['perplexity']:.2f} (run {number}) | "
            f"{packed:.2f} |"
            for number, (run, packed) in enumerate(zip(runs, measured, strict=True), start=1)
        ),
        **{key: f"{number:,}" for key, number in topics.items()},
        files=" ".join(CORPORA),
        commands="\n".join([*commands, " ".join(pack)]),
    )


def _row(number, run):
    result, settings = run.result, run.settings
    cells = [
        f"{number}: `{run.documents}`",
        f"{result['training_texts']:,}",
        f"{result['training_tokens']:,}",
        f"{result['steps']:,} of {settings['batch_size']} x {settings['window']}",
        f"{settings['learning_rate']:g}",
        f"{settings['drop_mult']:g}",
        settings["precision"],
        f"{result['seconds']:,.0f} s, {result['environment']['device']}",
    ]
    return f"| {' | '.join(cells)} |"
