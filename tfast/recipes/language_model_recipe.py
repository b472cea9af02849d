"""The recipe of a language model alone: much text -> a model that others can start from.

Here are the settings. What is done with them is in `language_model_training`, which imports
TensorFlow.
"""

import dataclasses
import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tfast.arguments import positive_number, whole_number
from tfast.recipes import checks
from tfast.recipes.errors import input_errors
from tfast.recipes.recipe import Recipe, setting
from tfast.recipes.run_folder import check_output, hold
from tfast.text.texts import iterate_unlabelled
from tfast.text.tokenization.special_tokens import SPECIAL_TOKENS
from tfast.types import PathLike

if TYPE_CHECKING:
    from tfast.recipes.language_model_training import PreparedLanguageModel


@dataclasses.dataclass(frozen=True, kw_only=True)
class LanguageModelRecipe(Recipe):
    """Trains a language model on more text than fits into memory.

    The texts are tokenized once, into a file of ids in the output folder. The model is what
    `UlmfitRecipe(pretrained=...)` starts from; or another run of this recipe, which so continues
    with other texts. A run that is killed and prepared again with
    `resume=True` ends, on CPU, with weights bit-identical to those of one that was left alone.

    Raises:
        ValueError: a setting is not what its line says, or two do not go together.

    Examples:
        >>> LanguageModelRecipe(data=("wikipedia.csv.xz",), num_candidates=6144).hidden_size
        512
        >>> LanguageModelRecipe(data=("law.csv",), pretrained="english/language_model.keras").epochs
        1
        >>> LanguageModelRecipe(data=("wikipedia.csv.xz",), num_candidates=100)
        Traceback (most recent call last):
        ValueError: num_candidates must be at least the 4480 tokens of a batch, got 100
    """

    of_new_models: ClassVar[tuple[str, ...]] = ("embedding_size", "hidden_size", "layers")

    data: tuple[Path, ...] = setting(
        (),
        checks.each(checks.path),
        "tables (.csv, .tsv, .jsonl), whose rows are documents, plain text files, whose paragraphs "
        "are, or folders, whose .txt files are",
        group="texts",
    )
    text_column: str = setting("text", checks.text, "of a table")
    encoding: str = setting("utf-8", checks.text, "of all text files")
    num_texts: int | None = setting(
        None,
        checks.or_none(whole_number),
        "train on the first so many; words are counted in all",
    )
    valid: int = setting(250, whole_number, "so many texts, the last ones, are for validation")
    vocabulary_size: int = setting(
        25_000, whole_number, "words at most, besides those of a pretrained model"
    )
    min_frequency: int = setting(3, whole_number, "of a word of the vocabulary")
    pretrained: str | Path | None = setting(
        None,
        checks.or_none(checks.name_or_path),
        "continue from a language model with vocabulary.txt beside it, or from a published one "
        "(see `tfast pretrained`): its name, archive, folder or weights file",
        metavar="FILE.keras|NAME",
        group="language model",
        same_on_resume=False,  # the hashes of its files are compared
    )
    download: bool = setting(
        False,
        checks.true_or_false,
        "fetch published weights that are not on this machine",
        same_on_resume=False,
    )
    embedding_size: int = setting(200, whole_number, "numbers for a word")
    hidden_size: int = setting(512, whole_number, "of each LSTM layer but the last")
    layers: int = setting(2, whole_number, "LSTM layers")
    word_vectors: bool = setting(
        True,
        checks.true_or_false,
        "a new model's embedding starts with vectors from counts of neighbouring words, not at "
        "random",
    )
    epochs: int = setting(1, whole_number, "passes over the texts")
    learning_rate: float = setting(3e-3, positive_number, "peak of the one cycle")
    drop_mult: float = setting(0.0, checks.at_least_zero, "multiplies all dropout rates")
    regularization: float = setting(
        0.0, checks.at_least_zero, "multiplies the two of activations (alpha 2, beta 1)"
    )
    batch_size: int = setting(
        128, whole_number, "rows in a step; the more, the less it learns of single texts by heart"
    )
    window: int = setting(35, whole_number, "tokens of a row")
    num_candidates: int | None = setting(
        None,
        checks.or_none(whole_number),
        "words that the loss of training is estimated from; without it all",
    )
    precision: Literal["float32", "float16", "bfloat16"] = setting(
        "float32",
        checks.choice_of(checks.PRECISIONS),
        "of the arithmetic; bfloat16 is faster on processors with AVX512_BF16 or AMX",
    )
    backward: bool = setting(False, checks.true_or_false, "reads from end to beginning")
    seed: int = setting(0, checks.seed, "of everything random", group="run")
    report_every: int = setting(2000, whole_number, "steps between two validations, on 100 batches")
    save_every: int = setting(
        500, whole_number, "steps between two checkpoints", same_on_resume=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        tokens = self.batch_size * self.window
        if self.num_candidates is not None and self.num_candidates < tokens:
            raise ValueError(
                f"num_candidates must be at least the {tokens} tokens of a batch, "
                f"got {self.num_candidates}"
            )
        self._check_new_model()
        if self.pretrained is None:
            whole_number("vocabulary_size", self.vocabulary_size, minimum=len(SPECIAL_TOKENS))

    def texts(self) -> Iterator[str]:
        """The texts of all of `data`, one by one.

        Raises:
            ValueError: see `tfast.text.iterate_unlabelled`.
        """
        return itertools.chain.from_iterable(map(self._texts_of, self.data))

    def prepare(self, output: PathLike, *, resume: bool = False) -> "PreparedLanguageModel":
        """Reads, checks and tokenizes everything.

        Args:
            output: the folder of the run.
            resume: whether to continue the run that it may hold.

        Returns:
            Documents, and the model to continue from, if there is one.

        Raises:
            InputError: bad texts, a bad pretrained model, settings that no model can have, or a
                folder that holds another run.
        """
        output = Path(output)
        with input_errors():
            for path in self.data:
                if not path.exists():
                    raise ValueError(f"data must be files or folders, got {path}")
            check_output(output, checkpoints="checkpoints", resume=resume)
            self._check_texts()
            from tfast.recipes import language_model_training

            return language_model_training.prepare(self, output, resume=resume)

    def run(self, output: PathLike, *, resume: bool = False) -> dict[str, Any]:
        """Prepares, trains and writes, and keeps other runs out of the folder meanwhile.

        Returns:
            What `result.json` holds: `perplexity`, `accuracy`, `seconds` and so on.

        Raises:
            InputError: see `prepare`; or another run is writing there.
            DivergedError: the weights are no longer finite.
        """
        with hold(output):
            prepared = self.prepare(output, resume=resume)
            from tfast.recipes import language_model_training

            return language_model_training.train_and_write(prepared)

    def _texts_of(self, path: Path) -> Iterator[str]:
        return iterate_unlabelled(path, text_column=self.text_column, encoding=self.encoding)

    def _check_texts(self) -> None:
        """Refuses what shows in the first texts, before hours go into tokenizing others."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of files left out: they come when all are read
            for path in self.data:
                next(self._texts_of(path), None)
            number = sum(1 for _ in itertools.islice(self.texts(), self.valid + 1))
        if number <= self.valid:
            raise ValueError(f"valid must be fewer than the {number} texts, got {self.valid}")
