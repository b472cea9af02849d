"""What a ULMFiT run leaves."""

from typing import Any

import keras
import numpy as np

from tfast.export.text import export_text_classifier
from tfast.recipes.baselines import tfidf_accuracy
from tfast.recipes.results import write_figures, write_result, write_rows
from tfast.recipes.ulmfit_preparation import PreparedTexts
from tfast.recipes.ulmfit_training import TrainedTexts
from tfast.text.classifier_batches import classifier_batches, restore_order
from tfast.training.inspection import figures


def write(prepared: PreparedTexts, trained: TrainedTexts) -> dict[str, Any]:
    """Fills the output folder: SavedModel, numbers, then figures.

    Returns:
        What `result.json` holds.
    """
    output, corpus, class_names = prepared.output, prepared.corpus, prepared.corpus.class_names
    export_text_classifier(
        trained.model,
        prepared.tokenizer,
        prepared.vocabulary,
        output / "saved_model",
        class_names,
        overwrite=True,
    )
    true_ids, probabilities = test(prepared, trained.model)
    predicted_ids = probabilities.argmax(-1)
    result = {
        "accuracy": float((true_ids == predicted_ids).mean()),
        "tfidf_accuracy": None,
        "test_texts": len(corpus.test),
        "training_texts": len(corpus.train),
        "unlabelled_texts": len(corpus.unlabelled),
        "vocabulary": len(prepared.vocabulary),
        "parameters": trained.model.count_params(),
        "seconds": trained.seconds,
        "seed": prepared.recipe.seed,
        "settings": prepared.settings,
        "pretrained": [provenance.to_dict() for provenance in prepared.provenance],
        "paths": prepared.recipe.paths(),
    }
    write_result(output / "result.json", result)
    write_rows(output / "worst.csv", worst_errors(prepared, true_ids, probabilities))
    # Afterwards: it may need more memory than there is.
    result["tfidf_accuracy"] = tfidf_accuracy(corpus.train, corpus.test)
    write_result(output / "result.json", result)
    counts = figures.count_confusions(true_ids, predicted_ids, len(class_names))
    write_figures({output / "confusions.png": lambda: figures.plot_confusions(counts, class_names)})
    return result


def test(prepared: PreparedTexts, model: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """The classes of the test texts, and the probabilities that the model gives them."""
    documents = prepared.documents["test"]
    batches = classifier_batches(documents, batch_size=prepared.recipe.batch_size, training=False)
    print("\nTesting")
    logits = restore_order(model.predict(batches), documents)
    probabilities = np.array(keras.ops.softmax(logits.astype("float64")))
    return np.array(prepared.corpus.label_ids(prepared.corpus.test)), probabilities


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
