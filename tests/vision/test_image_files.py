import os
from pathlib import Path

import pytest

from tfast.vision import image_files
from tfast.vision.image_files import find_bad_images


@pytest.fixture
def checked(monkeypatch):
    """The files that are decoded, in the order in which that happens."""
    paths, check = [], image_files._reason_against
    monkeypatch.setattr(
        image_files, "_reason_against", lambda path: paths.append(path) or check(path)
    )
    return paths


@pytest.fixture
def paths(image_folder):
    folder = image_folder(count=3)
    (folder / "cat" / "3.png").write_bytes(b"")
    return sorted(map(str, folder.rglob("*.png")))


def test_bad_files_are_named_with_the_reason(paths, tmp_path):
    bad = find_bad_images([*paths, str(tmp_path / "missing.png")])
    assert {path[-9:]: reason for path, reason in bad.items() if "cat" in path} == {
        "cat/3.png": "not a JPEG, PNG, GIF or BMP file"
    }
    assert "No such file" in bad[str(tmp_path / "missing.png")]
    assert len(bad) == 2


def test_what_is_known_is_not_decoded_again(paths, tmp_path, checked):
    cache = tmp_path / "checked.json"
    bad = find_bad_images(paths, cache)
    assert sorted(checked) == paths
    assert find_bad_images(paths, cache) == bad
    assert len(checked) == len(paths)


def test_what_was_found_before_an_interruption_is_known(paths, tmp_path, checked, monkeypatch):
    def interrupt(path):
        if path == paths[-1]:
            raise KeyboardInterrupt
        return ""

    cache = tmp_path / "checked.json"
    with monkeypatch.context() as patched:
        patched.setattr(image_files, "_reason_against", interrupt)
        with pytest.raises(KeyboardInterrupt):
            find_bad_images(paths, cache)
    find_bad_images(paths, cache)
    assert checked == paths[-1:]


@pytest.mark.parametrize("change", ["size", "time"])
def test_changed_and_new_files_are_decoded(paths, tmp_path, checked, change):
    cache = tmp_path / "checked.json"
    find_bad_images(paths[:-1], cache)
    checked.clear()
    first = Path(paths[0])
    status = first.stat()
    if change == "size":
        first.write_bytes(first.read_bytes() + b".")
        os.utime(first, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        os.utime(first, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    find_bad_images(paths, cache)
    assert sorted(checked) == [paths[0], paths[-1]]
    checked.clear()
    # Those of the first call, too, are still known.
    find_bad_images(paths, cache)
    assert not checked


def test_missing_files_are_not_remembered(paths, tmp_path, checked):
    cache = tmp_path / "checked.json"
    missing = str(tmp_path / "missing.png")
    for _ in range(2):
        assert missing in find_bad_images([missing], cache)
    assert checked == [missing] * 2


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "\ud800", '{"rules": 0, "files": {}}', '{"rules": 1}'),
        *('{"rules": 1, "files": [[1]]}', '{"rules": 1, "files": {"a": 1}}'),
    ],
)
def test_a_damaged_cache_is_replaced(paths, tmp_path, checked, content):
    cache = tmp_path / "checked.json"
    cache.write_text(content, errors="surrogatepass")
    bad = find_bad_images(paths, cache)
    assert len(checked) == len(paths)
    assert find_bad_images(paths, cache) == bad
    assert len(checked) == len(paths)
