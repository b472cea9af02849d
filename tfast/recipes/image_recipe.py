"""The image recipe: a folder for each class -> batches -> mixup -> XResNet -> SavedModel, report.

Here are the settings. What is done with them is in `image_preparation`, `image_training` and
`image_outputs`, which import TensorFlow.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from tfast.arguments import fraction, positive_number, whole_number
from tfast.pretrained.catalog import LOADERS_BY_ENDING
from tfast.recipes import checks
from tfast.recipes.errors import input_errors
from tfast.recipes.presets import load_preset
from tfast.recipes.recipe import Recipe, late_setting, setting
from tfast.recipes.run_folder import check_output, hold
from tfast.types import PathLike
from tfast.vision.xresnet_sizes import XRESNETS

if TYPE_CHECKING:
    from tfast.recipes.image_preparation import PreparedImages
    from tfast.recipes.image_training import TrainedImages

MODELS = tuple(XRESNETS)
ACTIVATIONS = ("relu", "mish", "silu", "gelu")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageRecipe(Recipe):
    """Trains an image classifier on a folder that holds a folder of images for each class.

    The defaults suit photographs. `prepare`, `train` and `write` run it one after another; `run`
    does all three. A run that is killed and prepared again with `resume=True` ends, on CPU, with
    weights bit-identical to those of one that was left alone.

    Raises:
        ValueError: a setting is not what its line says, or two do not go together.

    Examples:
        >>> recipe = ImageRecipe(data="images", model="xresnet50", epochs=10)
        >>> recipe.image_size, recipe.mixup
        (128, 0.2)
        >>> ImageRecipe.suggested().image_size  # without data: scikit-learn's digits
        24
        >>> ImageRecipe(data="images", epochs=0)
        Traceback (most recent call last):
        ValueError: epochs must be a whole number of at least 1, got 0
    """

    of_new_models: ClassVar[tuple[str, ...]] = ("model", "activation", "self_attention")

    data: Path | None = setting(
        None,
        checks.or_none(checks.path),
        "folder with a folder of images for each class; without it scikit-learn's digits",
        group="images",
    )
    valid: float | Path = setting(
        0.2,
        checks.part_or_path(whole_numbers=False),
        "folder of validation images, or the fraction of each class to split off",
    )
    skip_bad_images: bool = setting(
        False, checks.true_or_false, "leave out files that cannot be read"
    )
    # None, where a pretrained model says how its images were prepared, waits for that.
    image_size: int = late_setting(128, whole_number, "height and width in pixels")
    mean: tuple[float, ...] = late_setting(
        (0.485, 0.456, 0.406),
        checks.each(checks.finite_number, lengths=(1, 3)),
        "per-channel mean (or one value for all) of pixels in [0, 1]",
    )
    std: tuple[float, ...] = late_setting(
        (0.229, 0.224, 0.225),
        checks.each(positive_number, lengths=(1, 3)),
        "per-channel standard deviation (or one value for all)",
    )
    crop_ratio: float = late_setting(
        1.14,
        checks.at_least_one,
        "validation images are resized to this times the size, then cropped",
    )
    interpolation: Literal["bilinear", "bicubic"] = late_setting(
        "bilinear", checks.choice_of(("bilinear", "bicubic")), "how images are resized"
    )
    augment: Literal["crop", "pad"] = setting(
        "crop",
        checks.choice_of(("crop", "pad")),
        "random resized crop; or pad and crop, for tiny images",
        group="training",
    )
    padding: int = setting(4, checks.from_zero, "pixels on each side, where augment is pad")
    flip: bool = setting(True, checks.true_or_false, "mirror half of the training images")
    mixup: float = setting(
        0.2, checks.at_least_zero, "alpha of the Beta distribution; 0 for none", metavar="ALPHA"
    )
    label_smoothing: float = setting(0.1, fraction, "probability spread over all classes")
    epochs: int = setting(5, whole_number, "passes over the training images")
    batch_size: int = setting(64, whole_number, "images in a step")
    learning_rate: float = setting(4e-3, positive_number, "peak of the one cycle")
    precision: Literal["float32", "float16", "bfloat16"] = setting(
        "float32", checks.choice_of(checks.PRECISIONS), "of activations; weights stay float32"
    )
    seed: int = setting(0, checks.seed, "of everything random")
    save_every: int = setting(
        100, whole_number, "steps between two checkpoints", same_on_resume=False
    )
    model: str = setting(
        "xresnet18", checks.choice_of(MODELS), "xresnet18, xse_resnext50_deep ...", group="model"
    )
    activation: Literal["relu", "mish", "silu", "gelu"] = setting(
        "relu", checks.choice_of(ACTIVATIONS), "after each convolution"
    )
    self_attention: bool = setting(False, checks.true_or_false, "in one block")
    pretrained: str | Path | None = setting(
        None,
        checks.or_none(checks.name_or_path),
        "a trained model with preprocessing.json beside it, or published weights (see `tfast "
        "pretrained`): their mean, std, crop, interpolation and, where it is known, image size are "
        "used where they are not given; the model gets a new head, which is trained alone first",
        metavar="FILE.keras|NAME",
    )
    download: bool = setting(
        False,
        checks.true_or_false,
        "fetch published weights that are not on this machine",
        same_on_resume=False,
    )
    frozen_epochs: int = setting(
        1, whole_number, "of a pretrained model's new head alone, before epochs"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mixup >= 10:
            raise ValueError(f"mixup must be below 10, got {self.mixup}")
        size = self.image_size
        if self.augment == "pad" and size is not None and self.padding >= size:
            raise ValueError(
                f"padding must be below image_size, which is {self.image_size}, got {self.padding}"
            )
        if self.data is None and isinstance(self.valid, Path):
            raise ValueError(f"valid must be a fraction where data is not given, got {self.valid}")
        self._check_new_model()

    @classmethod
    def suggested(cls, **given: Any) -> Self:
        """A recipe from what is given, and what suits that for everything else.

        Without `data` these are the settings of the preset `digits`: its images are tiny and
        grey, and mirrored they are other digits.
        """
        suited = load_preset("digits").settings if given.get("data") is None else {}
        if cls(**given).follows_pretrained:
            suited = {name: v for name, v in suited.items() if name not in ("mean", "std")}
        return cls(**(suited | given))

    @property
    def is_published(self) -> bool:
        """Whether the pretrained model is published weights, not a file that tfast saved."""
        start = self.pretrained
        if isinstance(start, Path):
            return start.is_dir() or start.suffix.lower() in LOADERS_BY_ENDING
        return start is not None

    @property
    def follows_pretrained(self) -> bool:
        """Whether the pretrained model tells how images are prepared."""
        if self.pretrained is None or self.is_published:
            return self.is_published
        return preprocessing_beside(Path(self.pretrained)).is_file()

    @property
    def all_epochs(self) -> int:
        """Epochs with those of a new head alone."""
        return self.epochs + (self.frozen_epochs if self.pretrained else 0)

    def prepare(self, output: PathLike, *, resume: bool = False) -> "PreparedImages":
        """Does everything before the first step: what is wrong with the input shows here.

        Args:
            output: the folder of the run.
            resume: whether to continue the run that it may hold.

        Returns:
            Training and validation images, and the compiled model.

        Raises:
            InputError: bad images, a bad pretrained model, or a folder that holds another run.
        """
        output = Path(output)
        with input_errors():
            self._check_paths()
            check_output(output, checkpoints="checkpoint.npz", resume=resume)
            from tfast.recipes import image_preparation

            return image_preparation.prepare(self, output)

    def train(self, prepared: "PreparedImages") -> "TrainedImages":
        """Fits the model, from the checkpoint of the run where there is one.

        Raises:
            DivergedError: the weights are no longer finite.
        """
        from tfast.recipes import image_training

        return image_training.train(prepared)

    def write(self, prepared: "PreparedImages", trained: "TrainedImages") -> dict[str, Any]:
        """Fills the folder of the run: model, SavedModel, numbers, then figures.

        Returns:
            What `result.json` holds.
        """
        from tfast.recipes import image_outputs

        return image_outputs.write(prepared, trained)

    def run(self, output: PathLike, *, resume: bool = False) -> dict[str, Any]:
        """Prepares, trains and writes, and keeps other runs out of the folder meanwhile.

        Returns:
            What `result.json` holds: `accuracy` and so on.

        Raises:
            InputError: see `prepare`; or another run is writing there.
            DivergedError: see `train`.
        """
        with hold(output):
            prepared = self.prepare(output, resume=resume)
            return self.write(prepared, self.train(prepared))

    def _check_paths(self) -> None:
        for name, folder in (("data", self.data), ("valid", self.valid)):
            if isinstance(folder, Path) and not folder.is_dir():
                raise ValueError(f"{name} must be a folder, got {folder}")
        if self.data and isinstance(self.valid, Path) and self.data.samefile(self.valid):
            raise ValueError(f"valid must be another folder than data, got {self.valid}")
        if isinstance(self.pretrained, Path) and not self.pretrained.exists():
            raise ValueError(
                "pretrained must be a file, a folder, hf://OWNER/NAME or a name that "
                f"`tfast pretrained` lists, got {self.pretrained}"
            )


def preprocessing_beside(model: Path) -> Path:
    """Where a run, or an import from fastai, says how its model's images are prepared."""
    return model.with_name("preprocessing.json")
