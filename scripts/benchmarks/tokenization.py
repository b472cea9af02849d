"""Times tfast's tokenizer against fastai's rules with spaCy, in turn and on one core.

    python scripts/benchmarks/tokenization.py --texts imdb.csv --fastai-python fastai/bin/python

`--texts` is a CSV file with a column `text`, compressed or not. The rival runs in the Python
given, where fastai and spaCy are installed; without it only tfast is timed.
"""

from tfast.cli import environment  # isort: skip

environment.prepare()

import argparse
import json
import os
import tempfile
from pathlib import Path

from rivals import rival
from tfast.text.corpora import read_unlabelled
from timing import environment_line, print_comparison, side_by_side

from tfast.text import TextTokenizer


def run_on_one_core():
    """Pins this process, and those it starts, to one core where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    else:
        print("this system cannot pin a process: the processes may use more than one core")


def make_works(texts, batch_size):
    """Functions that give all tokens: from the graph alone, and from a `Dataset.map`."""
    import tensorflow as tf

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
    parser.add_argument("--texts", type=Path, required=True, help="CSV file with a column `text`")
    parser.add_argument("--count", type=int, default=2000, help="how many texts")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fastai-python", type=Path, help="Python with fastai and spaCy")
    arguments = parser.parse_args()
    run_on_one_core()
    texts = read_unlabelled(arguments.texts)[: arguments.count]
    works = make_works(texts, arguments.batch_size)
    print(f"{environment_line('tensorflow', 'keras')}")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(texts, file)
        file.flush()
        missing = "fastai: left out, see --fastai-python"
        python = arguments.fastai_python
        with rival(python, "tokenization_fastai.py", file.name, missing=missing) as fastai:
            if fastai:
                works["fastai's rules + spaCy"] = fastai.work("tokenize")
            timings = side_by_side(works, rounds=arguments.rounds, warmups=1)
            title = f"tokenization of {len(texts)} texts on one core"
            print_comparison(title, timings, amount=len(texts), unit="texts")
            if fastai:
                print_agreement(works["tfast"](), fastai.ask("tokens"))


if __name__ == "__main__":
    main()
