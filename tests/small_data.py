"""Small images and texts that recipes learn something from in a second."""

import csv
import shlex

import numpy as np
import tensorflow as tf

WORDS = {"good": ["fine", "great", "lovely", "superb"], "bad": ["awful", "dull", "poor", "sad"]}
TINY_IMAGES = {"image_size": 16, "augment": "pad", "crop_ratio": 1.0, "epochs": 2, "batch_size": 6}
TINY_TEXTS = {
    "embedding_size": 8,
    "hidden_size": 12,
    "layers": 1,
    "lm_epochs": 1,
    "lm_batch_size": 4,
    "window": 8,
    "lm_learning_rate": 0.03,
    "epochs": (1, 1),
    "learning_rates": (0.03, 0.02),
    "batch_size": 8,
    "valid": 0.2,
    "test": 0.2,
    "min_frequency": 1,
    "lm_drop_mult": 0.2,
    "drop_mult": 0.2,
}


def photo(height, width):
    """Edges, waves and noise: whatever shows a shift, or a value below 0 that was not cut off."""
    y, x = np.mgrid[:height, :width]
    noise = np.random.RandomState(0).normal(0, 20, (height, width))
    grey = 128 + 90 * np.sin(x / 7) * np.cos(y / 11) + noise
    pixels = np.stack([grey, np.roll(grey, 9, 1), 255 - grey], -1)
    pixels[(x // 23 + y // 31) % 2 == 0] *= 0.2
    return pixels.clip(0, 255).astype("uint8")


def write_images(folder, *, count=12, names=("bright", "dark")):
    """Classes of 16x16 images, the first bright and the second dark."""
    random = np.random.RandomState(0)
    for name, level in zip(names, (200, 30), strict=True):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = level + random.randint(-25, 25, (16, 16, 3))
            encoded = tf.io.encode_png(pixels.astype("uint8"))
            (folder / name / f"{number}.png").write_bytes(encoded.numpy())
    return folder


def write_reviews(path, *, count=60, labels=("good", "bad")):
    """A CSV file of texts whose words tell their label."""
    random = np.random.RandomState(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "stars"])
        for _ in range(count):
            kind = random.choice(list(WORDS))
            words = random.choice(WORDS[kind], random.randint(3, 9))
            writer.writerow([" ".join(["It was", *words, "."]), labels[kind == "bad"]])
    return path


def as_options(settings):
    """Settings as a command line has them."""
    values = {name: v if isinstance(v, tuple) else (v,) for name, v in settings.items()}
    words = [f"--{name.replace('_', '-')} {' '.join(map(str, v))}" for name, v in values.items()]
    return shlex.split(" ".join(words))
