"""What a ULMFiT run leaves."""

from typing import Any

import numpy as np

from tfast.export.text import export_text_classifier
from tfast.recipes.results import write_figures, write_result, write_rows
from tfast.recipes.served import MOST_TEXTS, Served
from tfast.recipes.ulmfit_blend import BlendedTexts, blend_with_baseline
from tfast.recipes.ulmfit_preparation import PreparedTexts
from tfast.recipes.ulmfit_training import TrainedTexts
from tfast.training.inspection import figures


def write(prepared: PreparedTexts, trained: TrainedTexts) -> dict[str, Any]:
    """Fills the output folder: SavedModel, numbers, then figures.

    Returns:
        What `result.json` holds.
    """
    output, corpus, class_names = prepared.output, prepared.corpus, prepared.corpus.class_names
    blended = blend_with_baseline(prepared, trained)
    export_text_classifier(
        blended.served,
        prepared.tokenizer,
        prepared.vocabulary,
        output / "saved_model",
        class_names,
        overwrite=True,
    )
    Served(
        kind="text",
        model=blended.file,
        class_names=class_names,
        examples=Served.some(corpus.test.texts, MOST_TEXTS),
    ).write(output)
    true_ids = np.array(corpus.label_ids(corpus.test))
    probabilities = blended.served_probabilities
    result = {
        "accuracy": accuracy(true_ids, probabilities),
        **accuracies(true_ids, blended),
        "test_texts": len(corpus.test),
        "training_texts": len(corpus.train),
        "validation_texts": len(corpus.valid),
        "unlabelled_texts": len(corpus.unlabelled),
        "vocabulary": len(prepared.vocabulary),
        "parameters": trained.model.count_params(),
        "seconds": all_seconds(trained, blended),
        "seed": prepared.recipe.seed,
        "settings": prepared.settings,
        "pretrained": [provenance.to_dict() for provenance in prepared.provenance],
        "paths": prepared.recipe.paths(),
    }
    write_result(output / "result.json", result)
    write_rows(output / "worst.csv", worst_errors(prepared, true_ids, probabilities))
    counts = figures.count_confusions(true_ids, probabilities.argmax(-1), len(class_names))
    write_figures({output / "confusions.png": lambda: figures.plot_confusions(counts, class_names)})
    return result


def accuracy(true_ids: np.ndarray, probabilities: np.ndarray) -> float:
    """The fraction of texts whose most probable class is right."""
    return float((true_ids == probabilities.argmax(-1)).mean())


def accuracies(true_ids: np.ndarray, blended: BlendedTexts) -> dict[str, Any]:
    """What each classifier reaches, and how they are blended; None for what there is not."""
    found = {name: accuracy(true_ids, some) for name, some in blended.probabilities.items()}
    return {
        **{f"{name}_accuracy": found.get(name) for name in ("ulmfit", "tfidf", "blend")},
        "blend_weight": blended.blend and blended.blend.weight,
        "blend_sharpness": blended.blend and blended.blend.sharpness,
    }


def all_seconds(trained: TrainedTexts, blended: BlendedTexts) -> dict[str, float]:
    """How long everything was fitted, by its name."""
    if trained.baseline is None:
        return trained.seconds
    return {"tfidf": trained.baseline.seconds, **trained.seconds, "blend": blended.seconds}


def worst_errors(
    prepared: PreparedTexts, true_ids: np.ndarray, probabilities: np.ndarray
) -> list[dict[str, Any]]:
    """The test texts that the model was most sure about, and wrong."""
    class_names, predicted_ids = prepared.corpus.class_names, probabilities.argmax(-1)
    return [
        {
            "predicted": class_names[predicted_ids[i]],
            "true": class_names[true_ids[i]],
            "probability": round(float(probabilities[i].max()), 4),
            "text": prepared.corpus.test.texts[i],
        }
        for i in figures.most_confident_errors(true_ids, probabilities, limit=50)
    ]
