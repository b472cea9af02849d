"""The card of a published model: what it is, how good, from what data, and which files."""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence

from tfast.arguments import fraction, positive_number
from tfast.pretrained.records import Provenance

# What the hub calls each kind of model.
TASKS = {
    "image": "image-classification",
    "text": "text-classification",
    "language_model": "text-generation",
}
_TITLES = {"accuracy": "Accuracy", "perplexity": "Perplexity"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What a model's files do not tell. Nothing of it is checked against the model.

    Attributes:
        title: the name for people.
        data: what it was trained on and tested on, with the data's own licence where it has one.
        licence: of the weights, as the hub writes it, such as "apache-2.0"; None for unknown.
        accuracy: of a classifier on the test data, in [0, 1]; None where nobody measured it.
        perplexity: of a language model on the test data; None likewise.
        baseline: the same number of something simple on the same data.
        baseline_name: what that is, such as "TF-IDF with logistic regression".
        language: of texts, as the hub writes it, such as "de".
        description: further sentences.
        started_from: the record of the weights that the training began with; None for none.

    Raises:
        ValueError: an empty text, a number out of range, or a baseline without a name or a result.

    Examples:
        >>> card = ModelCard(title="Reviews", data="2,000 reviews", licence="mit", accuracy=0.9,
        ...                  baseline=0.88, baseline_name="TF-IDF")
        >>> card.text("text", {"model.keras": "00ff"}).splitlines()[1:4]
        ['library_name: keras', 'license: "mit"', 'pipeline_tag: text-classification']
    """

    title: str
    data: str
    licence: str | None
    accuracy: float | None = None
    perplexity: float | None = None
    baseline: float | None = None
    baseline_name: str | None = None
    language: str | None = None
    description: str = ""
    started_from: Provenance | None = None

    def __post_init__(self) -> None:
        for name in ("title", "data"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"{name} must be a text, got {value!r}")
        if self.accuracy is not None:
            fraction("accuracy", self.accuracy, one=True)
        if self.perplexity is not None:
            positive_number("perplexity", self.perplexity)
        if self.accuracy is not None and self.perplexity is not None:
            raise ValueError(f"perplexity must be None beside accuracy, got {self.perplexity}")
        if (self.baseline is None) != (self.baseline_name is None):
            raise ValueError(
                f"baseline must have a name, got {self.baseline} and {self.baseline_name!r}"
            )
        if self.baseline is not None and self.result is None:
            raise ValueError(f"baseline must stand beside a result, got {self.baseline} alone")

    @property
    def metric(self) -> str:
        """What is measured: "accuracy" or "perplexity"."""
        return "accuracy" if self.perplexity is None else "perplexity"

    @property
    def result(self) -> float | None:
        """The accuracy or perplexity."""
        return self.accuracy if self.perplexity is None else self.perplexity

    def text(self, kind: str, files: Mapping[str, str], *, class_names: Sequence[str] = ()) -> str:
        """The card, in Markdown with the header that the hub reads.

        Args:
            kind: "image", "text" or "language_model".
            files: name to SHA-256 of each file.
            class_names: of a classifier.
        """
        parts = [
            _header(self, kind),
            f"# {self.title}",
            self.description.strip(),
            "## How good it is",
            _results(self),
            "## Data and licence",
            f"{self.data}\n\nLicence of the weights: {self.licence or 'not recorded'}.",
            _origin(self.started_from),
            _classes(class_names),
            "## Loading",
            _LOADING.format(name=re.sub(r"\W+", "-", self.title).strip("-").lower()),
            "## Files",
            "None is a pickle: nothing in them is run.",
            "\n".join(["| file | SHA-256 |", "|---|---|", *_rows(files)]),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"


_LOADING = """\
```python
import tfast.pretrained

loaded = tfast.pretrained.load("hf://OWNER/{name}", download=True)  # or this folder's path
loaded.model, loaded.class_names, loaded.preprocessing, loaded.tokenizer, loaded.vocabulary
```

`keras.saving.load_model("hf://OWNER/{name}")` and `keras.saving.load_model("model.keras")` load
the model alone, after `import tfast.saving; tfast.saving.register()`. `portable/`, where there is
one, answers without TensorFlow (`tfast predict`), and `fastai*.safetensors` has fastai's names."""


def _header(card: ModelCard, kind: str) -> str:
    """YAML, of which JSON is a part."""
    tags = ["tfast", "fastai", "xresnet" if kind == "image" else "awd-lstm"]
    lines = [
        "---",
        "library_name: keras",
        f"license: {json.dumps(card.licence or 'unknown')}",
        f"pipeline_tag: {TASKS[kind]}",
        f"tags: {json.dumps(tags)}",
    ]
    if card.language:
        lines.append(f"language: {json.dumps(card.language)}")
    if card.result is not None:
        data = card.data.split("\n")[0][:100]
        result = {
            "task": {"type": TASKS[kind]},
            "dataset": {"name": data, "type": re.sub(r"\W+", "-", data).strip("-").lower()},
            "metrics": [{"type": card.metric, "value": card.result}],
        }
        index = [{"name": card.title, "results": [result]}]
        lines.append(f"model-index: {json.dumps(index, ensure_ascii=False)}")
    return "\n".join([*lines, "---"])


def _results(card: ModelCard) -> str:
    if card.result is None:
        return "Nobody has measured it."
    rows = [("this model", card.result)]
    if card.baseline is not None:
        rows.append((str(card.baseline_name), card.baseline))
    lines = [f"| | {_TITLES[card.metric]} |", "|---|---|"]
    lines += [f"| {name} | {_number(card, value)} |" for name, value in rows]
    note = [] if card.baseline is not None else ["", "No baseline was measured beside it."]
    return "\n".join([*lines, *note])


def _number(card: ModelCard, value: float) -> str:
    return f"{value:.2%}" if card.metric == "accuracy" else f"{value:.2f}"


def _origin(started_from: Provenance | None) -> str:
    if started_from is None:
        return ""
    revision = f" at revision {started_from.revision}" if started_from.revision else ""
    licence = started_from.licence or "not recorded"
    lines = [f"The training began with {started_from.source}{revision}, licence {licence}:", ""]
    return "\n".join([*lines, "| file | SHA-256 |", "|---|---|", *_rows(started_from.sha256)])


def _classes(class_names: Sequence[str]) -> str:
    if not class_names:
        return ""
    shown = ", ".join(class_names[:20]) + (" ..." if len(class_names) > 20 else "")
    return f"It knows {len(class_names)} classes: {shown}."


def _rows(files: Mapping[str, str]) -> list[str]:
    return [f"| `{name}` | `{sha256}` |" for name, sha256 in sorted(files.items())]
