"""Times tfast-predict, the Swift program, beside the same model served from Python.

    python scripts/benchmarks/swift_serving.py
    python scripts/benchmarks/swift_serving.py --sizes 40 64 2 --vocabulary-size 5000

The text classifier has full size (embedding 400, LSTMs of 1152, 1152 and 400, 60,000 words) and
the weights it begins with; texts have 100 words. Portable folders hold it in int8, for onnxruntime
and for LiteRT; tfast.runtime in Python reads the former too. TensorFlow in Python serves the
SavedModel, in float32. Each rival is a program that answers lines of standard input, started afresh
for each cold start; times go from writing the lines to reading the answers. The processor's time,
of all threads together, depends less on what else the machine does. Peak memory is of the whole
process (VmHWM), so Linux only.
"""

from tfast.cli import environment  # isort: skip

environment.prepare()

import argparse
import contextlib
import importlib.metadata
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tensorflow as tf
from line_server import LineServer
from timing import environment_line

from tfast.export.portable.text import export_portable_text_classifier
from tfast.export.text import export_text_classifier
from tfast.text.documents import pad_documents
from tfast.text.library_docstrings import library_docstrings
from tfast.text.models.classifier import TextClassifier
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).parent / "workers" / "serving_python.py"
NUM_WORDS = 100
BATCH_SIZE = 32
CLASS_NAMES = ["negative", "positive"]
# By label: the folder of a rival, and the Python packages that it needs.
FOLDERS = {
    "Swift": "onnx",
    "Swift, LiteRT": "litert",
    "tfast.runtime": "onnx",
    "SavedModel": "saved",
}
PYTHON_PACKAGES = {
    "tfast.runtime": ("numpy", "onnxruntime"),
    "SavedModel": ("tensorflow", "keras", "numpy"),
}


def main():
    """Prints a line for each rival and quantity."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, help="tfast-predict; else it is built")
    parser.add_argument("--sizes", type=int, nargs=3, default=(400, 1152, 3), help="of the model")
    parser.add_argument("--vocabulary-size", type=int, default=60_000)
    parser.add_argument("--threads", type=int, default=2, help="for one call")
    parser.add_argument("--starts", type=int, default=9, help="cold starts of each")
    parser.add_argument("--texts", type=int, default=200, help="how many texts, one at a time")
    parser.add_argument("--batches", type=int, default=20, help=f"how many times {BATCH_SIZE}")
    arguments = parser.parse_args()
    print(environment_line("tensorflow", "onnxruntime", "ai-edge-litert"))
    print(f"{arguments.threads} thread(s) for one call; load {os.getloadavg()[0]:.1f}")
    program = arguments.program or build()
    with tempfile.TemporaryDirectory() as folder:
        folder, texts = Path(folder), read_texts(max(arguments.texts, BATCH_SIZE))
        write_models(folder, texts, arguments)
        compare(commands(program, folder, arguments.threads), texts, arguments)
        print_sizes(program, folder)


def build():
    """Builds the program with the Swift libraries inside; returns its path."""
    options = ["-c", "release", "--static-swift-stdlib", "--package-path", ROOT / "swift_notes"]
    options += ["--scratch-path", ROOT / "swift_notes" / ".build" / "static"]
    subprocess.run(["swift", "build", *options, "--product", "tfast-predict"], check=True, stdout=2)
    shown = subprocess.run(
        ["swift", "build", *options, "--show-bin-path"], check=True, capture_output=True, text=True
    )
    return Path(shown.stdout.strip()) / "tfast-predict"


def read_texts(count):
    """Docstrings, in parts of `NUM_WORDS` words."""
    words = " ".join(library_docstrings(2000)[0]).split()
    begins = range(0, count * NUM_WORDS, NUM_WORDS)
    return [" ".join(words[begin : begin + NUM_WORDS]) for begin in begins]


def write_models(folder, texts, arguments):
    """Writes one model in the forms of `FOLDERS`."""
    tokenizer = TextTokenizer()
    tokens = tokenizer(tf.constant(texts))
    counted = Vocabulary.from_tokens([tokens], min_frequency=1).words
    words = [word for word in counted if not word.startswith("xxfake")]
    others = [f"word{number}" for number in range(arguments.vocabulary_size - len(words))]
    vocabulary = Vocabulary((words + others)[: arguments.vocabulary_size])
    embed_size, hidden_size, num_layers = arguments.sizes
    model = TextClassifier(
        len(vocabulary), len(CLASS_NAMES),
        embed_size=embed_size, hidden_size=hidden_size, num_layers=num_layers,
    )  # fmt: skip
    model(pad_documents(vocabulary.encode(tokens[:1])))
    for form in ("onnx", "litert"):
        export_portable_text_classifier(
            model, folder / form, CLASS_NAMES, tokenizer, vocabulary,
            file_format=form, precision="int8", examples=texts[:5],
        )  # fmt: skip
    export_text_classifier(model, tokenizer, vocabulary, folder / "saved", CLASS_NAMES)


def commands(program, folder, threads):
    """By label: what starts a rival that answers so many lines at once."""
    programs = {label: [program] for label in FOLDERS}
    programs |= {label: [sys.executable, WORKER] for label in PYTHON_PACKAGES}
    return {
        label: lambda size, label=label, directory=directory: [
            *programs[label], "--threads", str(threads), "--batch-size", str(size),
            folder / directory,
        ]
        for label, directory in FOLDERS.items()
    }  # fmt: skip


def library(package, pattern):
    """The file of a package's library."""
    [file] = Path(importlib.util.find_spec(package).origin).parent.glob(pattern)
    return file


def libraries():
    """The libraries that tfast-predict opens, by the environment variable that names each."""
    onnxruntime = library("onnxruntime", "capi/libonnxruntime.so.*")
    litert = library("ai_edge_litert", "libLiteRt.so")
    return {"TFAST_ONNXRUNTIME_LIBRARY": str(onnxruntime), "TFAST_LITERT_LIBRARY": str(litert)}


def compare(rivals, texts, arguments):
    """Times the rivals in turn, and prints how far their answers differ."""
    starts = {label: [] for label in rivals}
    processor = {label: [] for label in rivals}
    for _ in range(arguments.starts):
        for label, command in rivals.items():
            begin = time.perf_counter()
            with contextlib.closing(LineServer(command(1), libraries())) as server:
                server.answer(texts[:1])
                starts[label].append(time.perf_counter() - begin)
                processor[label].append(server.processor_seconds())
    for label, seconds in starts.items():
        print_line(label, "cold start to the first answer", seconds, processor[label])
    answers = compare_warm(rivals, "one text", [[text] for text in texts])
    compare_warm(rivals, f"{BATCH_SIZE} texts", [texts[:BATCH_SIZE]] * arguments.batches)
    for label, found in answers.items():
        pairs = zip(answers["Swift"], found, strict=True)
        largest = max(
            abs(a - b) for [one], [other] in pairs for a, b in zip(one, other, strict=True)
        )
        print(f"  {label:14s} {'largest difference from Swift':32s} {largest:.1e}")


def compare_warm(rivals, quantity, batches):
    """Times rivals that run already, each batch by each in turn; returns the answers by label."""
    size = len(batches[0])
    with contextlib.ExitStack() as stack:
        servers = {
            label: stack.enter_context(contextlib.closing(LineServer(command(size), libraries())))
            for label, command in rivals.items()
        }
        for server in servers.values():
            server.answer(batches[0])
        begins = {label: server.processor_seconds() for label, server in servers.items()}
        timed = {label: [] for label in rivals}
        for batch in batches:
            for label, server in servers.items():
                timed[label].append(server.answer(batch))
        for label, server in servers.items():
            spent = (server.processor_seconds() - begins[label]) / len(batches)
            print_line(label, quantity, [seconds for _, seconds in timed[label]], [spent])
        for label, server in servers.items():
            print(f"  {label:14s} {'peak memory, ' + quantity:32s} {server.peak_mb():9.1f} MB")
    return {label: [found for found, _ in some] for label, some in timed.items()}


def print_line(label, quantity, seconds, processor):
    """Median and the 95th percentile, and the median of the processor's time, in milliseconds."""
    ordered = sorted(1000 * one for one in seconds)
    p95 = ordered[max(0, round(0.95 * len(ordered)) - 1)]
    print(
        f"  {label:14s} {quantity:32s} p50 {statistics.median(ordered):9.2f} ms   p95 {p95:9.2f} ms"
        f"   processor {1000 * statistics.median(processor):9.2f} ms   ({len(ordered)} times)",
        flush=True,
    )


def print_sizes(program, folder):
    """What each needs on disk; Python itself, and tfast, are not counted."""
    onnxruntime, litert = map(Path, libraries().values())
    for label, directory in FOLDERS.items():
        if label in PYTHON_PACKAGES:
            parts = {
                name: sum(size(file.locate()) for file in importlib.metadata.files(name) or [])
                for name in PYTHON_PACKAGES[label]
            }
        else:
            used = litert if directory == "litert" else onnxruntime
            parts = {"program": size(program), used.name: size(used)}
        parts["folder"] = size(folder / directory)
        listed = ", ".join(f"{name} {part / 1e6:.1f}" for name, part in parts.items())
        print(f"  {label:14s} {'on disk':32s} {sum(parts.values()) / 1e6:9.1f} MB   ({listed})")


def size(path):
    """Bytes of a file, or of all files in a folder; 0 for nothing."""
    path = Path(path)
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    main()
