"""What mixup samples from: Beta densities, and a sheet of mixed images."""

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING

from tfast.arguments import positive_number, whole_number
from tfast.files import atomic_write
from tfast.recipes import checks
from tfast.recipes.errors import input_errors
from tfast.recipes.recipe import Recipe, setting
from tfast.types import PathLike

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf
    from matplotlib.figure import Figure

ALPHAS = (0.1, 0.2, 0.4, 1.0, 2.0, 8.0)
ROWS, COLUMNS = 4, 6


@dataclasses.dataclass(frozen=True, kw_only=True)
class MixupPlots(Recipe):
    """Draws Beta densities, and a sheet of mixed images with the labels they are made of.

    Raises:
        ValueError: a setting is not what its line says.

    Examples:
        >>> MixupPlots(alpha=0.2).image_size
        128
    """

    data: Path | None = setting(
        None,
        checks.or_none(checks.path),
        "folder with a folder of images for each class; without it scikit-learn's digits",
    )
    image_size: int = setting(128, whole_number, "of the images of data, in pixels")
    alpha: float = setting(0.4, positive_number, "of the mixed images")
    seed: int = setting(0, checks.seed, "of the mixed images")

    def run(self, output: PathLike) -> tuple[Path, Path]:
        """Writes beta.png and mixup.png into a folder.

        Returns:
            Their paths.

        Raises:
            InputError: bad images.
        """
        densities, mixed = Path(output, "beta.png"), Path(output, "mixup.png")
        with input_errors():
            dataset, class_names = self.images() if self.data else self.digits()
            sheet = plot_mixed_images(dataset, class_names, self.alpha, self.seed)
        save(plot_densities(), densities)
        save(sheet, mixed)
        return densities, mixed

    def images(self) -> tuple["tf.data.Dataset", tuple[str, ...]]:
        """A shuffled batch of the images of the folder, in [0, 1]."""
        from tfast.vision.images import ImageFolder
        from tfast.vision.preprocessing import ImagePreprocessing

        assert self.data is not None  # for mypy
        folder = ImageFolder.read(self.data, on_bad_image="skip")
        batches = folder.training_batches(
            image_size=self.image_size,
            batch_size=ROWS * COLUMNS,
            preprocessing=ImagePreprocessing(mean=0.0, standard_deviation=1.0),
            seed=0,
        )
        return batches, tuple(folder.class_names)

    def digits(self) -> tuple["tf.data.Dataset", tuple[str, ...]]:
        """Scikit-learn's digits in [0, 1] with one-hot labels, as one shuffled batch."""
        import numpy as np
        import tensorflow as tf
        from sklearn.datasets import load_digits

        data = load_digits()
        chosen = np.random.RandomState(0).permutation(len(data.images))[: ROWS * COLUMNS]
        images = np.repeat(data.images[chosen, ..., None] / 16, 3, axis=-1).astype("float32")
        batch = (images, tf.one_hot(data.target[chosen], 10))
        return tf.data.Dataset.from_tensors(batch), tuple(map(str, range(10)))


def beta_density(weight: "np.ndarray", alpha: float) -> "np.ndarray":
    """Density of Beta(alpha, alpha): w^(alpha-1) (1-w)^(alpha-1) gamma(2 alpha) / gamma(alpha)^2.

    In logarithms, as the gamma function itself overflows at 172.

    Args:
        weight: numbers between 0 and 1.
        alpha: above 0.

    Returns:
        Its density at each.
    """
    import numpy as np

    log_constant = math.lgamma(2 * alpha) - 2 * math.lgamma(alpha)
    return np.exp(log_constant + (alpha - 1) * (np.log(weight) + np.log1p(-weight)))


def plot_densities() -> "Figure":
    """One curve for each alpha."""
    import numpy as np
    from matplotlib.figure import Figure

    weight = np.linspace(0.005, 0.995, 400)
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for alpha in ALPHAS:
        axes.plot(weight, beta_density(weight, alpha), label=f"alpha = {alpha:g}")
    axes.set(xlabel="weight", ylabel="density", ylim=(0, 4), title="Beta(alpha, alpha)")
    figure.legend(loc="outside right upper")
    return figure


def plot_mixed_images(
    dataset: "tf.data.Dataset", class_names: tuple[str, ...], alpha: float, seed: int
) -> "Figure":
    """A grid of images of a mixed batch, each with the labels it is made of."""
    import numpy as np
    from matplotlib.figure import Figure

    from tfast.vision.mixup import mixup_dataset

    images, labels = next(iter(mixup_dataset(dataset.repeat(), alpha, seed=seed)))
    figure = Figure(figsize=(11, 8.5), layout="constrained")
    grid = figure.subplots(ROWS, COLUMNS)
    for axes in grid.flat:
        axes.axis("off")
    for axes, image, label in zip(grid.flat, images.numpy(), labels.numpy(), strict=False):
        axes.imshow(np.clip(image, 0, 1), interpolation="nearest")
        parts = [index for index in np.argsort(-label) if label[index] > 0.005]
        title = "\n".join(f"{label[index]:.2f} {class_names[index]}" for index in parts)
        axes.set_title(title, fontsize=9, parse_math=False)  # a class may be called "Ba$$in"
    figure.suptitle(f"mixup, alpha = {alpha:g}: a batch and its labels")
    return figure


def save(figure: "Figure", path: Path) -> None:
    """Writes a figure whole or not at all."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110)
