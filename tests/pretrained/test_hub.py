import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import COMMIT, CONTENT

from tfast.pretrained import hub

REPOSITORY = "timm/resnet18d.test"


@pytest.fixture
def online(server, monkeypatch):
    """The server as the hub, with the files of a repository."""
    pytest.importorskip("huggingface_hub", reason="needs the extra `hub`")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", server.address(""))

    def serve(name, content, **options):
        sha256 = hashlib.sha256(content).hexdigest()
        headers = {"X-Repo-Commit": COMMIT, "X-Linked-Etag": f'"{sha256}"'}
        path = f"/{REPOSITORY}/resolve/main/{name}"
        server.serve(path, content, etag=sha256, headers=headers, **options)

    return serve


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    for name in ("HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert hub.cache_folder() == Path.home() / ".cache" / "huggingface" / "hub"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "general"))
    assert hub.cache_folder() == tmp_path / "general" / "huggingface" / "hub"
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert hub.cache_folder() == tmp_path / "home" / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    assert hub.cache_folder() == tmp_path / "cache"


def test_offline_and_endpoint_are_read_when_they_are_needed(monkeypatch):
    assert hub.is_offline()
    for value, offline in (("0", False), ("", False), ("true", True), ("1", True)):
        monkeypatch.setenv("HF_HUB_OFFLINE", value)
        assert hub.is_offline() is offline
    assert hub.endpoint() == "https://huggingface.co"
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.test/")
    assert hub.address_of("a/b", "main", "c") == "https://mirror.test/a/b/resolve/main/c"


def test_a_filled_cache_needs_neither_package_nor_network(fill_hub, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    snapshot = fill_hub(REPOSITORY, {"config.json": b"{}", "model.safetensors": CONTENT})
    assert hub.cached_snapshot(REPOSITORY) == snapshot
    assert hub.cached_snapshot(REPOSITORY, COMMIT) == snapshot
    assert hub.cached_snapshot(REPOSITORY, "v2") is None
    assert hub.cached_snapshot("timm/other") is None
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert hub.check_blob(snapshot / "model.safetensors") == digest
    assert hub.check_blob(snapshot / "config.json") == hashlib.sha256(b"{}").hexdigest()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_damaged_cache_is_named(fill_hub, name):
    content = {"config.json": b"{}", "model.safetensors": bytearray(CONTENT)}[name]
    snapshot = fill_hub(REPOSITORY, {name: bytes(content)})
    changed = bytearray((snapshot / name).read_bytes())
    changed[-1] ^= 1
    (snapshot / name).resolve().write_bytes(changed)
    with pytest.raises(ValueError, match=rf"{name} is damaged: the hub calls it [0-9a-f]+, its"):
        hub.check_blob(snapshot / name)


@pytest.mark.parametrize("commit", ["../../other", "..", "", "/etc"])
def test_a_reference_that_leads_out_of_the_cache_is_not_followed(fill_hub, commit):
    snapshot = fill_hub(REPOSITORY, {"config.json": b"{}"})
    (snapshot.parent.parent / "refs" / "main").write_text(commit)
    assert hub.cached_snapshot(REPOSITORY) is None


@pytest.mark.parametrize("name", ["..", "a/..", "../b", "a/b/c", "a", "a/b\n", "a--b/c", "/a/b"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="repository must be owner/name on the hub, got"):
        hub.check_repository(name, "main")
    with pytest.raises(ValueError, match="revision must be a branch, tag or commit"):
        hub.check_repository("a/b", "../main")


def test_offline_nothing_is_fetched(server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server.address(""))
    with pytest.raises(ValueError, match=r"config.json must be fetched, got HF_HUB_OFFLINE"):
        hub.fetch(REPOSITORY, "main", "config.json")
    assert server.requests == []


def test_the_missing_package_is_named(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match="needs pip install huggingface_hub safetensors"):
        hub.fetch(REPOSITORY, "main", "config.json")


def test_files_are_fetched_into_the_cache_and_found_again(online, server):
    online("model.safetensors", CONTENT)
    path = hub.fetch(REPOSITORY, "main", "model.safetensors")
    assert path.read_bytes() == CONTENT
    assert path.parent == hub.cached_snapshot(REPOSITORY)
    assert path.parent.name == COMMIT
    hub.check_blob(path)

    def refuse(handler):
        handler.send_response(404)
        handler.send_header("X-Error-Code", "EntryNotFound")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.answers[f"/{REPOSITORY}/resolve/main/pytorch_model.bin"] = refuse
    assert hub.fetch(REPOSITORY, "main", "pytorch_model.bin") is None


@pytest.mark.slow  # the package waits between its six attempts
def test_a_download_that_always_dies_is_one_line_and_leaves_no_file(online):
    online("model.safetensors", CONTENT, stop_at=100_000, ranges=False)
    with pytest.raises(ValueError, match=r"model.safetensors cannot be fetched: ") as caught:
        hub.fetch(REPOSITORY, "main", "model.safetensors")
    assert "\n" not in str(caught.value)
    assert not list(hub.cache_folder().rglob("model.safetensors"))


def test_a_changed_byte_is_found(online, server):
    online("model.safetensors", CONTENT)
    changed = CONTENT[:2_500_000] + b"x" + CONTENT[2_500_001:]
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    server.serve(
        f"/{REPOSITORY}/resolve/main/model.safetensors",
        changed,
        etag=sha256,
        headers={"X-Repo-Commit": COMMIT, "X-Linked-Etag": f'"{sha256}"'},
    )
    path = hub.fetch(REPOSITORY, "main", "model.safetensors")
    with pytest.raises(ValueError, match=r"model.safetensors is damaged"):
        hub.check_blob(path)


@pytest.mark.parametrize(
    "address",
    # The hub's own package tries again for 20 seconds where there is no server.
    [None, pytest.param("http://127.0.0.1:1", marks=pytest.mark.slow)],
    ids=["unknown repository", "no server"],
)
def test_what_cannot_be_fetched_is_one_line(online, monkeypatch, address):
    if address:
        monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(ValueError, match=r"config.json(: no such|.* cannot be)") as caught:
        hub.fetch("timm/nothing", "main", "config.json")
    assert "\n" not in str(caught.value)


def test_importing_it_imports_nothing_heavy():
    program = (
        "import sys, tfast.pretrained.hub, tfast.pretrained.remote_sources; "
        "assert not {'tensorflow', 'keras', 'numpy', 'huggingface_hub'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
