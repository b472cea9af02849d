"""Answers lines of texts as tfast-predict does: by tfast.runtime, or by TensorFlow."""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main():
    """Reads the folder, then lines until there are no more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("folder", type=Path, help="a portable folder or a SavedModel")
    arguments = parser.parse_args()
    is_portable = (arguments.folder / "tfast.json").exists()
    classify = (read_portable if is_portable else read_saved_model)(arguments)
    batch = []
    for line in sys.stdin:
        batch.append(line.removesuffix("\n"))
        if len(batch) < arguments.batch_size:
            continue
        for label, row in zip(*classify(batch), strict=True):
            print(json.dumps({"label": label, "probabilities": row.tolist()}))
        sys.stdout.flush()
        batch = []


def read_portable(arguments):
    """A function from texts to labels and probabilities, without TensorFlow."""
    import tfast.runtime

    return tfast.runtime.load(arguments.folder, num_threads=arguments.threads).classify


def read_saved_model(arguments):
    """The same with TensorFlow."""
    import tensorflow as tf

    # The model's products come in halves: one on each thread is faster than each on both.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    serve = tf.saved_model.load(arguments.folder).signatures["serving_default"]

    def classify(texts):
        answers = serve(text=tf.constant(texts))
        labels = [label.decode() for label in answers["labels"].numpy()]
        return labels, answers["probabilities"].numpy()

    return classify


if __name__ == "__main__":
    main()
