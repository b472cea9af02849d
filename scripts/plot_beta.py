"""Draws what mixup draws from: Beta densities, and a sheet of mixed pictures.

    python scripts/plot_beta.py --output plots
    python scripts/plot_beta.py --data FOLDER --alpha 0.2 --output plots

FOLDER holds a folder of pictures for each class; without it the pictures are scikit-learn's
digits.
"""

import math
from pathlib import Path

import environment  # noqa: F401 (before TensorFlow)
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from command_line import OneLineParser, positive

from tfast.files import atomic_write
from tfast.vision.images import ImageFolder
from tfast.vision.mixup import mixup_dataset
from tfast.vision.preprocessing import ImagePreprocessing

ALPHAS = (0.1, 0.2, 0.4, 1.0, 2.0, 8.0)
ROWS, COLUMNS = 4, 6


def beta_density(share, alpha):
    """Density of Beta(alpha, alpha): s^(alpha-1) (1-s)^(alpha-1) gamma(2 alpha) / gamma(alpha)^2.

    In logarithms, as the gamma function itself overflows at 172.
    """
    log_constant = math.lgamma(2 * alpha) - 2 * math.lgamma(alpha)
    return np.exp(log_constant + (alpha - 1) * (np.log(share) + np.log1p(-share)))


def plot_densities(path):
    """One curve for each alpha."""
    share = np.linspace(0.005, 0.995, 400)
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for alpha in ALPHAS:
        axes.plot(share, beta_density(share, alpha), label=f"alpha = {alpha:g}")
    axes.set(xlabel="share", ylabel="density", ylim=(0, 4), title="Beta(alpha, alpha)")
    figure.legend(loc="outside right upper")
    save(figure, path)


def plot_mixed_pictures(path, dataset, class_names, alpha, seed):
    """A grid of pictures of a mixed batch, each with the labels it is made of."""
    images, labels = next(iter(mixup_dataset(dataset.repeat(), alpha, seed=seed)))
    figure, grid = plt.subplots(ROWS, COLUMNS, figsize=(11, 8.5), layout="constrained")
    for axes in grid.flat:
        axes.axis("off")
    for axes, image, label in zip(grid.flat, images.numpy(), labels.numpy(), strict=False):
        axes.imshow(np.clip(image, 0, 1), interpolation="nearest")
        parts = [i for i in np.argsort(-label) if label[i] > 0.005]
        axes.set_title("\n".join(f"{label[i]:.2f} {class_names[i]}" for i in parts), fontsize=9)
    figure.suptitle(f"mixup, alpha = {alpha:g}: a batch and its labels")
    save(figure, path)


def digits():
    """Scikit-learn's digits in [0, 1] with one-hot labels, as one shuffled batch."""
    from sklearn.datasets import load_digits

    data = load_digits()
    chosen = np.random.RandomState(0).permutation(len(data.images))[: ROWS * COLUMNS]
    images = np.repeat(data.images[chosen, ..., None] / 16, 3, axis=-1).astype("float32")
    batch = (images, tf.one_hot(data.target[chosen], 10))
    return tf.data.Dataset.from_tensors(batch), [str(digit) for digit in range(10)]


def pictures(directory, image_size):
    """A shuffled batch of the pictures of a folder, in [0, 1]."""
    plain = ImagePreprocessing(mean=0.0, standard_deviation=1.0)
    folder = ImageFolder.read(directory, on_bad_image="skip")
    dataset = folder.training_batches(
        image_size=image_size, batch_size=ROWS * COLUMNS, seed=0, preprocessing=plain
    )
    return dataset, folder.class_names


def save(figure, path):
    """Writes a figure whole or not at all, and says where."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)
    print(path)


def main():
    """Reads the command line and writes both pictures."""
    parser = OneLineParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder with a folder of pictures a class")
    parser.add_argument(
        "--image-size", type=positive(int), default=128, help="of the pictures of --data"
    )
    parser.add_argument("--alpha", type=positive(float), default=0.4, help="of the mixed pictures")
    parser.add_argument("--seed", type=int, default=0, help="of the mixed pictures")
    parser.add_argument("--output", type=Path, default=Path("plots"), help="folder to write to")
    arguments = parser.parse_args()
    try:
        if arguments.data:
            dataset, class_names = pictures(arguments.data, arguments.image_size)
        else:
            dataset, class_names = digits()
        mixed = arguments.output / "mixup.png"
        plot_mixed_pictures(mixed, dataset, class_names, arguments.alpha, arguments.seed)
    except ValueError as error:
        parser.error(str(error))
    plot_densities(arguments.output / "beta.png")


if __name__ == "__main__":
    main()
