import argparse
import bz2
import io
import lzma
import sys
import tarfile
import zipfile

import pytest


@pytest.fixture
def other_texts(benchmarks):
    return benchmarks("other_texts")


def pack(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_moods_are_those_that_are_clear(other_texts, tmp_path):
    table = "1\t2.1\tA joy.\r\n2\t-0.3\tBroken\n3\t0.29\tA box\n\n"
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        info = tarfile.TarInfo("hutto_ICWSM_2014/tweets_GroundTruth.txt")
        info.size = len(table)
        archive.addfile(info, io.BytesIO(table.encode()))
    name = "vaderSentiment-0.5/additional_resources/hutto_ICWSM_2014.tar.gz"
    path = pack(tmp_path / "vader.zip", {name: inner.getvalue()})
    assert list(other_texts.read_moods(path, "tweets")) == [("A joy.", "pos"), ("Broken", "neg")]


def test_authors_are_those_of_their_own_tweets(other_texts, tmp_path):
    lines = [
        "Is retweet\tAuthor\tContent",
        "discrete\tdiscrete\tstring",
        "\tclass\tmeta",
        "False\tone\tVote! https://t.co/x1",
        "True\ttwo\tof another",
    ]
    name = "orangecontrib/text/datasets/election-tweets-2016.tab"
    path = pack(tmp_path / "orange.whl", {name: "\n".join(lines)})
    assert list(other_texts.read_authors(path)) == [("Vote! ", "one")]


def test_topics_are_those_of_whole_rows(other_texts, tmp_path):
    lines = ["Category\tText", "d\tstring", "class\t", "", "sport\tA ball", "news"]
    name = "orangecontrib/text/datasets/some.tab"
    path = pack(tmp_path / "orange.whl", {name: "\n".join(lines)})
    assert list(other_texts.read_topics(path, "some")) == [("A ball", "sport")]


def test_packages_are_described_in_any_language(other_texts, tmp_path):
    packages = "Package: a\nDescription: A game\n of two lines\nSection: games\n\nPackage: b\n"
    (tmp_path / "p.xz").write_bytes(lzma.compress(packages.encode()))
    german = "Package: a\nDescription-md5: 0\nDescription-de: Ein Spiel\n .\n\nPackage: b\n"
    (tmp_path / "t.bz2").write_bytes(bz2.compress(german.encode()))
    sources = {"packages": tmp_path / "p.xz", "german": tmp_path / "t.bz2"}
    arguments = argparse.Namespace(vader=None, orange=None, fortunes=None, **sources)
    found = {name: list(pairs) for name, pairs in other_texts.tables(arguments)}
    assert found == {"packages": [("A game", "games")], "german": [("Ein Spiel", "games")]}


@pytest.mark.parametrize(
    ("options", "why"), [([], "needs one of --vader"), (["--german", "t"], "needs --packages")]
)
def test_sources_that_are_missing_are_named(other_texts, monkeypatch, capsys, options, why):
    monkeypatch.setattr(sys, "argv", ["other_texts.py", "--output", "texts", *options])
    with pytest.raises(SystemExit) as exit_:
        other_texts.main()
    assert exit_.value.code == 2
    assert why in capsys.readouterr().err


def test_sayings_come_without_who_said_them(other_texts, tmp_path):
    for subject in other_texts.SUBJECTS:
        (tmp_path / subject).write_text(
            "To be -- or not.\n\t\t-- Will, in\n\t\tHamlet\n%\nWork.\n%\n"
        )
    found = list(other_texts.read_sayings(tmp_path))
    assert [text.strip() for text, _ in found[:3]] == ["To be -- or not.", "Work.", ""]
    assert {subject for _, subject in found} == set(other_texts.SUBJECTS)


def test_each_text_is_written_once(other_texts, tmp_path, capsys):
    pairs = [("a  b", "x"), ("a b", "y"), (" ", "x"), ("c", "y")]
    other_texts.write_table(tmp_path / "t.csv", iter(pairs))
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert sorted(lines) == ["a b,x", "c,y", "text,label"]
    assert capsys.readouterr().out.endswith("t.csv: 1 x, 1 y\n")
