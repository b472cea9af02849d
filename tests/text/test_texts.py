import collections
import gzip

import numpy as np
import pytest

from tfast.text.texts import Texts, read_texts, read_unlabelled


def labelled(**counts):
    labels = [label for label, count in counts.items() for _ in range(count)]
    return Texts([str(i) for i in range(len(labels))], labels)


def write_folder(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_texts_keep_what_they_were_made_of():
    lists = ["a", "b"], ["x", "y"]
    texts = Texts(*lists)
    lists[0].append("c")
    assert (texts.texts, texts.labels, len(texts)) == (("a", "b"), ("x", "y"), 2)
    assert texts == Texts(("a", "b"), ("x", "y"))
    assert Texts(["a"]).class_names == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], ["x", "y"]), "labels must be as many as texts, 1, got 2"),
        (("a film",), "texts must be a sequence of strings, got 'a film'"),
        ((["a"], "x"), "labels must be a sequence of strings, got 'x'"),
    ],
)
def test_texts_that_do_not_fit_their_labels_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Texts(*arguments)


@pytest.mark.parametrize("seed", range(40))
def test_a_split_leaves_rare_classes_on_both_sides(seed):
    texts = labelled(good=60, bad=60, odd=2)
    training, validation = texts.split(0.1, seed=seed)
    assert collections.Counter(training.labels) == {"good": 54, "bad": 54, "odd": 1}
    assert collections.Counter(validation.labels) == {"good": 6, "bad": 6, "odd": 1}
    assert sorted(training.texts + validation.texts) == sorted(texts.texts)
    assert (training, validation) == texts.split(0.1, seed=seed)
    assert (training, validation) != texts.split(0.1, seed=seed + 1)
    by_text = dict(zip(texts.texts, texts.labels, strict=True))
    assert all(
        by_text[t] == label for t, label in zip(training.texts, training.labels, strict=True)
    )
    assert list(training.texts) == sorted(training.texts, key=int)


def test_a_split_takes_a_number_and_texts_without_labels():
    training, validation = labelled(good=30, bad=70).split(np.int64(10), seed=0)
    assert collections.Counter(validation.labels) == {"good": 3, "bad": 7}
    assert len(training) == 90
    training, validation = Texts(["a", "b", "c"]).split(1, seed=0)
    assert (len(training), len(validation), validation.labels) == (2, 1, None)


def test_a_class_of_one_text_is_for_training():
    with pytest.warns(UserWarning, match="only one: 'third'"):
        training, validation = labelled(one=30, two=30, third=1).split(0.1, seed=0)
    assert training.class_names == ("one", "third", "two")
    assert validation.class_names == ("one", "two")


def test_a_split_says_which_numbers_are_possible():
    with pytest.raises(ValueError, match=r"amount must .* got 60"):
        labelled(one=30, two=30).split(60, seed=0)


def test_samples_have_every_class_in_proportion_and_grow_by_adding():
    texts = labelled(good=60, bad=30, odd=1)
    before = set()
    for number in (3, 10, 31, 91):
        sample = texts.sample(number, seed=1)
        assert len(sample) == number
        assert before < set(sample.texts)
        before = set(sample.texts)
    assert collections.Counter(texts.sample(31, seed=1).labels) == {"good": 20, "bad": 10, "odd": 1}
    assert texts.sample(10, seed=1) != texts.sample(10, seed=2)
    for number, message in ((2, "at least 3, got 2"), (92, "at most the 91 texts, got 92")):
        with pytest.raises(ValueError, match=message):
            texts.sample(number, seed=1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,label\ngood,1\nbad, 2 \n"),
        ("A.TSV", "text\tlabel\ngood\t1\nbad\t2\n"),
        ("a.jsonl", '{"text": "good", "label": 1}\n{"text": "bad", "label": "2"}\n'),
        ("a.csv.gz", "text,label\ngood,1\nbad,2\n"),
    ],
)
def test_tables_of_every_kind_are_read(tmp_path, name, content):
    data = content.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    expected = Texts(["good", "bad"], ["1", "2"])
    assert read_texts(tmp_path / name) == expected
    assert read_unlabelled(tmp_path / name) == Texts(expected.texts)


def test_a_table_of_unlabelled_texts_needs_no_labels(tmp_path):
    (tmp_path / "a.csv").write_text("review,label\ngood,\nbad,\n")
    assert read_unlabelled(tmp_path / "a.csv", text_column="review") == Texts(["good", "bad"])
    with pytest.raises(ValueError, match=r"a\.csv, line 2: the label is empty"):
        read_texts(tmp_path / "a.csv", text_column="review")


@pytest.mark.parametrize("empty", ["", " ", '""'])
def test_an_empty_label_is_named_with_its_line(tmp_path, empty):
    (tmp_path / "a.csv").write_text(f"text,label\ngood,1\nbad,{empty}\n")
    with pytest.raises(ValueError, match=r"a\.csv, line 3: the label is empty"):
        read_texts(tmp_path / "a.csv")


@pytest.mark.parametrize("rows", ["good,1\nbad,1\n", ""])
def test_fewer_than_two_classes_are_refused(tmp_path, rows):
    (tmp_path / "a.csv").write_text("text,label\n" + rows)
    with pytest.raises(ValueError, match="must have texts of two or more classes, got"):
        read_texts(tmp_path / "a.csv")


def test_files_without_labels_or_texts_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text("\n\n")
    with pytest.raises(ValueError, match=r"folder of classes or a table .*got .*a\.txt"):
        read_texts(tmp_path / "a.txt")
    with pytest.raises(ValueError, match=r"a\.txt must have texts, got none"):
        read_unlabelled(tmp_path / "a.txt")
    with pytest.raises(ValueError, match=r"path must end with .*got .*more\.parquet"):
        read_unlabelled(tmp_path / "more.parquet")
    with pytest.raises(FileNotFoundError):
        read_texts(tmp_path / "nowhere.csv")


def test_folders_have_the_rules_of_image_folders(tmp_path):
    write_folder(
        tmp_path,
        {
            "pos/1.TXT": "one",
            "pos/inner/2.txt": "two",
            "pos/._0.txt": "no",
            "neg/3.txt": "three",
            "unsup/4.txt": "four",
            ".ipynb_checkpoints/5.txt": "no",
            "__MACOSX/6.txt": "no",
        },
    )
    (tmp_path / "neg" / "7.txt.gz").write_bytes(gzip.compress("séven".encode("utf-8-sig")))
    texts = read_texts(tmp_path)
    assert texts == Texts(["three", "séven", "one", "two"], ["neg", "neg", "pos", "pos"])
    assert read_unlabelled(tmp_path / "unsup") == Texts(["four"])
    assert read_unlabelled(tmp_path / "pos") == Texts(["one", "two"])
    (tmp_path / "pos" / "urls.html").touch()
    for read in (lambda: read_texts(tmp_path), lambda: read_unlabelled(tmp_path / "pos")):
        with pytest.warns(UserWarning, match=r"left out .*urls\.html"):
            read()


def test_splits_are_not_taken_for_classes(tmp_path):
    write_folder(tmp_path, {f"{part}/{c}/1.txt": "a" for part in ("train", "valid") for c in "xy"})
    with pytest.raises(ValueError, match="splits of the data"):
        read_texts(tmp_path)


def test_a_text_of_another_encoding_is_named(tmp_path):
    write_folder(tmp_path, {"pos/1.txt": "a", "neg/1.txt": "b"})
    (tmp_path / "pos" / "1.txt").write_bytes("one\nécole".encode("latin-1"))
    with pytest.raises(ValueError, match=r"1\.txt, line 2: byte 0xe9 is not UTF-8"):
        read_texts(tmp_path)
    assert read_texts(tmp_path, encoding="latin-1").texts == ("b", "one\nécole")
