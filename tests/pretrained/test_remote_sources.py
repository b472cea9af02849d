import pytest
from loopback import COMMIT, CONTENT

from tfast.pretrained.checksums import sha256_of
from tfast.pretrained.entries import Entry
from tfast.pretrained.remote_sources import HubSource, WebSource

FILES = {"config.json": b"{}", "model.safetensors": CONTENT}


def entry(server):
    address = server.serve("/path/weights")
    return Entry(
        name="a/b", kind="text", loader="m", files=("w.tgz",), addresses={"w.tgz": address}
    )


def test_the_hubs_cache_gives_files_and_revision(fill_hub):
    snapshot = fill_hub("owner/name", FILES)
    source = HubSource("owner/name")
    assert source.revision is None
    assert source.path("model.safetensors") == snapshot / "model.safetensors"
    assert source.revision == COMMIT
    assert source.is_here("config.json")
    assert not source.is_here("vocabulary.txt")


def test_files_of_the_hub_may_be_laid_by_hand(tmp_path):
    source = HubSource("owner/name")
    with pytest.raises(ValueError, match=r"got no model.safetensors in .*hub or ") as caught:
        source.path("model.safetensors")
    folder = tmp_path / "keras" / "tfast" / "owner" / "name"
    address = "https://huggingface.co/owner/name/resolve/main/model.safetensors"
    assert f"fetch {address} by hand into {folder}" in str(caught.value)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(CONTENT)
    assert source.path("model.safetensors") == folder / "model.safetensors"
    (folder / "model.safetensors").write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(ValueError, match="is not the file that was first used"):
        HubSource("owner/name").path("model.safetensors")


def test_files_laid_by_hand_are_of_no_other_revision_than_main(tmp_path, fill_hub):
    folder = tmp_path / "keras" / "tfast" / "owner" / "name"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    source = HubSource("owner/name", revision="v9")
    assert not source.is_here("config.json")
    with pytest.raises(
        ValueError,
        match=r"revision must be on this machine, got 'v9' of owner/name, of which no config",
    ) as caught:
        source.path("config.json")
    assert f"laid by hand in {folder} are of no known revision" in str(caught.value)
    snapshot = fill_hub("owner/name", FILES)
    assert HubSource("owner/name", revision=COMMIT).path("config.json").parent == snapshot


def test_all_that_is_missing_of_a_known_model_is_said_at_once():
    known = Entry(name="a", kind="image", loader="m", files=tuple(FILES), repository="owner/name")
    source = HubSource("owner/name", entry=known)
    with pytest.raises(ValueError, match=r"config\.json and .*model\.safetensors by hand into"):
        source.path("config.json")


def test_a_damaged_cache_is_refused(fill_hub):
    snapshot = fill_hub("owner/name", FILES)
    (snapshot / "model.safetensors").resolve().write_bytes(CONTENT[:-1])
    with pytest.raises(ValueError, match="is damaged: the hub calls it"):
        HubSource("owner/name").path("model.safetensors")


def test_nothing_is_fetched_unasked(server):
    with pytest.raises(ValueError, match=r"a/b must be fetched first, got no w.tgz in"):
        WebSource(entry(server)).path("w.tgz")
    assert server.requests == []


def test_what_was_fetched_is_not_fetched_again(server, tmp_path):
    source = WebSource(entry(server), download=True)
    path = source.path("w.tgz")
    assert path == tmp_path / "keras" / "tfast" / "a" / "b" / "w.tgz"
    assert source.sha256 == {"w.tgz": sha256_of(path)}
    WebSource(entry(server), download=True).path("w.tgz")
    assert len(server.requests) == 1
    with pytest.raises(ValueError, match="must hold other"):
        source.path("other")
