import os

import pytest

from tfast.data.folders import files_below, read_class_folders


@pytest.fixture
def tree(tmp_path):
    """Makes empty files, and folders for names that end in a slash."""

    def make(*names):
        for name in names:
            path = tmp_path / name
            (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
            if not name.endswith("/"):
                path.touch()
        return tmp_path

    return make


def relative(paths, root):
    return [os.path.relpath(path, root).replace(os.sep, "/") for path in paths]


def test_classes_and_files_are_sorted_and_labelled(tree):
    root = tree("dog/2.png", "dog/1.png", "cat/9.png", "cat/old/8.png")
    found = read_class_folders(root)
    assert found.class_names == ("cat", "dog")
    assert relative(found.file_paths, root) == ["cat/9.png", "cat/old/8.png", *found_dogs()]
    assert found.labels == (0, 0, 1, 1)
    assert found.left_out == ()


def found_dogs():
    return ["dog/1.png", "dog/2.png"]


def test_what_systems_leave_is_not_looked_at(tree):
    root = tree(
        *("cat/1.png", "dog/1.png", "dog/2.png"),
        *("__MACOSX/cat/._1.png", ".ipynb_checkpoints/1.png", ".DS_Store", "Thumbs.db"),
        *("cat/._1.png", "cat/.hidden/2.png", "cat/THUMBS.DB", "cat/Desktop.ini"),
        *("cat/__MACOSX/3.png", "cat/@eaDir/4.png"),
    )
    found = read_class_folders(root)
    assert relative(found.file_paths, root) == ["cat/1.png", *found_dogs()]


def test_endings_are_compared_without_regard_to_case_and_others_are_named(tree):
    root = tree("cat/1.TXT", "cat/1.md", "dog/young/2.Txt", "README.txt")
    with pytest.warns(UserWarning, match=r"left out files.*README.txt, .*1.md"):
        found = read_class_folders(root, endings=(".txt",))
    assert relative(found.file_paths, root) == ["cat/1.TXT", "dog/young/2.Txt"]
    assert relative(found.left_out, root) == ["README.txt", "cat/1.md"]


def test_a_warning_names_a_few_of_many_files(tree):
    root = tree("cat/1", "dog/1", *(f"{i:02}.txt" for i in range(15)))
    with pytest.warns(UserWarning, match=r"and 5 more$"):
        read_class_folders(root)


def test_class_names_give_the_numbers_and_may_have_no_folder_or_file(tree):
    root = tree("cat/1", "dog/")
    found = read_class_folders(root, class_names=["fox", "dog", "cat"])
    assert found.class_names == ("fox", "dog", "cat")
    assert found.labels == (2,)


def test_named_folders_are_no_classes(tree):
    found = read_class_folders(tree("neg/1", "pos/1", "unsup/1"), not_classes=("unsup",))
    assert found.class_names == ("neg", "pos")


def test_linked_folders_are_read_and_loops_end(tree):
    root = tree("data/cat/1", "data/dog/1", "more/2")
    (root / "data" / "cat" / "linked").symlink_to(root / "more")
    (root / "data" / "cat" / "loop").symlink_to(root / "data" / "cat")
    (root / "data" / "dog" / "broken").symlink_to(root / "nothing")
    found = read_class_folders(root / "data")
    assert relative(found.file_paths, root / "data") == [
        *("cat/1", "cat/linked/2", "dog/1", "dog/broken")
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["1.png"], "must hold a folder for each of two or more classes, got no folders"),
        (["cat/1.png"], "two or more classes, got only 'cat'"),
        (["cat/1.png", "dog/"], "must hold files of each class, got none in the folder 'dog'"),
        (["cat/1.png", "dog/.2.png"], "got none in the folder 'dog'; remove or fill it$"),
        (["cat/1.png", "__MACOSX/cat/1.png"], "two or more classes, got only 'cat'"),
    ],
)
def test_folders_without_two_classes_are_refused(tree, names, message):
    with pytest.raises(ValueError, match=message):
        read_class_folders(tree(*names))


@pytest.mark.parametrize(
    "splits",
    [
        ("train", "valid"),
        ("Training", "Test"),
        ("train_set", "val_set"),
        ("seg_train", "seg_test", "seg_pred"),
        ("train", "valid", "test", "labels"),
        ("train", "cat"),
    ],
)
def test_splits_are_refused_and_the_folder_to_give_is_named(tree, splits):
    root = tree(*(f"{split}/{name}/1.png" for split in splits for name in ("cat", "dog")))
    with pytest.raises(ValueError, match=rf"got splits of the data: .*give .*/{splits[0]} "):
        read_class_folders(root)
    with pytest.raises(ValueError, match="where these are classes, give them other names"):
        read_class_folders(root, class_names=["cat", "dog"])


def test_classes_called_as_splits_are_can_be_named(tree):
    root = tree("train/1.png", "test/1.png")
    assert read_class_folders(root, class_names=["test", "train"]).labels == (0, 1)


def test_a_class_of_trains_is_a_class(tree):
    root = tree("bus/1.png", "train/1.png", "train/old/2.png", "steam_train/1.png")
    assert read_class_folders(root).class_names == ("bus", "steam_train", "train")


@pytest.mark.parametrize(
    ("names", "given"),
    [
        (("cat", "dog"), "images"),
        (("train", "valid"), "images/train"),
        (("train",), "images/train"),
    ],
)
def test_one_folder_around_all_classes_is_refused_and_named(tree, names, given):
    root = tree(*(f"images/{name}/{number}/1.png" for name in names for number in "12"))
    with pytest.raises(ValueError, match=rf"single folder 'images'.*; give \S*/{given}$"):
        read_class_folders(root)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_names": ["cat", "cat", "dog"]}, "class_names must be distinct"),
        ({"class_names": ["cat", "fox"]}, "class_names must name every folder of .* without dog"),
        ({"endings": (".txt", ".md")}, "must hold .txt or .md files of each class, got none"),
    ],
)
def test_bad_arguments_are_refused(tree, options, message):
    with pytest.raises(ValueError, match=message):
        read_class_folders(tree("cat/1.png", "dog/1.png"), **options)


def test_only_folders_are_read(tmp_path):
    for read in (read_class_folders, files_below):
        with pytest.raises(ValueError, match=r"directory must be a folder, got .*nothing"):
            read(tmp_path / "nothing")
