import pytest

from tfast.text.library_docstrings import library_docstrings


def test_docstrings_come_from_the_libraries_that_are_installed():
    texts, labels = library_docstrings(3, libraries=("python", "keras", "no_such_library"))
    assert labels == ["python"] * 3 + ["keras"] * 3
    assert len(set(texts)) == 6
    assert all(100 <= len(text) <= 1000 for text in texts)
    again, _ = library_docstrings(3, libraries=("python", "keras"))
    assert again == texts
    others, _ = library_docstrings(3, libraries=("python", "keras"), seed=1)
    assert others != texts


def test_libraries_are_read_wherever_they_are_and_whatever_they_hold(
    monkeypatch, tmp_path, recwarn
):
    library = tmp_path / "tester" / "library_of_this_test"
    (library / "tests").mkdir(parents=True)
    for name, code in {
        "__init__.py": f'"""{"What the library does. " * 9}"""\nx = "\\d"\n',
        "again.py": f'"""{"What the library does. " * 9}"""\n',
        "template.py": "def {name}(:",
        "nul.py": "a\0",
        "tests/test_it.py": f'"""{"What the test does. " * 9}"""',
    }.items():
        (library / name).write_text(code)
    monkeypatch.syspath_prepend(library.parent)
    texts, labels = library_docstrings(9, libraries=(library.name,))
    assert texts == ["What the library does. " * 9]
    assert labels == [library.name]
    assert not recwarn


def test_a_number_of_texts_below_one_is_refused():
    with pytest.raises(ValueError, match="num_texts must be a whole number of at least 1, got 0"):
        library_docstrings(0)
