"""fastai's way to serve texts: `load_learner`, then `learn.predict`.

    python cold_start_fastai.py prepare FOLDER TEXTS.json    # writes FOLDER/learner.pkl
    python cold_start_fastai.py serve FOLDER TEXTS.json

FOLDER holds `vocabulary.json`.
"""

import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import images_fastai  # noqa: F401, first: it makes torchvision importable
from fastai.text.all import load_learner


def prepare(folder, texts):
    """Writes a classifier of full size with the weights it begins with."""
    from rivals import serve
    from serving_fastai import make_learner

    vocabulary = json.loads((folder / "vocabulary.json").read_text("utf-8"))
    learner = make_learner(texts, vocabulary)
    learner.path = folder
    learner.export("learner.pkl")
    serve("fastai: written", {})


def main():
    """Prepares, or answers a text, says so, and answers requests until there are no more."""
    mode, folder, texts = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    texts = json.loads(texts.read_text("utf-8"))
    if mode == "prepare":
        prepare(folder, texts)
        return
    learner = load_learner(folder / "learner.pkl")
    with learner.no_bar(), learner.no_logging():
        first = learner.predict(texts[0])[2].tolist()
        from rivals import serve

        def many(size):
            learner.get_preds(dl=learner.dls.test_dl(texts, bs=size, num_workers=0))

        serve(f"fastai: {first}", {"one": lambda: learner.predict(texts[0]) and None, "many": many})


if __name__ == "__main__":
    main()
