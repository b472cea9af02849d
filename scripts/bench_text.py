"""Times tfast's tokenizer against fastai's rules with spaCy, in turn and on one core.

    python scripts/bench_text.py --texts imdb_train.csv.gz --fastai-python ../fastai/bin/python

`--texts` is a CSV file with a column `text`, compressed or not. The rival runs in the Python
given, where fastai and spaCy are installed; without it only tfast is timed.
"""

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path


def read_texts(path, count):
    """The first `count` texts of a CSV file."""
    csv.field_size_limit(sys.maxsize)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        return [row["text"] for row, _ in zip(csv.DictReader(file), range(count), strict=False)]


def run_on_one_core():
    """Pins this process, and those it starts, to one core where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    else:
        print("this system cannot pin a process: the processes may use more than one core")


def serve_fastai(folder):
    """The rival's process: tokenizes all texts once for each line it reads."""
    warnings.simplefilter("ignore")
    import torch
    from fastai.text.core import TokenizeWithRules, WordTokenizer
    from measure import environment_line

    line = f"{environment_line('fastai', 'spacy')}, {torch.get_num_threads()} PyTorch threads"
    print(line, flush=True)
    texts = json.loads((folder / "texts.json").read_text())
    tokenize = TokenizeWithRules(WordTokenizer())
    for line in sys.stdin:
        tokens = [list(tokens) for tokens in tokenize(texts)]
        if line.strip() == "keep":
            (folder / "tokens.json").write_text(json.dumps(tokens))
        print("done", flush=True)


def ask(rival, line):
    """Lets the rival tokenize, and waits until it has."""
    print(line, file=rival.stdin, flush=True)
    if rival.stdout.readline().strip() != "done":
        raise RuntimeError("the rival's process ended; its message stands above")


def make_works(texts, batch_size):
    """Functions that give all tokens: from the graph alone, and from a `Dataset.map`."""
    import tensorflow as tf

    from tfast.text.tokenization.tokenizer import TextTokenizer

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tokenizer = TextTokenizer()
    batches = list(tf.data.Dataset.from_tensor_slices(texts).batch(batch_size))
    signature = [tf.TensorSpec([None], tf.string)]
    tokenize = tf.function(tokenizer.call, input_signature=signature, autograph=False)
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(batch_size).map(tokenizer)
    return {
        "tfast": lambda: [tokenize(batch) for batch in batches],
        # Each pass over a data set readies its graph again, however many texts follow.
        "tfast, a new pass of a data set": lambda: list(dataset),
    }


def print_agreement(batches, tokens):
    """How many texts have the same tokens."""
    ours = [row for batch in batches for row in batch.to_list()]
    same = sum(
        [token.decode() for token in our_tokens] == their_tokens
        for our_tokens, their_tokens in zip(ours, tokens, strict=True)
    )
    print(f"\nthe same tokens: {same} of {len(tokens)} texts ({same / len(tokens):.2%})")


def main():
    """Reads the texts, starts the rival, times both in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, help="CSV file with a column `text`")
    parser.add_argument("--count", type=int, default=2000, help="how many texts")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fastai-python", type=Path, help="Python with fastai and spaCy")
    parser.add_argument("--serve-fastai", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve_fastai:
        return serve_fastai(arguments.serve_fastai)
    if arguments.texts is None:
        parser.error("--texts is missing: a CSV file with a column `text`")

    import environment  # noqa: F401
    from measure import environment_line, print_comparison, side_by_side

    run_on_one_core()
    texts = read_texts(arguments.texts, arguments.count)
    works = make_works(texts, arguments.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        rival = None
        if arguments.fastai_python:
            (Path(folder) / "texts.json").write_text(json.dumps(texts))
            command = [arguments.fastai_python, __file__, "--serve-fastai", folder]
            rival = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            print(rival.stdout.readline().strip())
            ask(rival, "keep")
            works["fastai's rules + spaCy"] = lambda: ask(rival, "again")
        print(f"{environment_line('tensorflow', 'keras')}, 1 TensorFlow thread of each kind")
        seconds = side_by_side(works, rounds=arguments.rounds, warmups=1)
        title = f"tokenization of {len(texts)} texts on one core"
        print_comparison(title, seconds, amount=len(texts), unit="texts")
        if rival:
            print_agreement(
                works["tfast"](), json.loads((Path(folder) / "tokens.json").read_text())
            )
            rival.stdin.close()
            rival.wait()
    return None


if __name__ == "__main__":
    main()
