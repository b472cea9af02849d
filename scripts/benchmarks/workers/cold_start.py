"""One way to serve texts, from the start of the process to the first answer, and on.

    python cold_start.py saved_model|runtime FOLDER TEXTS.json

The folder is a SavedModel, or a portable folder for `tfast.runtime`.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
if (ROOT / "tfast").is_dir():  # this checkout, not what may be installed
    sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def saved_model(folder):
    """A function from texts to probabilities."""
    import tensorflow as tf

    # As docs/serving.md says: each large product comes in two halves.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(os.cpu_count())
    serve = tf.saved_model.load(folder).signatures["serving_default"]

    def classify(texts):
        return serve(text=tf.constant(texts))["probabilities"].numpy()

    return classify


def runtime(folder):
    """A function from texts to probabilities."""
    import tfast.runtime

    classifier = tfast.runtime.load(folder, num_threads=os.cpu_count())
    return lambda texts: classifier.classify(texts).probabilities


def main():
    """Answers a text, says so, and answers requests until there are no more."""
    kind, folder, texts = sys.argv[1:]
    texts = json.loads(Path(texts).read_text("utf-8"))
    classify = {"saved_model": saved_model, "runtime": runtime}[kind](folder)
    first = classify(texts[:1]).tolist()

    def one():
        classify(texts[:1])

    def many(size):
        by_length = sorted(texts, key=len)
        for begin in range(0, len(texts), size):
            classify(by_length[begin : begin + size])

    # Imported after the first answer, whose time counts.
    from rivals import serve

    serve(f"{kind}: {first}", {"one": one, "many": many})


if __name__ == "__main__":
    main()
