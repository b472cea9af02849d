"""What a ULMFiT run leaves."""

from pathlib import Path

import keras
import numpy as np
from text_tokens import TOKENIZER
from tfidf_baseline import tfidf_accuracy

from tfast.export.text import export_text_classifier
from tfast.text.classifier_batches import classifier_batches, restore_order
from tfast.training.inspection import figures as report

# Of the command line, what changes nothing in the weights.
NOT_SETTINGS = {"output", "resume", "save_every"}


def make_settings(arguments, documents):
    """What a resumed run must agree on with the broken one: options, and how much text.

    No paths: texts may be moved, and other texts have another number of tokens.
    """
    settings = {
        f"--{name.replace('_', '-')}": value
        for name, value in vars(arguments).items()
        if name not in NOT_SETTINGS and not isinstance(value, Path)
    }
    tokens = {name: ids.flat_values.shape[0] for name, ids in documents.items()}
    return settings | {"tokens": tokens}


def write_outputs(arguments, data, model, seconds):
    """Fills the rest of the output folder; returns what `result.json` holds."""
    output, corpus, class_names = arguments.output, data.corpus, data.corpus.class_names
    export_text_classifier(
        model, TOKENIZER, data.vocabulary, output / "saved_model", class_names, overwrite=True
    )
    batches = classifier_batches(
        data.documents["test"], batch_size=arguments.batch_size, training=False
    )
    print("\nTesting")
    logits = restore_order(model.predict(batches), data.documents["test"])
    probabilities = np.array(keras.ops.softmax(logits.astype("float64")))
    true_ids, predicted_ids = np.array(corpus.label_ids(corpus.test)), probabilities.argmax(-1)
    counts = report.count_confusions(true_ids, predicted_ids, len(class_names))
    report.write_figure(output / "confusions.png", report.plot_confusions(counts, class_names))
    worst = report.most_confident_errors(true_ids, probabilities, limit=50)
    rows = [
        {
            "predicted": class_names[predicted_ids[i]],
            "true": class_names[true_ids[i]],
            "probability": round(float(probabilities[i].max()), 4),
            "text": corpus.test.texts[i],
        }
        for i in worst
    ]
    report.write_rows(output / "worst.csv", rows)
    result = {
        "accuracy": float((true_ids == predicted_ids).mean()),
        "tfidf_accuracy": None,
        "test_texts": len(corpus.test),
        "training_texts": len(corpus.train),
        "unlabelled_texts": len(corpus.unlabelled),
        "vocabulary": len(data.vocabulary),
        "parameters": model.count_params(),
        "seconds": seconds,
        "seed": arguments.seed,
        "settings": make_settings(arguments, data.documents),
        "paths": {n: str(p) for n, p in vars(arguments).items() if isinstance(p, Path)},
    }
    report.write_result(output / "result.json", result)
    # Afterwards: the rival may need more memory than there is.
    result["tfidf_accuracy"] = tfidf_accuracy(corpus.train, corpus.test)
    report.write_result(output / "result.json", result)
    return result
