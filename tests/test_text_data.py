import gzip
import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "text_data.py"


@pytest.fixture(scope="module")
def text_data():
    spec = importlib.util.spec_from_file_location("text_data", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_csv_files_are_read_by_column_plain_and_compressed(text_data, tmp_path):
    content = 'id,review,stars\n1,"good, ""very"" good\nindeed",5\n2,bad,1\n'
    plain, compressed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_text(content)
    compressed.write_bytes(gzip.compress(content.encode()))
    for path in (plain, compressed):
        read = text_data.read_labelled(path, text_column="review", label_column="stars")
        assert read.texts == ['good, "very" good\nindeed', "bad"]
        assert read.labels == ["5", "1"]
        assert text_data.read_unlabelled(path, text_column="review") == read.texts


def test_a_folder_for_each_class_is_read_and_unsup_is_not_one(text_data, tmp_path):
    for folder in ("pos", "neg", "unsup"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.txt").write_text(f"a {folder} text")
    read = text_data.read_labelled(tmp_path)
    assert read == text_data.Texts(["a neg text", "a pos text"], ["neg", "pos"])
    assert text_data.read_unlabelled(tmp_path / "unsup") == ["a unsup text"]


def test_a_plain_file_is_split_at_blank_lines(text_data, tmp_path):
    path = tmp_path / "book.txt"
    path.write_text(" = Title = \n \nFirst,\nstill first.\n\n\nSecond.\n")
    assert text_data.read_unlabelled(path) == ["= Title =", "First,\nstill first.", "Second."]


def test_split_is_the_same_each_time_and_loses_nothing(text_data):
    texts = text_data.Texts([str(i) for i in range(10)], [f"label {i}" for i in range(10)])
    small, large = texts.split(0.3, seed=1)
    assert (small, large) == texts.split(0.3, seed=1)
    assert (small, large) != texts.split(0.3, seed=2)
    assert (len(small), len(large)) == (3, 7)
    assert sorted(small.texts + large.texts) == texts.texts
    assert all(
        label == f"label {text}" for text, label in zip(small.texts, small.labels, strict=True)
    )


def test_docstrings_come_from_the_libraries_that_are_always_there(text_data, monkeypatch):
    monkeypatch.setattr(text_data, "LIBRARIES", ("python", "keras", "no_such_library"))
    read = text_data.docstrings(3)
    assert read.labels == ["python"] * 3 + ["keras"] * 3
    assert len(set(read.texts)) == 6
    assert all(100 <= len(text) <= 1000 for text in read.texts)
    assert text_data.docstrings(3) == read
    assert text_data.docstrings(3, seed=1) != read


def test_what_cannot_be_read_is_named(text_data, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\ngood,1\nbad,1\n")
    with pytest.raises(ValueError, match="no column 'review'"):
        text_data.read_labelled(path, text_column="review")
    with pytest.raises(ValueError, match="expected two classes"):
        text_data.read_labelled(path)
    with pytest.raises(ValueError, match="no texts"):
        text_data.read_unlabelled(tmp_path)
