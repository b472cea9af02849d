"""The text recipe, ULMFiT: strings -> language model -> classifier -> SavedModel and report.

Here are the settings. What is done with them is in `ulmfit_preparation`, `ulmfit_training` and
`ulmfit_outputs`, which import TensorFlow.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tfast.arguments import positive_number, whole_number
from tfast.recipes import checks
from tfast.recipes.errors import input_errors
from tfast.recipes.presets import load_preset
from tfast.recipes.recipe import Recipe, setting
from tfast.recipes.run_folder import check_output, hold
from tfast.types import PathLike

if TYPE_CHECKING:
    from tfast.recipes.ulmfit_preparation import PreparedTexts
    from tfast.recipes.ulmfit_training import TrainedTexts

# After a language model that has read far more, as fastai's tutorial has it.
AFTER_PRETRAINING = {
    "lm_epochs": 5,
    "lm_batch_size": 64,
    "lm_drop_mult": 0.5,
    "epochs": (1, 1, 1, 2),
    "learning_rates": (2e-2, 1e-2, 5e-3, 1e-3),
    "slower_by": 2.6,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class UlmfitRecipe(Recipe):
    """Trains a text classifier by ULMFiT.

    First a language model learns from all texts at hand, then a classifier continues from what
    it has learned; at the end it is blended with TF-IDF, which was fitted before. The defaults
    suit a machine without a GPU and texts that are all there is to learn from: little is lost
    when all layers learn much from the labels.

    `prepare`, `train` and `write` run it one after another; `run` does all three. A run that is
    killed and prepared again with `resume=True` ends, on CPU, with weights bit-identical to those
    of one that was left alone.

    Raises:
        ValueError: a setting is not what its line says, or two do not go together.

    Examples:
        >>> recipe = UlmfitRecipe(data="reviews.csv", epochs=(1, 3), learning_rates=(2e-2, 5e-3))
        >>> recipe.hidden_size
        384
        >>> UlmfitRecipe.suggested(data="reviews.csv", pretrained="run/language_model.keras").epochs
        (1, 1, 1, 2)
        >>> UlmfitRecipe(data="reviews.csv", epochs=(1, 2, 3))
        Traceback (most recent call last):
        ValueError: learning_rates must be one for each of 3 epochs, got 2
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
        None, checks.or_none(checks.path), "the same; a first model learns from it"
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
        None, checks.or_none(whole_number), "so many training texts, at random"
    )
    num_unlabelled: int | None = setting(
        None, checks.or_none(whole_number), "so many of the unlabelled texts"
    )
    vocabulary_size: int = setting(
        20_000, whole_number, "words at most, besides those of a pretrained model"
    )
    min_frequency: int = setting(2, whole_number, "of a word of the vocabulary")
    pretrained: str | Path | None = setting(
        None,
        checks.or_none(checks.name_or_path),
        "a language model with vocabulary.txt beside it, or a published one (see `tfast "
        "pretrained`), whose tokenizer is used: its name, archive, folder or weights file",
        metavar="FILE.keras|NAME",
        group="language model",
    )
    download: bool = setting(
        False,
        checks.true_or_false,
        "fetch published weights that are not on this machine",
        same_on_resume=False,
    )
    embedding_size: int = setting(128, whole_number, "numbers for a word")
    hidden_size: int = setting(384, whole_number, "of each LSTM layer but the last")
    layers: int = setting(2, whole_number, "LSTM layers")
    word_vectors: bool = setting(
        True,
        checks.true_or_false,
        "a new model's embedding starts with vectors from counts of neighbouring words",
    )
    general_epochs: int = setting(5, whole_number, "on the general text")
    lm_epochs: int = setting(2, whole_number, "on the labelled and unlabelled texts")
    lm_learning_rate: float = setting(5e-3, positive_number, "peak of the one cycle")
    lm_drop_mult: float = setting(0.3, checks.at_least_zero, "multiplies all dropout rates")
    lm_batch_size: int = setting(32, whole_number, "rows in a step")
    window: int = setting(70, whole_number, "tokens of a row")
    epochs: tuple[int, ...] = setting(
        (1, 3), checks.each(whole_number), "of each stage", group="classifier"
    )
    learning_rates: tuple[float, ...] = setting(
        (2e-2, 5e-3), checks.each(positive_number), "peak of each stage"
    )
    drop_mult: float = setting(0.5, checks.at_least_zero, "multiplies all dropout rates")
    slower_by: float = setting(
        1.0, positive_number, "a layer's rate is the next layer's divided by this"
    )
    max_length: int = setting(1440, whole_number, "last tokens of a text that gradients reach")
    batch_size: int = setting(32, whole_number, "texts in a step")
    backward: bool = setting(
        False, checks.true_or_false, "a second pair of models reads backwards; both vote"
    )
    blend: bool = setting(
        True,
        checks.true_or_false,
        "export the classifier blended with TF-IDF, as the validation texts weigh them",
        same_on_resume=False,
    )
    seed: int = setting(0, checks.any_whole_number, "of everything random", group="run")
    save_every: int = setting(
        100, whole_number, "steps between two checkpoints", same_on_resume=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.epochs) != len(self.learning_rates):
            raise ValueError(
                f"learning_rates must be one for each of {len(self.epochs)} epochs, "
                f"got {len(self.learning_rates)}"
            )
        if self.general_text and self.pretrained:
            raise ValueError(
                f"general_text must be left out beside pretrained, got {self.general_text}"
            )
        if self.data is None:
            for name in ("unlabelled", "valid", "test"):
                value = getattr(self, name)
                if isinstance(value, Path):
                    raise ValueError(f"{name} must not be a path where data is not given: {value}")
        self._check_new_model()

    @classmethod
    def suggested(cls, **given: Any) -> Self:
        """A recipe from what is given, and what suits that for everything else.

        Without `data` these are the settings of the preset `docstrings`, small enough for some
        minutes; with `pretrained` those of `AFTER_PRETRAINING`.
        """
        suited: dict[str, Any] = {}
        if given.get("pretrained") is not None:
            suited = AFTER_PRETRAINING
        elif given.get("data") is None:
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
