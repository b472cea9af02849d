"""What the card of a packed model says: which runs made it, from which texts, how good it is."""

import dataclasses
from pathlib import Path

import numpy as np

from tfast.pretrained.checksums import sha256_of
from tfast.recipes import LanguageModelRecipe

TEMPLATE = Path(__file__).with_name("english_card.md")
MODEL = "language_model.keras"


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


def make_card(runs, model, measured, most, **topics):
    """The model card; `topics` are numbers of what topic vectors were made from."""
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
        **{name: f"{number:,}" for name, number in topics.items()},
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
