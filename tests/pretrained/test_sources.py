import pytest

from tfast.pretrained.checksums import sha256_of
from tfast.pretrained.entries import Entry
from tfast.pretrained.sources import FileSource, FolderSource


def test_files_are_found_by_name_and_hashed(tmp_path):
    (tmp_path / "b.bin").write_bytes(b"b")
    source = FolderSource(tmp_path)
    assert source.find("a.bin") is None
    assert source.path("a.bin", "b.bin") == tmp_path / "b.bin"
    assert source.sha256 == {"b.bin": sha256_of(tmp_path / "b.bin")}
    with pytest.raises(ValueError, match=r"must hold a.bin or c.bin$"):
        source.path("a.bin", "c.bin")


def test_a_single_file_is_looked_at_alone(tmp_path):
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(b"")
    source = FileSource(tmp_path / "a.bin")
    assert source.path("a.bin")
    assert source.find("b.bin") is None
    assert source.address == str(tmp_path / "a.bin")


def test_hashes_that_were_given_are_checked_of_all_but_json(tmp_path):
    for name in ("a.bin", "a.json"):
        (tmp_path / name).write_bytes(name.encode())
    right = sha256_of(tmp_path / "a.bin")
    source = FolderSource(tmp_path, sha256={"": right})
    assert source.path("a.bin")
    assert source.path("a.json")
    with pytest.raises(ValueError, match=r"sha256 must be that of a.json"):
        FolderSource(tmp_path, sha256={"a.json": right}).find("a.json")
    with pytest.raises(ValueError, match=r"sha256 must be that of a.bin"):
        FolderSource(tmp_path, sha256={"": "0" * 64}).find("a.bin")


def test_hashes_that_the_catalogue_records_are_checked(tmp_path):
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(name.encode())
    hashes = {"a.bin": sha256_of(tmp_path / "a.bin"), "b.bin": "0" * 64}
    entry = Entry(name="a", kind="text", loader="m", files=("a.bin", "b.bin"), sha256=hashes)
    source = FolderSource(tmp_path, entry)
    assert source.path("a.bin")
    with pytest.raises(
        ValueError, match=r"b\.bin must have the SHA-256 0{64}, got .*: it is damaged"
    ):
        source.path("b.bin")


def test_the_catalogue_fills_in_what_the_files_do_not_say(tmp_path):
    entry = Entry(
        name="a", kind="image", loader="m", files=(), licence="mit", expected_accuracy=0.5
    )
    provenance = FolderSource(tmp_path, entry).provenance(notes=["one"])
    assert (provenance.licence, provenance.expected_accuracy) == ("mit", 0.5)
    assert provenance.notes == ("one",)
    assert FolderSource(tmp_path, entry).provenance(licence="bsd").licence == "bsd"
