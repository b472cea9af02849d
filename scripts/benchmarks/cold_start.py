"""Times a text classifier from the start of a process to its first answer, and what follows.

    python scripts/benchmarks/cold_start.py --texts imdb.csv.gz --fastai-python fastai/bin/python

The classifier has full size (embedding 400, LSTMs of 1152, 1152 and 400, 60,000 words) and the
weights it begins with. It is served as the SavedModel, by `tfast.runtime` from portable folders in
int8, and by fastai's `learn.predict` in a Python of its own; without --fastai-python that is left
out. With --runtime-python `tfast.runtime` runs there: an environment without TensorFlow, see
docs/serving.md. Every start is a new process, and the rivals take turns.
"""

from tfast.cli import environment  # isort: skip

environment.prepare()

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import tensorflow as tf
from rivals import Rival
from timing import environment_line, print_comparison, side_by_side

from tfast.export import export_portable_text_classifier, export_text_classifier
from tfast.text import TextClassifier, TextTokenizer, Vocabulary
from tfast.text.texts import read_unlabelled

CLASS_NAMES = ["negative", "positive"]
BATCH_SIZE = 32
FASTAI = "fastai learn.predict"


def main():
    """Writes the models, starts everyone several times, and prints medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, required=True, help="CSV file with a column `text`")
    parser.add_argument("--count", type=int, default=256, help="how many texts")
    parser.add_argument("--words", type=int, default=100, help="of each text, its first ones")
    parser.add_argument("--starts", type=int, default=5, help="of each rival")
    parser.add_argument("--rounds", type=int, default=7, help="timed calls of each rival")
    parser.add_argument("--sizes", type=int, nargs=3, default=(400, 1152, 3), help="of the model")
    parser.add_argument("--vocabulary-size", type=int, default=60_000)
    parser.add_argument("--runtime-python", default=sys.executable, help="a Python for the runtime")
    parser.add_argument("--fastai-python", help="a Python with fastai and spaCy")
    arguments = parser.parse_args()
    print(environment_line("tfast", "tensorflow", "ai-edge-litert", "onnxruntime"))
    print(f"processor flags: {processor_flags()}")
    texts = [" ".join(text.split()[: arguments.words]) for text in
             read_unlabelled(arguments.texts).texts[: arguments.count]]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "texts.json").write_text(json.dumps(texts), "utf-8")
        write_models(folder, texts, arguments)
        rivals = commands(folder, arguments)
        print_starts(starts(rivals, arguments.starts))
        print_times(rivals, len(texts), arguments.rounds)


def processor_flags():
    """All of them: int8 products depend on a few."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("flags")), "?")


def write_models(folder, texts, arguments):
    """The SavedModel and the portable folders of one classifier, and fastai's."""
    tokenizer = TextTokenizer()
    counted = Vocabulary.from_tokens([tokenizer(tf.constant(texts))], min_frequency=1)
    words = [word for word in counted.words if not word.startswith("xxfake")]
    words += [f"word{number}" for number in range(arguments.vocabulary_size - len(words))]
    vocabulary = Vocabulary(words[: arguments.vocabulary_size])
    names = ("embed_size", "hidden_size", "num_layers")
    sizes = dict(zip(names, arguments.sizes, strict=True))
    model = TextClassifier(len(vocabulary), len(CLASS_NAMES), **sizes)
    export_text_classifier(model, tokenizer, vocabulary, folder / "saved_model", CLASS_NAMES)
    for file_format in ("onnx", "litert"):
        export_portable_text_classifier(
            model,
            folder / file_format,
            CLASS_NAMES,
            tokenizer,
            vocabulary,
            file_format=file_format,
            precision="int8",
            examples=texts[:5],
        )
    if arguments.fastai_python:
        (folder / "vocabulary.json").write_text(json.dumps(vocabulary.words), "utf-8")
        options = arguments.fastai_python, "cold_start_fastai.py", "prepare", folder
        Rival(*options, folder / "texts.json").close()


def commands(folder, arguments):
    """By label: what starts a rival."""
    texts, runtime = folder / "texts.json", arguments.runtime_python
    rivals = {
        "tfast.runtime, onnx int8": (runtime, "cold_start.py", "runtime", folder / "onnx", texts),
        "tfast.runtime, litert int8": (
            runtime, "cold_start.py", "runtime", folder / "litert", texts
        ),
        "SavedModel": (
            sys.executable, "cold_start.py", "saved_model", folder / "saved_model", texts
        ),
    }  # fmt: skip
    if arguments.fastai_python:
        python = arguments.fastai_python
        rivals[FASTAI] = (python, "cold_start_fastai.py", "serve", folder, texts)
    return rivals


def starts(rivals, number):
    """By label: seconds to the first answer and peak memory in MiB, of so many processes."""
    found = {label: [] for label in rivals}
    for _ in range(number + 1):
        for label, command in rivals.items():
            begin = time.perf_counter()
            with contextlib.closing(Rival(*command)) as rival:
                found[label].append((time.perf_counter() - begin, rival.peak_mib))
    # The first ones read the files from the disk.
    return {label: pairs[1:] for label, pairs in found.items()}


def print_starts(found):
    """A line for each rival."""
    print("\nFrom the start of the process to the first answer")
    ours = next(iter(found.values()))
    medians = [statistics.median(column) for column in zip(*ours, strict=True)]
    for label, pairs in found.items():
        seconds, mib = (statistics.median(column) for column in zip(*pairs, strict=True))
        low, high = min(pairs)[0], max(pairs)[0]
        print(
            f"  {label:32s} {seconds:7.2f} s  ({low:.2f} to {high:.2f}), takes "
            f"{seconds / medians[0]:6.2f} times the first; peak {mib:7.1f} MiB, "
            f"{mib / medians[1]:5.2f} times the first"
        )


def print_times(rivals, count, rounds):
    """What each takes once it has started."""
    with contextlib.ExitStack() as stack:
        running = {
            label: stack.enter_context(contextlib.closing(Rival(*command)))
            for label, command in rivals.items()
        }
        one = {label: rival.work("one") for label, rival in running.items()}
        print_comparison("One text", side_by_side(one, rounds=rounds), amount=1, unit="texts")
        many = {label: rival.work("many", size=BATCH_SIZE) for label, rival in running.items()}
        timings = side_by_side(many, rounds=max(1, rounds // 2), warmups=1)
        title = f"{count} texts in batches of {BATCH_SIZE}"
        print_comparison(title, timings, amount=count, unit="texts")
        for label, rival in running.items():
            print(f"  peak memory of {label:32s} {rival.peak_mib:7.1f} MiB")


if __name__ == "__main__":
    main()
