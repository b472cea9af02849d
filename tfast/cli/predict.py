"""Classifies texts or images with a folder that a portable export wrote, without TensorFlow.

    tfast predict exports/reviews "A good film." "A dull one."
    tfast predict exports/reviews < reviews.txt
    tfast predict exports/pets cat.jpg dog.jpg

What is given on the command line is classified, or else the lines of standard input: texts, or
paths of image files. For each, in order, one line of JSON: the label, the probabilities by class,
and the path of an image; for an image that cannot be read, why, and the exit code is 1.
"""

import argparse
import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tfast.cli.errors import OneLineParser
from tfast.runtime import FolderError, ImageError, load

# How many lines of standard input are classified together.
_BATCH_SIZE = 256


def add_arguments(parser: OneLineParser) -> None:
    """Adds the options."""
    parser.intermixed = True
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a portable folder")
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="TEXT|FILE",
        help="texts, or paths of JPEG, PNG, GIF or BMP files (default: lines of standard input)",
    )
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="of the model (default: %(default)s)"
    )
    parser.add_argument(
        "--check", action="store_true", help="compare the answers to the folder's examples first"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints a line for each input."""
    if arguments.threads < 1:
        arguments.parser.error(f"--threads must be at least 1, got {arguments.threads}")
    if not arguments.inputs and sys.stdin is None:
        arguments.parser.error("standard input is closed, and nothing is given to classify")
    try:
        classifier = load(arguments.folder, num_threads=arguments.threads)
        if arguments.check:
            classifier.check()
    except (FolderError, ImportError, ValueError) as error:
        arguments.parser.error(str(error))
    inputs = arguments.inputs or (line.rstrip("\r\n") for line in _lines(sys.stdin.buffer))
    if arguments.inputs and classifier.folder.description["kind"] == "text":
        inputs = list(_lines(map(os.fsencode, arguments.inputs)))
    exit_code = 0
    for batch in _batches(inputs, len(arguments.inputs) or _BATCH_SIZE):
        for line in _answer_lines(classifier, batch):
            exit_code |= "error" in line
            print(_as_json(line), flush=True)
    return exit_code


def _as_json(line: dict[str, Any]) -> str:
    """One line, readable where standard output has all its characters, and else escaped."""
    text = json.dumps(line, ensure_ascii=False)
    try:
        # Strictly: what is no UTF-8 in the name of a file may pass, and be no JSON.
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return json.dumps(line)
    return text


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    """Lines of any bytes: what is not UTF-8 becomes U+FFFD; a byte-order mark is left out."""
    for number, line in enumerate(stream):
        yield line.decode("utf-8" if number else "utf-8-sig", "replace")


def _batches(inputs: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(inputs)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def _answer_lines(classifier: Any, batch: list[str]) -> Iterator[dict[str, Any]]:
    is_text = classifier.folder.description["kind"] == "text"
    if is_text:
        yield from _described(classifier, classifier.classify(batch))
        return
    for path in batch:
        try:
            answers = classifier.classify([path])
        except (ImageError, OSError) as error:
            yield {"file": path, "error": str(error)}
        else:
            yield from ({"file": path} | line for line in _described(classifier, answers))


def _described(classifier: Any, answers: Any) -> Iterator[dict[str, Any]]:
    for label, row in zip(answers.labels, answers.probabilities.tolist(), strict=True):
        rounded = [round(probability, 6) for probability in row]
        names = classifier.class_names
        yield {"label": label, "probabilities": dict(zip(names, rounded, strict=True))}
