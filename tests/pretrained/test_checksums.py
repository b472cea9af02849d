import json

import pytest

from tfast.pretrained.checksums import check_given, check_remembered, remembered, sha256_of

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"abc")
    return path


def check(path):
    check_remembered(path, sha256_of(path))


def test_the_hash_is_that_of_the_whole_file(path):
    assert sha256_of(path) == ABC
    path.write_bytes(bytes(2**21) + b"\1")
    changed = sha256_of(path)
    path.write_bytes(bytes(2**21) + b"\2")
    assert sha256_of(path) != changed


def test_the_first_use_is_remembered_and_checked_from_then_on(path):
    assert remembered(path) is None
    check(path)
    assert remembered(path) == ABC
    check(path)
    path.write_bytes(b"abd")
    with pytest.raises(ValueError, match=r"is not the file that was first used: 3 bytes of SHA"):
        check(path)
    (path.parent / "weights.pth.first_use.json").unlink()
    check(path)


def test_a_damaged_memory_is_named(path):
    memory = path.parent / "weights.pth.first_use.json"
    for content in ("", "[]", '{"length": 3}', json.dumps({"length": "many", "sha256": ABC})):
        memory.write_text(content)
        with pytest.raises(ValueError, match=r"first_use.json is damaged: remove it to trust"):
            check(path)
        assert remembered(path) in (None, ABC)


def test_a_folder_that_cannot_be_written_is_no_error(path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError("read-only")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    check(path)
    assert remembered(path) is None


def test_a_hash_that_is_given_is_compared():
    check_given("a", ABC, None)
    check_given("a", ABC, ABC.upper())
    with pytest.raises(ValueError, match=f"sha256 must be that of a, which is {ABC}, got 00"):
        check_given("a", ABC, "00")
