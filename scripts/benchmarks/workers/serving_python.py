"""Answers lines of texts as tfast-predict does: TensorFlow reads them, onnxruntime classifies."""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import onnxruntime
import tensorflow as tf


def main():
    """Reads tokenizer, core and labels of a folder, then lines until there are no more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    core = onnxruntime.InferenceSession(arguments.folder / "core.onnx", options)
    loaded = tf.saved_model.load(arguments.folder / "tokenizer")
    tokenizer = loaded.signatures["serving_default"]
    labels = (arguments.folder / "labels.txt").read_text("utf-8").splitlines()

    batch = []
    for line in sys.stdin:
        batch.append(line.removesuffix("\n"))
        if len(batch) < arguments.batch_size:
            continue
        inputs = {name: value.numpy() for name, value in tokenizer(text=tf.constant(batch)).items()}
        for row in core.run(["probabilities"], inputs)[0]:
            answer = {"label": labels[row.argmax()], "probabilities": row.tolist()}
            print(json.dumps(answer))
        sys.stdout.flush()
        batch = []


if __name__ == "__main__":
    main()
