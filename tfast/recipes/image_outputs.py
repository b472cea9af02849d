"""What an image run leaves."""

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tfast.export.images import export_image_classifier
from tfast.recipes.divergence import check_finite
from tfast.recipes.image_preparation import PreparedImages
from tfast.recipes.image_training import TrainedImages, validation_batches
from tfast.recipes.results import (
    write_figures,
    write_history,
    write_json,
    write_model,
    write_result,
)
from tfast.recipes.served import MOST_IMAGES, Served
from tfast.training.inspection import figures
from tfast.vision.decoding import decode_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write(prepared: PreparedImages, trained: TrainedImages) -> dict[str, Any]:
    """Fills the output folder: what cost most first, and figures last.

    Returns:
        What `result.json` holds.
    """
    recipe, output, model = prepared.recipe, prepared.output, trained.model
    check_finite(model, "in the last epoch")
    write_model(output / "model.keras", model)
    write_json(output / "preprocessing.json", prepared.preprocessing.to_dict())
    describe_served(prepared).write(output)
    write_history(output / "history.csv", trained.history)
    true_ids, probabilities = validate(prepared, model)
    result = {
        "accuracy": float((true_ids == probabilities.argmax(-1)).mean()),
        "validation_images": len(true_ids),
        "training_images": len(prepared.training.labels),
        "seconds": trained.seconds,
        "training_images_per_second": trained.images_per_second,
        "model": model.name,
        "parameters": sum(math.prod(weight.shape) for weight in model.trainable_weights),
        "seed": recipe.seed,
        "settings": prepared.settings,
        "pretrained": prepared.provenance and prepared.provenance.to_dict(),
        "paths": recipe.paths(),
    }
    write_result(output / "result.json", result)
    export_image_classifier(
        model,
        output / "saved_model",
        prepared.class_names,
        prepared.preprocessing,
        image_size=recipe.image_size,
        overwrite=True,
    )
    write_figures(
        {
            output / "curves.png": lambda: plot_curves(prepared, trained),
            output / "confusions.png": lambda: plot_confusions(prepared, true_ids, probabilities),
            output / "worst.png": lambda: plot_worst(prepared, true_ids, probabilities),
        }
    )
    return result


def describe_served(prepared: PreparedImages) -> Served:
    """What can be exported: the model, with validation images as examples."""
    paths = Served.some(prepared.validation.file_paths, MOST_IMAGES)
    return Served(
        kind="image",
        model="model.keras",
        class_names=prepared.class_names,
        image_size=prepared.recipe.image_size,
        examples=[str(Path(path).absolute()) for path in paths],
    )


def validate(prepared: PreparedImages, model: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """The classes of the validation images, and the probabilities that the model gives them."""
    logits = model.predict(validation_batches(prepared), verbose=0).astype("float64")
    return np.array(prepared.validation.labels), np.array(keras.ops.softmax(logits))


def plot_curves(prepared: PreparedImages, trained: TrainedImages) -> "Figure":
    """Loss and accuracy by epoch, and the learning rate by step."""
    epochs = len(next(iter(trained.history.values()), []))
    steps = epochs * prepared.training.steps_per_epoch(prepared.recipe.batch_size)
    rates = figures.sample_schedule(prepared.schedule, steps)
    return figures.plot_curves(trained.history, schedule=rates)


def plot_confusions(
    prepared: PreparedImages, true_ids: np.ndarray, probabilities: np.ndarray
) -> "Figure":
    """Which classes were taken for which."""
    class_names = prepared.class_names
    counts = figures.count_confusions(true_ids, probabilities.argmax(-1), len(class_names))
    return figures.plot_confusions(counts, class_names)


def plot_worst(
    prepared: PreparedImages, true_ids: np.ndarray, probabilities: np.ndarray
) -> "Figure":
    """The images that the model was most sure about, and wrong."""
    class_names, predicted_ids = prepared.class_names, probabilities.argmax(-1)
    worst = figures.most_confident_errors(true_ids, probabilities)
    paths = [os.fsencode(prepared.validation.file_paths[index]) for index in worst]
    images = [decode_image(tf.io.read_file(path)) for path in paths]
    captions = [
        f"predicted {class_names[predicted_ids[index]]}, is {class_names[true_ids[index]]}\n"
        f"with probability {probabilities[index].max():.0%}"
        for index in worst
    ]
    return figures.plot_images(images, captions)
