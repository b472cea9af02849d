"""What an image run starts from: nothing, a model of one's own, or published weights."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import keras

from tfast.pretrained.checksums import sha256_of
from tfast.pretrained.keras_files import read_preprocessing
from tfast.pretrained.loading import load
from tfast.pretrained.records import Provenance
from tfast.recipes.image_recipe import ImageRecipe, preprocessing_beside
from tfast.saving import load_model
from tfast.training.precision import POLICIES
from tfast.types import PathLike
from tfast.vision import xresnet
from tfast.vision.preprocessing import ImagePreprocessing
from tfast.vision.transfer import with_dtype_policy


@dataclasses.dataclass(frozen=True)
class Start:
    """What is there before the training.

    Attributes:
        model: in the precision asked for; None for a new one.
        fingerprint: a word for its files; None for a new one.
        preprocessing: of published weights, or what lies beside a model of one's own; or None.
        image_size: height and width, where they are known.
        provenance: of published weights; else None.
    """

    model: keras.Model | None = None
    fingerprint: str | None = None
    preprocessing: ImagePreprocessing | None = None
    image_size: tuple[int, int] | None = None
    provenance: Provenance | None = None

    def complete(self, recipe: ImageRecipe) -> ImageRecipe:
        """The recipe with what the weights were trained with in all that it leaves open.

        Raises:
            ValueError: neither says how large images are.
        """
        prepared, size = self.preprocessing, self.image_size
        if not recipe.follows_pretrained or prepared is None:
            return recipe
        if size is None and recipe.image_size is None:
            raise ValueError(
                f"image_size must be given, got None: {recipe.pretrained} does not tell it"
            )
        own: dict[str, Any] = {
            "image_size": size and size[0],
            "mean": prepared.mean,
            "std": prepared.standard_deviation,
            "crop_ratio": prepared.crop_ratio,
            "interpolation": prepared.interpolation,
        }
        missing = {name: v for name, v in own.items() if getattr(recipe, name) is None}
        return dataclasses.replace(recipe, **missing)


def load_start(recipe: ImageRecipe) -> Start:
    """Reads the pretrained model of a recipe.

    Raises:
        ValueError: it is no image model, or cannot be had.
    """
    if recipe.pretrained is None:
        return Start()
    if recipe.is_published:
        start = _load_published(recipe.pretrained, download=recipe.download)
    else:
        start = _load_own(Path(recipe.pretrained))
    try:
        xresnet.layer_groups(start.model)
    except Exception as error:
        raise ValueError(
            f"pretrained: {recipe.pretrained} is not an image model: {error}"
        ) from error
    assert start.model is not None  # for mypy
    fixed = start.model.input_shape[1:3]
    return dataclasses.replace(
        start,
        model=with_dtype_policy(start.model, POLICIES[recipe.precision]),
        image_size=start.image_size if None in fixed else fixed,
    )


def _load_own(path: Path) -> Start:
    try:
        model = load_model(path, compile=False)
    except Exception as error:  # whatever zip, JSON, HDF5 and Keras raise over a damaged file
        raise ValueError(f"pretrained: {path} is not an image model: {error}") from error
    start = Start(model, sha256_of(path)[:16])
    beside = preprocessing_beside(path)
    if not beside.is_file():
        return start
    print(f"{path}: images are prepared as {beside} says")
    size = ImageRecipe().image_size  # as of a new model: no file tells it
    return dataclasses.replace(
        start, preprocessing=read_preprocessing(beside), image_size=(size, size)
    )


def _load_published(name: PathLike, *, download: bool) -> Start:
    loaded = load(name, download=download)
    if loaded.preprocessing is None:
        raise ValueError(f"pretrained must be an image model, got {name}")
    print(f"{loaded.name}: {'; '.join(loaded.provenance.notes)}")
    files = json.dumps(sorted(loaded.provenance.sha256.values()))
    return Start(
        loaded.model,
        hashlib.sha256(files.encode()).hexdigest()[:16],
        loaded.preprocessing,
        loaded.image_size,
        loaded.provenance,
    )


def one_or_all(numbers: tuple[float, ...]) -> float | tuple[float, ...]:
    """Numbers of channels, as `ImagePreprocessing` takes them."""
    return numbers[0] if len(numbers) == 1 else numbers
