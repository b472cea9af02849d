"""Accuracy from a few labelled texts: tfast with tfast/english, without, and TF-IDF.

    python scripts/benchmarks/few_labels.py --data imdb_train.csv.gz --labels 100 500 2000 \
        --test 2000 --results runs/few_labels.jsonl

Each run is the command itself, `tfast train-ulmfit` with its defaults, on a file with that many
labelled texts, drawn from the data by the seed; a tenth of them are its validation texts. All are
tested on the same texts, split off before; those that the rest has too, word for word, do not
count. TF-IDF with logistic regression, of scikit-learn alone, is fitted to all the labelled texts,
its settings chosen by cross-validation. Runs that the results file has are not made again.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from timing import environment_line

KINDS = ("tfidf", "english", "new")


def main():
    """Makes the runs that are missing, then prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 500, 2000])
    parser.add_argument("--test", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--kinds", choices=KINDS, nargs="+", default=KINDS)
    parser.add_argument("--unlabelled", type=Path)
    parser.add_argument("--results", type=Path, default=Path("runs/few_labels.jsonl"))
    parser.add_argument("--options", nargs="*", default=[], help="of train-ulmfit, without --")
    arguments = parser.parse_args()
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    arguments.results.touch()
    print(environment_line("tfast", "tensorflow", "keras", "scikit-learn"), flush=True)
    for path in arguments.data:
        for number in arguments.labels:
            for seed in arguments.seeds:
                for kind in arguments.kinds:
                    find_result(arguments, path, number, seed, kind)
    print_table(arguments)


def find_result(arguments, path, number, seed, kind):
    """What a run gave: read, or made now and noted."""
    name = path.name.split(".")[0]
    unlabelled = None
    if arguments.unlabelled is not None and kind != "tfidf":
        unlabelled = arguments.unlabelled.name.split(".")[0]
    key = {"data": name, "labels": number, "seed": seed, "kind": kind, "unlabelled": unlabelled}
    key["options"] = " ".join(arguments.options)
    for result in read_results(arguments.results):
        if key.items() <= result.items():
            return result
    with tempfile.TemporaryDirectory() as scratch:
        files = write_parts(path, number, arguments.test, seed, Path(scratch))
        begin = time.monotonic()
        make = fit_tfidf_alone if kind == "tfidf" else run_command
        result = key | make(arguments, files, seed, kind)
        result["minutes"] = round((time.monotonic() - begin) / 60, 2)
    with arguments.results.open("a") as file:
        file.write(json.dumps(result) + "\n")
    print(result, flush=True)
    return result


def write_parts(path, number, num_test, seed, folder):
    """The labelled texts of a run, and the test texts, which are the same for all runs."""
    from tfast.text.corpora import Texts, read_texts

    rest, test = read_texts(path).split(num_test, seed=1)
    known, pairs = set(rest.texts), zip(test.texts, test.labels, strict=True)
    test = Texts(*zip(*(pair for pair in pairs if pair[0] not in known), strict=True))
    parts = {"labelled": rest.sample(number, seed=seed), "test": test}
    for name, texts in parts.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows(zip(texts.texts, texts.labels, strict=True))
    return {name: folder / f"{name}.csv" for name in parts}


def run_command(arguments, files, seed, kind):
    """`tfast train-ulmfit`, in a process of its own."""
    output = files["test"].parent / "run"
    command = [sys.executable, "-m", "tfast.cli", "train-ulmfit", "--data", files["labelled"]]
    command += ["--test", files["test"], "--seed", str(seed), "--output", output]
    if kind == "new":
        command += ["--pretrained", "none"]
    if arguments.unlabelled is not None:
        command += ["--unlabelled", arguments.unlabelled]
    words = [word for option in arguments.options for word in f"--{option}".split("=")]
    done = subprocess.run([*map(str, command), *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    result = json.loads((output / "result.json").read_text())
    names = ("accuracy", "ulmfit_accuracy", "tfidf_accuracy", "blend_weight", "seconds")
    return {name: result[name] for name in names}


def fit_tfidf_alone(arguments, files, seed, kind):
    """TF-IDF with logistic regression on all labelled texts, by scikit-learn alone."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline

    from tfast.text.corpora import read_texts

    texts = {name: read_texts(file) for name, file in files.items()}
    search = GridSearchCV(
        make_pipeline(
            TfidfVectorizer(sublinear_tf=True),
            LogisticRegression(max_iter=1000),
            memory=str(files["test"].parent / "cache"),
        ),
        {
            "tfidfvectorizer__ngram_range": [(1, 1), (1, 2)],
            # Words of two letters and more, or all words, numbers and marks.
            "tfidfvectorizer__token_pattern": [r"(?u)\b\w\w+\b", r"\w+|[^\w\s]"],
            "tfidfvectorizer__min_df": [1, 2],
            "logisticregression__C": [1, 10, 100],
        },
        cv=StratifiedKFold(5, shuffle=True, random_state=seed),
    ).fit(texts["labelled"].texts, texts["labelled"].labels)
    return {"accuracy": search.score(texts["test"].texts, texts["test"].labels)}


def read_results(path):
    """The results of earlier runs."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def print_table(arguments):
    """A line for each data set, number of labels and kind: mean, spread and minutes."""
    groups = {}
    for result in read_results(arguments.results):
        name = result["kind"] + (f" + {result['unlabelled']}" if result["unlabelled"] else "")
        name += f" {result['options']}".rstrip()
        groups.setdefault((result["data"], result["labels"], name), []).append(result)
    print("| data | labels | kind | accuracy | ULMFiT alone | TF-IDF inside | minutes |")
    print("|---|---|---|---|---|---|---|")
    for (name, number, kind), results in sorted(groups.items()):
        cells = [f"{name} | {number:,} | {kind}"]
        for value in ("accuracy", "ulmfit_accuracy", "tfidf_accuracy"):
            found = [100 * result[value] for result in results if value in result]
            cells.append(f"{np.mean(found):.1f} ± {np.std(found):.1f}" if found else "")
        cells.append(f"{np.median([result['minutes'] for result in results]):.1f}")
        print(f"| {' | '.join(cells)} | ({len(results)} seeds)")


if __name__ == "__main__":
    main()
