import pytest

from tfast.pretrained import catalog
from tfast.pretrained.checksums import sha256_of
from tfast.pretrained.entries import Entry
from tfast.pretrained.sources import FileSource, FolderSource, is_weights


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


def test_a_hash_without_a_name_is_that_of_the_weights(tmp_path):
    for name in ("a.bin", "a.json", "vocabulary.txt", "topic_vectors.npz"):
        (tmp_path / name).write_bytes(name.encode())
    right = sha256_of(tmp_path / "a.bin")
    source = FolderSource(tmp_path, sha256={"": right})
    assert source.path("a.bin")
    assert all(map(source.path, ("a.json", "vocabulary.txt", "topic_vectors.npz")))
    with pytest.raises(ValueError, match=r"sha256 must be that of a.json"):
        FolderSource(tmp_path, sha256={"a.json": right}).find("a.json")
    with pytest.raises(ValueError, match=r"sha256 must be that of a.bin"):
        FolderSource(tmp_path, sha256={"": "0" * 64}).find("a.bin")


def test_what_load_takes_for_a_file_of_weights_is_one():
    endings = catalog.LOADERS_BY_ENDING | catalog.OWN_LOADERS_BY_ENDING
    assert all(is_weights(f"a{ending}") for ending in endings)
    for entry in catalog.ENTRIES.values():
        assert sum(map(is_weights, entry.files)) == 1, entry.name


def test_a_file_that_was_asked_for_is_the_weights_whatever_its_name(tmp_path):
    (tmp_path / "checkpoint.npz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"sha256 must be that of checkpoint\.npz"):
        FileSource(tmp_path / "checkpoint.npz", {"": "0" * 64}).path("checkpoint.npz")


def test_what_lies_beside_a_file_is_checked_and_recorded_with_it(tmp_path):
    for name in ("a.bin", "b.bin", "c.txt"):
        (tmp_path / name).write_bytes(name.encode())
    source = FileSource(tmp_path / "a.bin", {"": sha256_of(tmp_path / "a.bin"), "c.txt": "0" * 64})
    assert source.path("a.bin")
    assert source.beside().path("b.bin")
    assert set(source.sha256) == {"a.bin", "b.bin"}
    with pytest.raises(ValueError, match=r"sha256 must be that of c\.txt"):
        source.beside().find("c.txt")


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
