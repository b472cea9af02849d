"""The fastai side of serving.py: a text classifier of full size.

    python serving_fastai.py FOLDER

The folder holds `texts.json` and `vocabulary.json`.
"""

import functools
import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import fastai
import images_fastai  # noqa: F401, first: it makes torchvision importable
import pandas as pd
import torch
from fastai.text.all import AWD_LSTM, TextDataLoaders, text_classifier_learner
from rivals import serve


def make_learner(texts, vocabulary):
    """A classifier of full size with the weights it begins with."""
    frame = pd.DataFrame({"text": texts[:8], "label": [0, 1] * 4})
    loaders = TextDataLoaders.from_df(
        frame, text_col="text", label_col="label", text_vocab=vocabulary, bs=4, valid_pct=0.5
    )
    return text_classifier_learner(loaders, AWD_LSTM, pretrained=False)


def main():
    """Answers requests until there are no more."""
    folder = Path(sys.argv[1])
    texts, vocabulary = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("texts", "vocabulary")
    )
    learner = make_learner(texts, vocabulary)
    learner.model.eval()
    table, *_ = (w for w in learner.model.parameters() if w.shape[0] == len(vocabulary))

    def loader(some, size=1):
        return learner.dls.test_dl(some, bs=size, num_workers=0)

    @functools.cache
    def batches_of(size):
        return list(loader(texts, size))

    def run_model(batches):
        with torch.inference_mode():
            for batch in batches:
                learner.model(*batch)

    one = list(loader(texts[:1]))

    def predict():
        learner.predict(texts[0])

    def batches(size):
        learner.get_preds(dl=loader(texts, size))

    works = {
        "predict": predict,
        "model": lambda: run_model(one),
        "batches": batches,
        "model_batches": lambda size: run_model(batches_of(size)),
    }
    with learner.no_bar(), learner.no_logging():
        serve(
            f"fastai {fastai.__version__} torch {torch.__version__}, {torch.get_num_threads()} "
            f"threads, table {tuple(table.shape)}",
            works,
        )


if __name__ == "__main__":
    main()
