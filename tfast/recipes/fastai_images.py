"""An image model of fastai or timm: converted, exported, checked."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from tfast.export.images import export_image_classifier
from tfast.fastai.conversion import ignored_names
from tfast.fastai.image_classifiers import image_classifier_from_fastai
from tfast.fastai.vocabularies import load_labels
from tfast.fastai.xresnet import xresnet_from_fastai
from tfast.recipes.fastai_import import (
    FastaiImport,
    StateDict,
    describe,
    largest_difference,
    numbered_labels,
)
from tfast.recipes.image_start import one_or_all
from tfast.recipes.results import write_json
from tfast.recipes.served import Served
from tfast.vision.preprocessing import ImagePreprocessing


def convert(recipe: FastaiImport, kind: str, state_dict: StateDict, folder: Path) -> float:
    """Fills a folder with an XResNet under whatever head; see `FastaiImport.run`."""
    is_learner = kind == "image_classifier"
    from_fastai = image_classifier_from_fastai if is_learner else xresnet_from_fastai
    model = from_fastai(state_dict, activation=recipe.activation)
    labels = recipe.labels
    if labels is None and recipe.vocabulary is not None:
        labels = tuple(load_labels(recipe.vocabulary))
    labels = labels or numbered_labels(model.output_shape[-1])
    title = "vision_learner model" if is_learner else "XResNet"
    describe(title, model, ignored_names(state_dict), labels=labels)
    preprocessing = ImagePreprocessing(
        one_or_all(recipe.mean), one_or_all(recipe.std), crop_ratio=recipe.crop_ratio
    )
    size = (recipe.image_size, recipe.image_size)
    export_image_classifier(
        model, folder / "saved_model", labels, preprocessing, image_size=size, from_logits=True
    )
    model.save(folder / "model.keras")
    write_json(folder / "preprocessing.json", preprocessing.to_dict())
    Served(
        kind="image", model="model.keras", class_names=labels, image_size=recipe.image_size
    ).write(folder)

    serve = tf.saved_model.load(str(folder / "saved_model")).signatures["serving_default"]
    images = np.random.default_rng(0).integers(0, 256, (2, 300, 400, 3), "uint8")
    encoded = tf.stack([tf.io.encode_png(image) for image in images])
    logits = model(preprocessing(images, size), training=False)
    return largest_difference(serve(image_bytes=encoded)["probabilities"], logits)
