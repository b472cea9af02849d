"""A model trained in fastai as a tfast model and a SavedModel: read, convert, export, check."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tfast.arguments import positive_number, whole_number
from tfast.files import atomic_write
from tfast.recipes import checks
from tfast.recipes.errors import InputError, input_errors
from tfast.recipes.recipe import Recipe, setting
from tfast.types import PathLike

if TYPE_CHECKING:
    import keras
    import numpy as np

StateDict: TypeAlias = Mapping[str, "np.ndarray"]
# Probabilities that differ by more mean that something is wrong, not that sums were rounded.
TOLERANCE = 1e-4


@dataclasses.dataclass(frozen=True, kw_only=True)
class FastaiImport(Recipe):
    """Turns a model trained in fastai into a tfast model and a SavedModel.

    Language models and text classifiers (AWD_LSTM), XResNets, `vision_learner` models on an
    XResNet, and timm's resnet18d and the like; which one it is, the names of the tensors tell.
    Nothing in the files is run.

    Raises:
        ValueError: a setting is not what its line says.

    Examples:
        >>> FastaiImport(weights="pets.pth", labels=("cat", "dog")).image_size
        224
    """

    weights: Path = setting(None, checks.path, ".pth, .safetensors or .npz", metavar="FILE")
    vocabulary: Path | None = setting(
        None, checks.or_none(checks.path), "words or labels: .pkl, .json or .txt", metavar="FILE"
    )
    labels: tuple[str, ...] | None = setting(
        None,
        checks.or_none(checks.each(checks.text)),
        "a name for each class, in the model's order; they go before those of vocabulary",
        metavar="NAME",
    )
    activation: str = setting("relu", checks.text, "of an image model: relu, mish ...")
    image_size: int = setting(224, whole_number, "height and width in pixels")
    mean: tuple[float, ...] = setting(
        (0.485, 0.456, 0.406),
        checks.each(checks.finite_number, lengths=(1, 3)),
        "per-channel mean (or one value for all) of pixels in [0, 1]",
    )
    std: tuple[float, ...] = setting(
        (0.229, 0.224, 0.225),
        checks.each(positive_number, lengths=(1, 3)),
        "per-channel standard deviation (or one value for all)",
    )
    crop_ratio: float = setting(
        1.14, checks.at_least_one, "images are resized to this times the size, then cropped"
    )

    def run(self, output: PathLike, *, overwrite: bool = False) -> float:
        """Converts, exports and checks.

        Args:
            output: the folder to write, whole or not at all. It gets model.keras, for texts
                vocabulary.txt, for images preprocessing.json, for classifiers serving.json, and
                saved_model, which takes raw strings or the bytes of image files.
            overwrite: whether it may be replaced.

        Returns:
            The largest difference of a probability between SavedModel and converted model.

        Raises:
            InputError: the folder exists, input that does not fit, a package is missing that the
                kind of file needs, or the SavedModel gives other answers than the model.
        """
        if Path(output).exists() and not overwrite:
            raise InputError(
                f"output must be a new folder, got {output}: overwrite it, or name another"
            )
        with input_errors():
            return self._run(Path(output), overwrite)

    def _run(self, output: Path, overwrite: bool) -> float:
        from tfast.fastai.kinds import kind_of
        from tfast.fastai.reading import load_weights

        state_dict = load_weights(self.weights)
        print(f"{self.weights}: {len(state_dict)} tensors")
        kind = kind_of(state_dict)
        if kind == "encoder":
            raise ValueError(
                "weights must be of a whole model, what learn.save writes, got an encoder alone, "
                "what learn.save_encoder writes"
            )
        if kind in ("language_model", "text_classifier"):
            from tfast.recipes.fastai_texts import convert
        else:
            from tfast.recipes.fastai_images import convert
        with atomic_write(output, overwrite=overwrite) as folder:
            folder.mkdir()
            difference = convert(self, kind, state_dict, folder)
            if not difference <= TOLERANCE:
                raise ValueError(
                    f"the SavedModel differs from the model by {difference}: not written"
                )
        return difference


def numbered_labels(num_classes: int) -> tuple[str, ...]:
    """Labels for a model that came without."""
    print(f"No labels given: the {num_classes} classes are called by their numbers")
    return tuple(str(number) for number in range(num_classes))


def describe(
    kind: str,
    model: "keras.Model",
    ignored_names: Sequence[str],
    *,
    num_words: int = 0,
    labels: Sequence[str] = (),
) -> None:
    """Prints what was found."""
    print(f"It is a {kind} of {model.count_params():,} parameters")
    if hasattr(model, "encoder"):
        widths = ", ".join(str(width) for width in model.encoder.widths)
        print(f"  embedding {model.encoder.settings['embed_size']}, LSTM layers of {widths}")
    if num_words:
        print(f"  {num_words:,} words")
    if labels:
        print(f"  {len(labels)} classes: {' '.join(labels[:10])}{' ...' * (len(labels) > 10)}")
        print("  Probabilities are those of one class being right, never of several")
    if ignored_names:
        print(f"  {len(ignored_names)} tensors are copies or counters: {ignored_names[0]} ...")


def largest_difference(probabilities: Any, logits: Any) -> float:
    """Between served probabilities and the softmax of logits."""
    import tensorflow as tf

    return float(abs(probabilities - tf.nn.softmax(logits)).numpy().max())
