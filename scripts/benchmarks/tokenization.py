"""Times tfast's tokenizers against spaCy and fastai's rules with it, in turn and on one core.

    python scripts/benchmarks/tokenization.py --texts imdb.csv --spacy-python spacy/bin/python

`--texts` is a CSV file with a column `text`, compressed or not. The rivals run in the Pythons
given: spaCy's English tokenizer alone, which knows none of fastai's rules, where spaCy is
installed, and both together where fastai is. Without them only tfast is timed. Seconds are those of
the processor: each runs on one core, which others may use too.
"""

from tfast.cli import environment  # isort: skip

environment.prepare()

import argparse
import functools
import json
import os
import tempfile
from pathlib import Path

from rivals import rival
from timing import environment_line, print_comparison, processor_seconds, side_by_side

from tfast.export.portable.tokenizer_tables import tokenizer_tables
from tfast.runtime.forms import as_ids
from tfast.runtime.tokenizer import Tokenizer
from tfast.text import TextTokenizer
from tfast.text.corpora import read_unlabelled


def run_on_one_core():
    """Pins this process, and those it starts, to one core where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    else:
        print("this system cannot pin a process: the processes may use more than one core")


def make_works(texts, batch_size):
    """Functions that read all texts: without TensorFlow, in its graph, and in a `Dataset.map`."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tokenizer = TextTokenizer()
    batches = list(tf.data.Dataset.from_tensor_slices(texts).batch(batch_size))
    signature = [tf.TensorSpec([None], tf.string)]
    tokenize = tf.function(tokenizer.call, input_signature=signature, autograph=False)
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(batch_size).map(tokenizer)
    tables = tokenizer_tables()
    read = Tokenizer(tables)
    ids = {token: i for i, token in enumerate({t for text in texts for t in read(text)})}
    read_ids = Tokenizer(tables, form=as_ids(ids, unknown_id=0))
    works = {
        "tfast.runtime, ids": lambda: [read_ids(text) for text in texts],
        "tfast.runtime, strings": lambda: [read(text) for text in texts],
        "tfast": lambda: [tokenize(batch) for batch in batches],
        # Each pass over a data set readies its graph again, however many texts follow.
        "tfast, a new pass of a data set": lambda: list(dataset),
    }
    return {label: functools.partial(processor_seconds, work) for label, work in works.items()}


def print_agreement(texts, tokens):
    """How many texts have the same tokens."""
    ours = map(Tokenizer(tokenizer_tables()), texts)
    same = sum(our == their for our, their in zip(ours, tokens, strict=True))
    print(f"\nthe same tokens: {same} of {len(tokens)} texts ({same / len(tokens):.2%})")


def main():
    """Reads the texts, starts the rival, times both in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, required=True, help="CSV file with a column `text`")
    parser.add_argument("--count", type=int, default=2000, help="how many texts")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--spacy-python", type=Path, help="Python with spaCy")
    parser.add_argument("--fastai-python", type=Path, help="Python with fastai and spaCy")
    arguments = parser.parse_args()
    run_on_one_core()
    texts = list(read_unlabelled(arguments.texts).texts[: arguments.count])
    works = make_works(texts, arguments.batch_size)
    print(f"{environment_line('tensorflow', 'keras')}")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(texts, file)
        file.flush()
        with (
            rival(
                arguments.spacy_python,
                "tokenization_spacy.py",
                file.name,
                missing="spaCy: left out, see --spacy-python",
            ) as spacy,
            rival(
                arguments.fastai_python,
                "tokenization_fastai.py",
                file.name,
                missing="fastai: left out, see --fastai-python",
            ) as fastai,
        ):
            if spacy:
                works["spaCy alone"] = spacy.work("tokenize")
            if fastai:
                works["fastai's rules + spaCy"] = fastai.work("tokenize")
            timings = side_by_side(works, rounds=arguments.rounds, warmups=1, own_clock=True)
            title = f"tokenization of {len(texts)} texts on one core"
            print_comparison(title, timings, amount=len(texts), unit="texts")
            if fastai:
                print_agreement(texts, fastai.ask("tokens"))


if __name__ == "__main__":
    main()
