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


def test_libraries_are_read_wherever_they_stand_and_whatever_they_hold(
    text_data, monkeypatch, tmp_path, recwarn
):
    library = tmp_path / "tester" / "library_of_this_test"
    (library / "tests").mkdir(parents=True)
    for name, code in {
        "__init__.py": f'"""{"What the library does. " * 9}"""\nx = "\\d"\n',
        "template.py": "def {name}(:",
        "nul.py": "a\0",
        "tests/test_it.py": f'"""{"What the test does. " * 9}"""',
    }.items():
        (library / name).write_text(code)
    monkeypatch.syspath_prepend(library.parent)
    monkeypatch.setattr(text_data, "LIBRARIES", (library.name,))
    assert text_data.docstrings(9).texts == ["What the library does. " * 9]
    assert not recwarn


@pytest.fixture
def reviews(tmp_path):
    """aclImdb's layout: 8 training, 4 test and 3 unlabelled texts; and CSV files beside it."""
    for folder, count in {"train/pos": 4, "train/neg": 4, "test/pos": 2, "test/neg": 2}.items():
        (tmp_path / folder).mkdir(parents=True)
        for number in range(count):
            (tmp_path / folder / f"{number}.txt").write_text(f"{folder} {number}")
    (tmp_path / "train" / "unsup").mkdir()
    for number in range(3):
        (tmp_path / "train" / "unsup" / f"{number}.txt").write_text(f"unsup {number}")
    (tmp_path / "other.csv").write_text("text,label\nother good,pos\nother bad,neg\n")
    (tmp_path / "unknown.csv").write_text("text,label\ngood,pos\nodd,neither\n")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({"valid": 2}, {"train": 6, "valid": 2, "test": 4, "unlabelled": 3}),
        ({"valid": 0.25}, {"train": 6, "valid": 2, "test": 4}),
        ({"valid": 1, "test": 0.5}, {"train": 3, "valid": 1, "test": 4}),
        ({"valid": 1, "test": 1}, {"train": 6, "valid": 1, "test": 1}),
        ({"valid": 1, "test": Path("other.csv")}, {"train": 7, "valid": 1, "test": 2}),
        ({"valid": Path("other.csv")}, {"train": 8, "valid": 2, "test": 4}),
        ({"valid": 2, "num_labelled": 5}, {"train": 5, "valid": 2, "test": 4}),
        ({"valid": 2, "num_labelled": 9}, {"train": 6}),
        ({"valid": 2, "num_unlabelled": 1}, {"unlabelled": 1}),
        ({"valid": 2, "unlabelled": Path("other.csv")}, {"unlabelled": 2}),
    ],
    ids=str,
)
def test_a_corpus_has_the_parts_that_are_asked_for(text_data, reviews, options, sizes):
    paths = {name: reviews / o for name, o in options.items() if isinstance(o, Path)}
    corpus = text_data.read_corpus(reviews, **(options | paths))
    assert {name: len(getattr(corpus, name)) for name in sizes} == sizes
    assert corpus.class_names == ["neg", "pos"]
    labelled = [*corpus.train.texts, *corpus.valid.texts, *corpus.test.texts]
    assert len(set(labelled)) == len(labelled)


def test_a_label_that_no_training_text_has_is_named(text_data, reviews):
    with pytest.raises(ValueError, match="no training text has the label 'neither'"):
        text_data.read_corpus(reviews, valid=reviews / "unknown.csv")


def test_what_cannot_be_read_is_named(text_data, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\ngood,1\nbad,1\n")
    with pytest.raises(ValueError, match="no column 'review'"):
        text_data.read_labelled(path, text_column="review")
    with pytest.raises(ValueError, match="expected two classes"):
        text_data.read_labelled(path)
    with pytest.raises(ValueError, match="no texts"):
        text_data.read_unlabelled(tmp_path)
