from pathlib import Path

import pytest

from tfast.text import corpora
from tfast.text.corpora import Corpus, Texts, read_corpus


@pytest.fixture
def reviews(tmp_path):
    """aclImdb's layout: 8 training, 4 test and 3 unlabelled texts; and CSV files beside it."""
    root = tmp_path / "aclImdb"
    for folder, count in {"train/pos": 4, "train/neg": 4, "test/pos": 2, "test/neg": 2}.items():
        (root / folder).mkdir(parents=True)
        for number in range(count):
            (root / folder / f"{number}.txt").write_text(f"{folder} {number}")
    (root / "train" / "unsup").mkdir()
    for number in range(3):
        (root / "train" / "unsup" / f"{number}.txt").write_text(f"unsup {number}")
    (tmp_path / "other.csv").write_text("text,label\nother good,pos\nother bad,neg\n")
    (tmp_path / "unknown.csv").write_text("text,label\ngood,pos\nodd,neither\n")
    return root


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({"valid": 2}, {"train": 6, "valid": 2, "test": 4, "unlabelled": 3}),
        ({"valid": 0.25}, {"train": 6, "valid": 2, "test": 4}),
        ({"valid": 2, "test": 0.25}, {"train": 4, "valid": 2, "test": 2}),
        ({"valid": 2, "test": Path("other.csv")}, {"train": 6, "valid": 2, "test": 2}),
        ({"valid": Path("other.csv")}, {"train": 8, "valid": 2, "test": 4}),
        ({"valid": "other.csv"}, {"train": 8, "valid": 2, "test": 4}),
        ({"valid": 2, "num_labelled": 5}, {"train": 5, "valid": 2, "test": 4}),
        ({"valid": 2, "num_labelled": 9}, {"train": 6}),
        ({"valid": 2, "num_unlabelled": 1}, {"unlabelled": 1}),
        ({"valid": 2, "num_unlabelled": 0}, {"unlabelled": 0}),
        ({"valid": 2, "unlabelled": Path("other.csv")}, {"unlabelled": 2}),
    ],
    ids=str,
)
def test_a_corpus_has_the_parts_that_are_asked_for(reviews, options, sizes):
    paths = {
        name: type(o)(reviews.parent / o)
        for name, o in options.items()
        if isinstance(o, Path | str)
    }
    corpus = read_corpus(reviews, **(options | paths))
    assert {name: len(getattr(corpus, name)) for name in sizes} == sizes
    assert corpus.class_names == ("neg", "pos")
    assert corpus.unlabelled.labels is None
    texts = [*corpus.train.texts, *corpus.valid.texts, *corpus.test.texts]
    assert len(set(texts)) == len(texts)


def test_a_table_is_split_in_three_class_by_class(tmp_path):
    rows = [f"text {i},{'ab'[i % 2]}\n" for i in range(40)]
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(rows))
    corpus = read_corpus(tmp_path / "a.csv", valid=0.2)
    assert [len(part) for part in (corpus.train, corpus.valid, corpus.test)] == [28, 8, 4]
    assert corpus.label_ids(corpus.test) == [{"a": 0, "b": 1}[x] for x in corpus.test.labels]
    assert corpus != read_corpus(tmp_path / "a.csv", valid=0.2, seed=1)
    assert corpus == read_corpus(tmp_path / "a.csv", valid=0.2)


def test_a_class_of_one_text_is_for_training(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "a,one\nb,two\n" * 30 + "c,third\n")
    with pytest.warns(UserWarning, match="for training alone, as there is only one: 'third'"):
        corpus = read_corpus(path, valid=0.1)
    assert "c" in corpus.train.texts
    assert corpus.class_names == ("one", "third", "two")
    assert sorted(corpus.label_ids(corpus.valid)) == [0, 0, 0, 2, 2, 2]


def test_a_fraction_of_validation_texts_is_of_the_labelled_texts_that_are_used(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(200)))
    for valid, sizes in ((0.1, (18, 2)), (6, (20, 6))):
        corpus = read_corpus(path, valid=valid, num_labelled=20)
        assert (len(corpus.train), len(corpus.valid), len(corpus.test)) == (*sizes, 20)
    for options, message in [
        ({"valid": 1}, "valid: amount must leave each of 2 classes"),
        ({"valid": 0.1, "num_labelled": 1}, "num_labelled must be a whole number of at least 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            read_corpus(path, **options)


def test_the_first_of_the_texts_that_have_no_label_are_taken(tmp_path):
    lines = [f"text {i}" for i in range(20)]
    table, more = tmp_path / "a.csv", tmp_path / "b.csv"
    table.write_text("text,label\n" + "".join(f"{t},{i % 2}\n" for i, t in enumerate(lines)))
    more.write_text("\n".join(["text", *lines, "one", "two", "three"]) + "\n")
    corpus = read_corpus(table, valid=0.2, unlabelled=more, num_unlabelled=2)
    assert corpus.unlabelled.texts == ("one", "two")


def test_a_label_that_no_training_text_has_is_named(reviews):
    with pytest.raises(ValueError, match="no training text has the label 'neither'"):
        read_corpus(reviews, valid=reviews.parent / "unknown.csv")
    both = Texts(["a", "b"], ["x", "y"])
    with pytest.raises(ValueError, match="texts must have labels, got None"):
        Corpus(train=both, valid=Texts(["a"]), test=both, unlabelled=Texts(()))


def test_no_folder_beside_train_and_test_is_left_out_without_a_word(reviews):
    for name in ("pos", "neg"):
        (reviews / "valid" / name).mkdir(parents=True)
        (reviews / "valid" / name / "1.txt").write_text(name)
    with pytest.raises(ValueError, match=r"data must hold nothing but train, test .* with valid"):
        read_corpus(reviews, valid=0.25)
    assert read_corpus(reviews, valid=reviews / "valid").valid.texts == ("neg", "pos")


def test_without_data_libraries_are_told_apart_by_their_documentation(monkeypatch):
    def found(num_texts, *, seed):
        labels = ["python", "keras"] * 10
        return [f"{label} {i} {num_texts} {seed}" for i, label in enumerate(labels)], labels

    monkeypatch.setattr(corpora, "library_docstrings", found)
    corpus = read_corpus(None, valid=0.25, seed=3)
    assert [len(p) for p in (corpus.unlabelled, corpus.test, corpus.valid)] == [8, 2, 2]
    assert corpus.class_names == ("keras", "python")
    assert all(text.endswith("400 3") for text in corpus.train.texts)


def test_the_encoding_reaches_every_file(tmp_path):
    for name in ("data", "valid", "test", "more"):
        more = " aussi" if name == "more" else ""
        content = f"text,label\nécole{more},a\nà{more},b\n"
        (tmp_path / f"{name}.csv").write_bytes(content.encode("latin-1"))
    paths = {name: tmp_path / f"{name}.csv" for name in ("valid", "test")}
    corpus = read_corpus(
        tmp_path / "data.csv", **paths, unlabelled=tmp_path / "more.csv", encoding="latin-1"
    )
    for part in (corpus.train, corpus.valid, corpus.test):
        assert part.texts == ("école", "à")
    assert corpus.unlabelled.texts == ("école aussi", "à aussi")


def test_texts_with_labels_do_not_count_as_texts_without(tmp_path):
    lines = [f"{kind} film {number}" for kind in ("good", "bad") for number in range(10)]
    table, more = tmp_path / "a.csv", tmp_path / "b.csv"
    rows = [f"{line},{line.split()[0]}" for line in lines]
    table.write_text("\n".join(["text,label", *rows]) + "\n")
    more.write_text("\n".join(["text", *lines, "another film"]) + "\n")
    corpus = read_corpus(table, valid=0.2, test=0.2, unlabelled=more)
    assert corpus.unlabelled.texts == ("another film",)
