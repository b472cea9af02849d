"""The fastai side of bench_serving.py: works off one request a line, in a Python with fastai.

    python bench_serving_fastai.py FOLDER

The folder holds `texts.json` and `vocabulary.json`. Says its versions first. Each line is
answered by `done`; it is `predict` or `model` for the first text, the latter without what
makes ids of it and a label of the result, or `batches SIZE` or `model_batches SIZE` for all.
"""

import functools
import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import bench_images_fastai  # noqa: F401, first: it makes torchvision importable
import fastai
import pandas as pd
import torch
from fastai.text.all import AWD_LSTM, TextDataLoaders, text_classifier_learner


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

    def run(work, size=None):
        if work == "predict":
            learner.predict(texts[0])
        elif work == "batches":
            learner.get_preds(dl=loader(texts, int(size)))
        elif work == "model":
            run_model(one)
        else:
            run_model(batches_of(int(size)))

    one = list(loader(texts[:1]))
    print(
        f"fastai {fastai.__version__} torch {torch.__version__}, {torch.get_num_threads()} "
        f"threads, table {tuple(table.shape)}",
        flush=True,
    )
    with learner.no_bar(), learner.no_logging():
        for line in sys.stdin:
            run(*line.split())
            print("done", flush=True)


if __name__ == "__main__":
    main()
