"""The text recipe, ULMFiT: strings -> language model -> classifier -> SavedModel and report.

Here are the settings. What is done with them is in `ulmfit_preparation`, `ulmfit_training` and
`ulmfit_outputs`, which import TensorFlow.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from tfast.arguments import positive_number, whole_number
from tfast.recipes import checks
from tfast.recipes.errors import input_errors
from tfast.recipes.presets import load_preset
from tfast.recipes.recipe import Recipe, late_setting, setting
from tfast.recipes.run_folder import check_output, hold
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.types import PathLike

if TYPE_CHECKING:
    from tfast.recipes.ulmfit_preparation import PreparedTexts
    from tfast.recipes.ulmfit_training import TrainedTexts


@dataclasses.dataclass(frozen=True, kw_only=True)
class UlmfitRecipe(Recipe):
    """Trains a text classifier by ULMFiT.

    First a language model learns from the texts at hand, or is taken as it is; then a classifier
    continues from what it has learned, and at the end it is blended with TF-IDF, which was fitted
    before. Of English texts the language model starts from `tfast/english`, which is part of the
    package.

    Whether the classifier is fine-tuned, how long and at which rates, depends on what there is to
    start from and on the number of labelled texts: settings that are None get their value once the
    texts are read, see `ulmfit_choices`.

    `prepare`, `train` and `write` run it one after another; `run` does all three. A run that is
    killed and prepared again with `resume=True` ends, on CPU, with weights bit-identical to those
    of one that was left alone.

    Raises:
        ValueError: a setting is not what its line says, or two do not go together.

    Examples:
        >>> UlmfitRecipe(data="reviews.csv").pretrained
        'auto'
        >>> UlmfitRecipe(data="reviews.csv", pretrained="none").hidden_size
        384
        >>> UlmfitRecipe(data="reviews.csv", epochs=(1, 2), learning_rates=(0.01,))
        Traceback (most recent call last):
        ValueError: learning_rates must be one for each of 2 epochs, got 1
    """

    of_new_models: ClassVar[tuple[str, ...]] = ("embedding_size", "hidden_size", "layers")

    data: Path | None = setting(
        None,
        checks.or_none(checks.path),
        "table (.csv, .tsv, .jsonl), or folder with a folder of .txt files for each class; "
        "without it docstrings of the installed libraries, told apart by library",
        group="texts",
    )
    text_column: str = setting("text", checks.text, "of a table")
    label_column: str = setting("label", checks.text, "of a table")
    encoding: str = setting("utf-8", checks.text, "of all text files")
    unlabelled: Path | None = setting(
        None,
        checks.or_none(checks.path),
        "texts without labels: a table, a folder of .txt files, or a .txt file",
    )
    general_text: Path | None = setting(
        None,
        checks.or_none(checks.path),
        "texts without labels that a language model learns from before those at hand",
    )
    valid: float | int | Path = setting(
        0.1,
        checks.part_or_path(whole_numbers=True),
        "like data; or the fraction, or the number of texts, to split off",
    )
    test: float | int | Path | None = setting(
        None,
        checks.or_none(checks.part_or_path(whole_numbers=True)),
        "the same; without it aclImdb's own test texts, or 0.1",
    )
    num_labelled: int | None = setting(
        None,
        checks.or_none(whole_number),
        "number of labelled texts to use, sampled at random; a fraction for validation is of these",
    )
    num_unlabelled: int | None = setting(
        None, checks.or_none(whole_number), "number of texts without labels to use, the first ones"
    )
    vocabulary_size: int = setting(
        20_000, whole_number, "words at most, besides those of a pretrained model"
    )
    # Most words of a few hundred short texts occur once, and TF-IDF needs them: without vectors its
    # accuracy on ten kinds of one-line descriptions rose by 8 points with 100 and 500 labels, by 3
    # with 2,000.
    min_frequency: int = setting(
        1,
        whole_number,
        "of a word of the vocabulary; language models read new ones that occur once as unknown",
    )
    pretrained: str | Path | None = setting(
        "auto",
        checks.start,
        "a language model with vocabulary.txt beside it, or a published one (see `tfast "
        "pretrained`), whose tokenizer is used: its name, archive, folder or weights file; auto: "
        "tfast/english, where the texts are English and no size of a new model is given; none",
        metavar="FILE.keras|NAME|auto|none",
        group="language model",
    )
    download: bool = setting(
        False,
        checks.true_or_false,
        "fetch published weights that are not on this machine",
        same_on_resume=False,
    )
    embedding_size: int = late_setting(128, whole_number, "numbers for a word")
    hidden_size: int = late_setting(384, whole_number, "of each LSTM layer but the last")
    layers: int = late_setting(2, whole_number, "LSTM layers")
    word_vectors: bool = setting(
        True,
        checks.true_or_false,
        "a new model's embedding starts with vectors from counts of neighbouring words",
    )
    general_epochs: int = setting(5, whole_number, "on the general text")
    lm_epochs: int = late_setting(
        2,
        checks.from_zero,
        "on the texts at hand; of a pretrained model after one more, of its embedding alone",
    )
    lm_learning_rate: float = late_setting(
        5e-3, positive_number, "peak; of a pretrained model a quarter of it once all layers learn"
    )
    lm_drop_mult: float = late_setting(0.3, checks.at_least_zero, "multiplies all dropout rates")
    lm_batch_size: int = late_setting(32, whole_number, "rows in a step")
    window: int = setting(70, whole_number, "tokens of a row")
    lm_candidates: int = late_setting(
        0, checks.from_zero, "words that the loss of training is estimated from; 0: all"
    )
    fine_tune: bool = late_setting(
        True,
        checks.true_or_false,
        "train the encoder for the classes; otherwise it stays as it is, and the head is logistic "
        "regression on its mean output: for a few hundred labels",
        group="classifier",
    )
    epochs: tuple[int, ...] = late_setting(
        (1, 3), checks.each(whole_number), "of each stage of fine-tuning"
    )
    learning_rates: tuple[float, ...] = late_setting(
        (2e-2, 5e-3), checks.each(positive_number), "peak of each stage"
    )
    drop_mult: float = late_setting(0.5, checks.at_least_zero, "multiplies all dropout rates")
    slower_by: float = late_setting(
        1.0, positive_number, "a layer's rate is the next layer's divided by this"
    )
    max_length: int = setting(1440, whole_number, "last tokens of a text that gradients reach")
    batch_size: int = late_setting(32, whole_number, "texts in a step")
    backward: bool = setting(
        False, checks.true_or_false, "a second pair of models reads backwards; both vote"
    )
    blend: bool = setting(
        True,
        checks.true_or_false,
        "export the classifier blended with TF-IDF, weighted on held-out texts",
        same_on_resume=False,
    )
    precision: Literal["float32", "float16", "bfloat16"] = setting(
        "float32",
        checks.choice_of(checks.PRECISIONS),
        "of the arithmetic of training; bfloat16 is faster on processors with AVX512_BF16 or AMX",
        group="run",
    )
    seed: int = setting(0, checks.seed, "of everything random")
    save_every: int = setting(
        100, whole_number, "steps between two checkpoints", same_on_resume=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        stages, rates = len(self.epochs or ()), len(self.learning_rates or ())
        if (self.epochs is None) != (self.learning_rates is None):
            raise ValueError(
                "epochs and learning_rates must be given together, got "
                f"{'learning_rates' if self.epochs is None else 'epochs'} alone"
            )
        if stages != rates:
            raise ValueError(f"learning_rates must be one for each of {stages} epochs, got {rates}")
        if self.lm_candidates and self.lm_candidates < (self.lm_batch_size or 0) * self.window:
            raise ValueError(
                f"lm_candidates must be 0 or at least the {self.lm_batch_size * self.window} "
                f"tokens of a batch, got {self.lm_candidates}"
            )
        if self.pretrained is None and not self.lm_epochs:
            raise ValueError("lm_epochs must be at least 1 for a new model, got 0")
        if self.pretrained is None:
            whole_number("vocabulary_size", self.vocabulary_size, minimum=len(SPECIAL_TOKENS))
        if self.general_text and self.pretrained not in (None, "auto"):
            raise ValueError(
                f"general_text must be left out beside pretrained, got {self.general_text}"
            )
        if self.data is None:
            for name in ("unlabelled", "valid", "test"):
                value = getattr(self, name)
                if isinstance(value, Path):
                    raise ValueError(f"{name} must not be a path where data is not given: {value}")
        if self.pretrained != "auto":
            self._check_new_model()

    @property
    def follows_pretrained(self) -> bool:
        """Whether settings that are None wait for the texts and for what is started from."""
        return self.pretrained is not None

    @property
    def describes_new_model(self) -> bool:
        """Whether a setting is given that only a new model can have."""
        return self.general_text is not None or any(
            getattr(self, name) is not None for name in self.of_new_models
        )

    @classmethod
    def suggested(cls, **given: Any) -> Self:
        """A recipe from what is given, and what suits that for everything else.

        Without `data` and `pretrained` these are the settings of the preset `docstrings`, small
        enough for some minutes.
        """
        suited: dict[str, Any] = {}
        if given.get("data") is None and given.get("pretrained") in (None, "none"):
            suited = load_preset("docstrings").settings
        return cls(**(suited | given))

    def prepare(self, output: PathLike, *, resume: bool = False) -> "PreparedTexts":
        """Reads and checks everything: what is wrong with the input shows here.

        Args:
            output: the folder of the run.
            resume: whether to continue the run that it may hold.

        Returns:
            Texts, vocabulary, token ids and the models to start from.

        Raises:
            InputError: bad texts, a bad pretrained model, settings that no model can have, or a
                folder that holds another run.
        """
        output = Path(output)
        with input_errors():
            self._check_paths()
            check_output(output, checkpoints="checkpoints", resume=resume)
            from tfast.recipes import ulmfit_preparation

            return ulmfit_preparation.prepare(self, output)

    def train(self, prepared: "PreparedTexts") -> "TrainedTexts":
        """Fits TF-IDF, then trains language models and classifiers.

        What a run has begun in the folder is continued.

        Raises:
            DivergedError: the weights are no longer finite.
        """
        from tfast.recipes import ulmfit_training

        return ulmfit_training.train(prepared)

    def write(self, prepared: "PreparedTexts", trained: "TrainedTexts") -> dict[str, Any]:
        """Fills the folder of the run: SavedModel, numbers, then figures.

        Returns:
            What `result.json` holds.
        """
        from tfast.recipes import ulmfit_outputs

        return ulmfit_outputs.write(prepared, trained)

    def run(self, output: PathLike, *, resume: bool = False) -> dict[str, Any]:
        """Prepares, trains and writes, and keeps other runs out of the folder meanwhile.

        Returns:
            What `result.json` holds: `accuracy`, of what is exported, `ulmfit_accuracy`,
            `tfidf_accuracy`, `blend_accuracy` and so on.

        Raises:
            InputError: see `prepare`; or another run is writing there.
            DivergedError: see `train`.
        """
        with hold(output):
            prepared = self.prepare(output, resume=resume)
            return self.write(prepared, self.train(prepared))

    def _check_paths(self) -> None:
        for name in ("data", "unlabelled", "general_text", "valid", "test", "pretrained"):
            path = getattr(self, name)
            if isinstance(path, Path) and not path.exists():
                raise ValueError(f"{name} must be a file or folder, got {path}")
